"""Fitted steps on a matrix of numbers, computed in scikit-learn's own order of operations.

A step is a kind, a small header and arrays. `STEPS` says for each kind which arrays it has, and what it does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled import features_apply as apply_to
from evermodel.compiled.features_apply import Apply
from evermodel.compiled.model import Arrays, DamagedError, Header, take

Sources = tuple[tuple[int, ...], ...]
"""For each column the places of the raw columns that it is made of."""
NORMS = ("l1", "l2", "max")


@dataclass(frozen=True)
class Step:
    """One fitted step. `matrix -> matrix`; the one it is given is not written to."""

    kind: str
    before: int
    """Columns that it takes."""
    width: int
    """Columns that it gives."""
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    header: Header = field(default_factory=dict)

    @cached_property
    def apply(self) -> Apply:
        """What it does."""
        return _KINDS[self.kind].build(self)

    def sources(self, given: Sources) -> Sources:
        """Of what raw columns its columns are made, when those it takes are made of `given`."""
        return _KINDS[self.kind].sources(self, given)

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        return {"kind": self.kind, "before": self.before, "width": self.width, **self.header}, self.arrays


@dataclass(frozen=True)
class _Kind:
    shapes: dict[str, tuple[str, tuple[str | None, ...]]]
    """Of each array its type and shape: `before` and `width` stand for those lengths, None for any."""
    build: Callable[[Step], Apply]
    sources: Callable[[Step, Sources], Sources]
    check: Callable[[Step], bool] = lambda step: step.before == step.width


def step_from_parts(header: Header, arrays: Arrays) -> Step:
    """A step of its header and arrays.

    Raises:
        DamagedError: they do not fit each other.
    """
    kind, before, width = (header.get(name) for name in ("kind", "before", "width"))
    if not isinstance(kind, str) or kind not in _KINDS or type(before) is not int or type(width) is not int:
        raise DamagedError("one of its steps is of no kind that this image knows")
    lengths = {"before": before, "width": width}
    shapes = _KINDS[kind].shapes
    own = {
        name: take(arrays, name, dtype, tuple(None if part is None else lengths[part] for part in shape))
        for name, (dtype, shape) in shapes.items()
    }
    more = {name: value for name, value in header.items() if name not in {"kind", "before", "width"}}
    step = Step(kind, before, width, own, more)
    if not _KINDS[kind].check(step):
        raise DamagedError(f"the parts of its step {kind} do not fit each other")
    return step


def _same(_: Step, given: Sources) -> Sources:
    return given


def _chosen(step: Step, given: Sources) -> Sources:
    return tuple(given[column] for column in step.arrays["columns"].tolist())


def _mixed(step: Step, given: Sources) -> Sources:
    """Each column from all."""
    return (tuple(sorted({place for places in given for place in places})),) * step.width


def _filled(step: Step, given: Sources) -> Sources:
    return given + tuple(given[column] for column in step.arrays["gaps"].tolist())


def _binned(step: Step, given: Sources) -> Sources:
    starts = step.arrays["starts"].tolist()
    bins = [stop - start + 1 if step.header["one_hot"] else 1 for start, stop in pairwise(starts)]
    return tuple(places for places, count in zip(given, bins, strict=True) for _ in range(count))


def _multiplied(step: Step, given: Sources) -> Sources:
    padded = (*given, ())
    factors = step.arrays["factors"].tolist()
    return tuple(tuple(sorted({place for factor in row for place in padded[factor]})) for row in factors)


def _splined(step: Step, given: Sources) -> Sources:
    each = step.width // step.before
    return tuple(places for places in given for _ in range(each))


def _are_columns(values: NDArray[Any], count: int) -> bool:
    return bool(((values >= 0) & (values < count)).all())


def _bins_fit(step: Step) -> bool:
    starts, edges, one_hot = step.arrays["starts"], step.arrays["edges"], step.header.get("one_hot")
    if len(starts) != step.before + 1 or starts[0] != 0 or starts[-1] != len(edges) or (np.diff(starts) < 0).any():
        return False
    return isinstance(one_hot, bool) and step.width == (len(edges) + step.before if one_hot else step.before)


def _spline_fits(step: Step) -> bool:
    degree, knots, ends = step.header.get("degree"), step.arrays["knots"], step.arrays["ends"]
    if type(degree) is not int or not 0 <= degree <= 20 or knots.shape[1] < 2 * degree + 2:
        return False
    flags = all(isinstance(step.header.get(name), bool) for name in ("linear", "bias"))
    splines = knots.shape[1] - degree - 1
    each = splines if step.header.get("bias") else splines - 1
    return flags and ends.shape[1:] == (4, splines) and step.before > 0 and step.width == each * step.before


_COLUMN: tuple[str, tuple[str | None, ...]] = ("f8", ("before",))
_KINDS = {
    "fill": _Kind(
        {"fill": _COLUMN, "gaps": ("i4", (None,))},
        apply_to.fill,
        _filled,
        lambda s: _are_columns(s.arrays["gaps"], s.before) and s.width == s.before + len(s.arrays["gaps"]),
    ),
    "gaps": _Kind(
        {"columns": ("i4", ("width",))}, apply_to.gaps, _chosen, lambda s: _are_columns(s.arrays["columns"], s.before)
    ),
    "take": _Kind(
        {"columns": ("i4", ("width",))}, apply_to.take, _chosen, lambda s: _are_columns(s.arrays["columns"], s.before)
    ),
    "affine": _Kind(
        dict.fromkeys(("subtract", "divide", "multiply", "add", "low", "high"), _COLUMN), apply_to.affine, _same
    ),
    "project": _Kind(
        {
            "components": ("f8", ("width", "before")),
            "shift": _COLUMN,
            "after": ("f8", ("width",)),
            "scale": ("f8", ("width",)),
        },
        apply_to.project,
        _mixed,
        lambda _: True,
    ),
    "normalize": _Kind(
        {}, apply_to.normalize, _mixed, lambda s: s.header.get("norm") in NORMS and s.width == s.before > 0
    ),
    "binarize": _Kind({"threshold": _COLUMN}, apply_to.binarize, _same),
    "bins": _Kind({"starts": ("i4", (None,)), "edges": ("f8", (None,))}, apply_to.bins, _binned, _bins_fit),
    "polynomial": _Kind(
        {"factors": ("i4", ("width", None))},
        apply_to.polynomial,
        _multiplied,
        lambda s: s.arrays["factors"].shape[1] > 0 and _are_columns(s.arrays["factors"], s.before + 1),
    ),
    "yeo-johnson": _Kind({"powers": _COLUMN}, apply_to.yeo_johnson, _same),
    "quantile": _Kind(
        {"quantiles": ("f8", (None, "before")), "references": ("f8", (None,))},
        apply_to.quantile,
        _same,
        lambda s: s.width == s.before and len(s.arrays["quantiles"]) == len(s.arrays["references"]) > 0,
    ),
    "spline": _Kind(
        {"knots": ("f8", ("before", None)), "ends": ("f8", ("before", None, None))},
        apply_to.spline,
        _splined,
        _spline_fits,
    ),
}
