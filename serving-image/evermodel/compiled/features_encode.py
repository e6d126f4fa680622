"""The first step of all branches at once: gaps filled, numbers scaled, categories looked up, in a handful of calls.

Every column of the result is a number (filled, then scaled), a flag (whether a value is missing) or a part of a
category. What an encoder makes of a category is kept as the few numbers in which it differs from a common row, so that
a hundred columns of zeros and a one cost one number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.features_apply import Apply, affine
from evermodel.compiled.features_steps import Sources, Step
from evermodel.compiled.model import Arrays, DamagedError, Floats, Header, take
from evermodel.compiled.rows import Texts

_SCALES = ("subtract", "divide", "multiply", "add", "low", "high")


@dataclass(frozen=True)
class Encoding:
    """From the raw columns to the first matrix."""

    given: int
    """Raw columns: those of the signature, and those that are made."""
    width: int
    """Columns of the result."""
    arrays: dict[str, NDArray[Any]]
    """
    `numbers`, `number_places` (i4): where numbers come from and go to; `fill` and the scales (f8) of each.
    `flags`, `flag_places` (i4): the same of flags.
    `categories` (i4): where categories come from; `first` (i4): where each one's rows begin in `slots` (i4) and
    `parts` (f8), both of shape (rows, parts): first for what was never seen, then for its levels, then for missing.
    `common` (f8): the row that they are written over.
    """
    lookups: tuple[dict[str, int] | None, ...]
    """For each category None, where its code is the place of its level; else the level's place by its text."""

    @cached_property
    def _scale(self) -> Apply:
        parts = {name: self.arrays[name] for name in _SCALES}
        return affine(Step("affine", len(self.arrays["numbers"]), len(self.arrays["numbers"]), parts))

    @cached_property
    def _plan(self) -> "_Plan":
        return _Plan.of(self)

    def matrix(self, raw: Floats, texts: Texts) -> Floats:
        """Shape (rows, width) of raw columns of shape (rows, given)."""
        plan = self._plan
        numbers = raw if plan.all_numbers else raw[:, plan.numbers]
        if plan.fills:
            missing = np.isnan(numbers)
            numbers = np.where(missing, self.arrays["fill"], numbers)
        numbers = self._scale(numbers)
        if plan.only_numbers:
            return numbers
        out = np.empty((len(raw), self.width))
        out[:] = self.arrays["common"]
        if plan.has_numbers:
            out[:, plan.number_places] = numbers
        if plan.has_flags:
            out[:, plan.flag_places] = np.isnan(raw[:, plan.flags])
        if plan.has_categories:
            index = self._rows_of(raw, texts)
            slots = plan.slots[index]
            if len(raw) > 1:
                slots += (np.arange(len(raw)) * self.width)[:, None, None]
            out.put(slots, self.arrays["parts"][index])
        return out

    def _rows_of(self, raw: Floats, texts: Texts) -> NDArray[np.intp]:
        """Shape (rows, categories): rows of `slots` and `parts`."""
        plan = self._plan
        codes = raw[:, plan.categories]
        for place in plan.looked_up:
            lookup = self.lookups[place]
            assert lookup is not None  # noqa: S101  the plan says so; tells the type checker
            own = texts[int(plan.categories[place])]
            codes[:, place] = [np.nan if text is None else lookup.get(text, -1) for text in own]
        codes += plan.first_levels
        np.copyto(codes, plan.missing, where=np.isnan(codes))
        return codes.astype(np.intp)

    def sources(self, given: Sources) -> Sources:
        """Of what raw columns each column is made."""
        made: list[tuple[int, ...]] = [()] * self.width
        for kind in ("number", "flag"):
            for source, place in zip(
                self.arrays[f"{kind}s"].tolist(), self.arrays[f"{kind}_places"].tolist(), strict=True
            ):
                made[place] = given[source]
        bounds = [*self.arrays["first"].tolist(), len(self.arrays["slots"])]
        for number, source in enumerate(self.arrays["categories"].tolist()):
            for place in np.unique(self.arrays["slots"][bounds[number] : bounds[number + 1]]).tolist():
                made[place] = given[source]
        return tuple(made)

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        lookups = [None if lookup is None else list(lookup) for lookup in self.lookups]
        return {"given": self.given, "width": self.width, "lookups": lookups}, self.arrays

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Encoding":
        """The encoding of its header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        given, width, told = (header.get(name) for name in ("given", "width", "lookups"))
        if type(given) is not int or type(width) is not int or width < 1 or not isinstance(told, list):
            raise DamagedError("its encoding has no widths or no levels")
        own = {name: take(arrays, name, "i4", (None,)) for name in ("numbers", "flags", "categories", "first")}
        count = len(own["numbers"])
        own |= {name: take(arrays, name, "f8", (count,)) for name in ("fill", *_SCALES)}
        own["number_places"] = take(arrays, "number_places", "i4", (count,))
        own["flag_places"] = take(arrays, "flag_places", "i4", (len(own["flags"]),))
        own["slots"] = take(arrays, "slots", "i4", (None, None))
        own["parts"] = take(arrays, "parts", "f8", own["slots"].shape)
        own["common"] = take(arrays, "common", "f8", (width,))
        made = cls(given, width, own, tuple(_lookup(levels) for levels in told))
        _check(made)
        return made


def _lookup(levels: Any) -> dict[str, int] | None:
    if levels is None:
        return None
    if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        raise DamagedError("the levels of its encoding are no texts")
    return {level: place for place, level in enumerate(levels)}


def _check(made: Encoding) -> None:
    for names, limit in (
        (("numbers", "flags", "categories"), made.given),
        (("number_places", "flag_places", "slots"), made.width),
    ):
        for name in names:
            if not ((made.arrays[name] >= 0) & (made.arrays[name] < limit)).all():
                raise DamagedError(f"its encoding names columns that are not there ({name})")
    first = made.arrays["first"].tolist()
    bounds = [*first, len(made.arrays["slots"])]
    categories = len(made.arrays["categories"])
    if len(first) != categories or len(made.lookups) != categories or (first and first[0] != 0):
        raise DamagedError("the categories of its encoding do not fit their tables")
    for lookup, start, stop in zip(made.lookups, bounds, bounds[1:], strict=False):
        if stop - start < 2 or (lookup is not None and stop - start != len(lookup) + 2):
            raise DamagedError("the levels of its encoding do not fit their tables")


@dataclass(frozen=True)
class _Plan:
    """What is known before the first row comes."""

    numbers: Any
    number_places: Any
    flags: Any
    flag_places: Any
    categories: NDArray[np.intp]
    slots: NDArray[np.intp]
    first_levels: Floats
    missing: Floats
    looked_up: Sequence[int]
    all_numbers: bool
    only_numbers: bool
    fills: bool
    has_numbers: bool
    has_flags: bool
    has_categories: bool

    @classmethod
    def of(cls, encoding: Encoding) -> "_Plan":
        arrays = encoding.arrays
        numbers, places = arrays["numbers"], arrays["number_places"]
        first = arrays["first"].astype(np.float64)
        after = np.append(first[1:], len(arrays["slots"]))
        return cls(
            numbers=_range(numbers),
            number_places=_range(places),
            flags=_range(arrays["flags"]),
            flag_places=_range(arrays["flag_places"]),
            categories=arrays["categories"].astype(np.intp),
            slots=arrays["slots"].astype(np.intp),
            first_levels=first + 1.0,
            missing=after - 1.0,
            looked_up=[place for place, lookup in enumerate(encoding.lookups) if lookup is not None],
            all_numbers=np.array_equal(numbers, np.arange(encoding.given)),
            only_numbers=np.array_equal(places, np.arange(encoding.width)),
            fills=not bool(np.isnan(arrays["fill"]).all()),
            has_numbers=len(numbers) > 0,
            has_flags=len(arrays["flags"]) > 0,
            has_categories=len(arrays["categories"]) > 0,
        )


def _range(places: NDArray[Any]) -> Any:
    """A slice where the places follow one another, which numpy takes much quicker than a list of them."""
    if len(places) and np.array_equal(places, np.arange(places[0], places[0] + len(places))):
        return slice(int(places[0]), int(places[0]) + len(places))
    return places.astype(np.intp)
