"""The fitted steps before the estimator as `Features`.

What an encoder makes of categories is not copied but asked: of each level, of a missing value and of a level that it
never saw, with the scalers that follow it, so that whatever its parameters mean is in the answer.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.compiled.compile_steps import SCALERS, compile_steps, fill_of, neutral_scale, scale_of
from evermodel.compiled.features import Branch, Features
from evermodel.compiled.features_encode import Encoding
from evermodel.compiled.features_prepare import Prepared
from evermodel.compiled.features_steps import Step
from evermodel.compiled.model import Floats, NotCompilableError

_ENCODERS = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")
_UNSEEN = "\x00never seen"
"""A level that no data have."""
_LARGEST_TABLE = 20_000_000
"""Numbers of a table of categories; with more of them a category of free text would fill the memory."""


def compile_features(steps: Sequence[Any], signature: Signature) -> Features:
    """The steps before the estimator.

    Args:
        steps: fitted: Prepare, ColumnTransformer, selection; each may lack.
        signature: of the model.

    Raises:
        NotCompilableError: naming what has no compiled form.
    """
    waiting = list(steps)
    prepare = waiting.pop(0).steps if waiting and type(waiting[0]).__name__ == "Prepare" else []
    builder = _Builder(signature)
    for step in prepare:
        for kind, arguments in step.items():
            builder.prepare(kind, arguments)
    if waiting and type(waiting[0]).__name__ == "ColumnTransformer":
        for _, branch, names in waiting.pop(0).transformers_:
            if branch == "drop" or not list(names):
                continue  # the remainder, and a branch without columns
            builder.branch([] if branch == "passthrough" else [step for _, step in _steps(branch)], list(names))
    else:
        builder.branch([], list(builder.places))
    return builder.features(waiting)


def _chain(fitted: Sequence[Any], width: int) -> tuple[Step, ...]:
    """Transformers one after another, the first of which takes this many columns."""
    steps: list[Step] = []
    for step in fitted:
        steps += compile_steps(step, steps[-1].width if steps else width)
    return tuple(steps)


def _steps(branch: Any) -> list[tuple[str, Any]]:
    named = branch.steps if hasattr(branch, "steps") else [("", branch)]
    return [(name, step) for name, step in named if step is not None and not isinstance(step, str)]


class _Builder:
    """Collects what the encoding and the branches are made of."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.places = {column.name: place for place, column in enumerate(signature.columns)}
        self.prepared: list[Prepared] = []
        self.width = 0
        self.numbers: list[tuple[int, int, dict[str, float]]] = []
        self.flags: list[tuple[int, int]] = []
        self.categories: list[tuple[int, dict[str, int] | None, list[dict[int, float]]]] = []
        self.common: dict[int, float] = {}
        self.branches: list[Branch] = []

    def prepare(self, kind: str, arguments: Any) -> None:
        """A step of `pipeline.prepare`."""
        if kind == "dateParts":
            date = self.places[arguments["of"]]
            for part in arguments["parts"]:
                self._make(f"{arguments['of']}_{part}", Prepared("datePart", (date,), part))
            return
        if kind == "elapsed":
            of = (self.places[arguments["from"]], self.places[arguments["to"]])
            self._make(arguments["out"], Prepared(kind, of, arguments.get("unit", "days")))
            return
        named = [arguments["of"]] if isinstance(arguments["of"], str) else arguments["of"]
        places = tuple(self.places[name] for name in named)
        own = self._column(places[0])
        dates = kind == "isMissing" and own is not None and own.format is not None
        self._make(arguments["out"], Prepared("isMissingDate" if dates else kind, places))

    def _make(self, name: str, step: Prepared) -> None:
        self.places[name] = len(self.signature.columns) + len(self.prepared)
        self.prepared.append(step)

    def _column(self, place: int) -> ColumnSignature | None:
        return self.signature.columns[place] if place < len(self.signature.columns) else None

    def branch(self, steps: list[Any], names: list[str]) -> None:
        """A branch of the ColumnTransformer."""
        places = [self.places[name] for name in names]
        own = [self._column(place) for place in places]
        if any(column is not None and column.format is not None for column in own):
            raise NotCompilableError("a branch takes dates as they are")
        texts = {column is not None and column.kind == "category" for column in own}
        if len(texts) > 1:
            raise NotCompilableError(f"a branch takes text and numbers at once ({', '.join(names)})")
        start = self.width
        rest = self._encode_texts(steps, names, places) if texts.pop() else self._encode_numbers(steps, places)
        if self.width > start:
            self.branches.append(Branch(start, self.width, _chain(rest, self.width - start)))

    def _encode_numbers(self, steps: list[Any], places: list[int]) -> list[Any]:
        """Numbers, filled and scaled; what is left of the steps."""
        rest = list(steps)
        kept, flags = np.arange(len(places), dtype=np.int32), np.array([], dtype=np.int32)
        fill = np.full(len(places), np.nan)
        if rest and type(rest[0]).__name__ == "MissingIndicator":
            self._flag([places[column] for column in compile_steps(rest.pop(0), len(places))[0].arrays["columns"]])
            return rest
        if rest and type(rest[0]).__name__ == "SimpleImputer":
            kept, fill, flags = fill_of(rest.pop(0), len(places))
        scale = neutral_scale(len(kept))
        if rest and not len(flags) and type(rest[0]).__name__ in SCALERS:
            scale = scale_of(rest.pop(0), len(kept))
        for number, column in enumerate(kept.tolist()):
            own = {"fill": float(fill[number])} | {name: float(values[number]) for name, values in scale.items()}
            self.numbers.append((places[column], self.width, own))
            self.width += 1
        self._flag([places[column] for column in flags.tolist()])
        return rest

    def _flag(self, places: list[int]) -> None:
        for place in places:
            self.flags.append((place, self.width))
            self.width += 1

    def _encode_texts(self, steps: list[Any], names: list[str], places: list[int]) -> list[Any]:
        """Categories through their encoder and the scalers behind it; what is left of the steps."""
        if [type(step).__name__ for step in steps[:1]] == ["MissingIndicator"]:
            self._flag([places[column] for column in np.asarray(steps[0].features_).tolist()])
            return steps[1:]
        place = next((i for i, step in enumerate(steps) if type(step).__name__ in _ENCODERS), None)
        if place is None or any(type(step).__name__ != "SimpleImputer" for step in steps[:place]):
            raise NotCompilableError("a branch of text does more before its encoder than filling gaps")
        encoder = steps[place]
        if getattr(encoder, "handle_unknown", "") == "error":
            raise NotCompilableError("its encoder refuses levels that it never saw")
        if any(step.add_indicator for step in steps[:place]):
            raise NotCompilableError("a SimpleImputer of text also adds indicators")
        stop = place + 1
        while stop < len(steps) and type(steps[stop]).__name__ in SCALERS:
            stop += 1
        levels = [self._levels(column, known) for column, known in zip(places, encoder.categories_, strict=True)]
        table = _asked(steps[:stop], names, [own for _, own in levels])
        start = 0
        for column, (by_text, own), width in zip(places, levels, _widths(encoder), strict=True):
            self._add_category(column, own if by_text else None, table[: len(own) + 2, start : start + width])
            start += width
        if start != table.shape[1]:
            raise NotCompilableError("an encoder makes another number of columns than it says")
        return steps[stop:]

    def _levels(self, place: int, known: NDArray[Any]) -> tuple[bool, list[str]]:
        """Whether the levels of a column have to be looked up by their text, and the levels."""
        column = self._column(place)
        assert column is not None  # noqa: S101  made columns are numbers; tells the type checker
        encoded = {str(level) for level in known if isinstance(level, str)}
        if encoded <= set(column.levels):
            return False, column.levels
        return True, sorted(encoded | set(column.levels))

    def _add_category(self, place: int, levels: list[str] | None, table: Floats) -> None:
        """What a column becomes: rows for what was never seen, for its levels, and for a missing value last."""
        first = self.width
        self.width += table.shape[1]
        # the last row of the asked table is what was never seen, where a column has fewer levels than another
        for column in range(table.shape[1]):
            values, counts = np.unique(table[:, column], return_counts=True)
            self.common[first + column] = float(values[counts.argmax()])
        usual = np.array([self.common[first + column] for column in range(table.shape[1])])
        differs = ~((table == usual) | (np.isnan(table) & np.isnan(usual)))
        rows = [
            {first + column: float(table[row, column]) for column in np.flatnonzero(differs[row]).tolist()}
            for row in range(len(table))
        ]
        lookup = None if levels is None else {level: number for number, level in enumerate(levels)}
        self.categories.append((place, lookup, rows))

    def features(self, selection: Sequence[Any]) -> Features:
        """All of it, with what is done to all columns together."""
        if not self.width:
            raise NotCompilableError("it takes no column")
        branches = tuple(self.branches) if any(branch.steps for branch in self.branches) else ()
        width = sum(branch.width for branch in branches) if branches else self.width
        columns = len(self.signature.columns)
        return Features(columns, tuple(self.prepared), self._encoding(), branches, _chain(selection, width))

    def _encoding(self) -> Encoding:
        arrays: dict[str, NDArray[Any]] = {
            "numbers": _ints([source for source, _, _ in self.numbers]),
            "number_places": _ints([place for _, place, _ in self.numbers]),
            "flags": _ints([source for source, _ in self.flags]),
            "flag_places": _ints([place for _, place in self.flags]),
            "categories": _ints([place for place, _, _ in self.categories]),
        }
        for name in ("fill", *neutral_scale(0)):
            arrays[name] = np.array([own[name] for _, _, own in self.numbers], dtype=np.float64)
        rows = [row for _, _, own in self.categories for row in own]
        counts = [len(own) for _, _, own in self.categories]
        arrays["first"] = _ints([sum(counts[:number]) for number in range(len(counts))])
        arrays["common"] = np.array([self.common.get(place, 0.0) for place in range(self.width)], dtype=np.float64)
        arrays["slots"], arrays["parts"] = self._tables(rows)
        lookups = tuple(lookup for _, lookup, _ in self.categories)
        given = len(self.signature.columns) + len(self.prepared)
        return Encoding(given, self.width, arrays, lookups)

    def _tables(self, rows: list[dict[int, float]]) -> tuple[NDArray[np.int32], Floats]:
        most = max((len(row) for row in rows), default=1) or 1
        if most * len(rows) > _LARGEST_TABLE:
            raise NotCompilableError("its categories have too many levels")
        slots, parts = np.zeros((len(rows), most), dtype=np.int32), np.zeros((len(rows), most))
        number = 0
        for _, _, own in self.categories:
            spare = min((place for row in own for place in row), default=None)
            for row in own:
                # a row that has less to write writes something twice
                places = list(row) or [next(iter(self.common)) if spare is None else spare]
                places += [places[0]] * (most - len(places))
                slots[number] = places
                parts[number] = [row.get(place, self.common[place]) for place in places]
                number += 1
        return slots, parts


def _ints(values: list[int]) -> NDArray[np.int32]:
    return np.array(values, dtype=np.int32)


def _widths(encoder: Any) -> list[int]:
    """How many columns an encoder makes of each one."""
    name, count = type(encoder).__name__, len(encoder.categories_)
    if name == "OneHotEncoder":
        return list(encoder._n_features_outs)  # noqa: SLF001  what drop and infrequent levels leave; no public name
    if name == "TargetEncoder" and encoder.target_type_ == "multiclass":
        return [len(encoder.classes_)] * count
    return [1] * count


def _asked(steps: list[Any], names: list[str], levels: list[list[str]]) -> Floats:
    """What the steps make of each level: row 0 of what was never seen, then the levels, then a missing value.

    Columns with fewer levels than others are filled up with what was never seen. Each column is encoded by itself, so
    that all are asked in the same rows.
    """
    import pandas as pd  # noqa: PLC0415  slow to import: only training compiles

    count = max(len(own) for own in levels) + 2
    cells = {}
    for name, own in zip(names, levels, strict=True):
        column = np.full(count, _UNSEEN, dtype=object)
        column[1 : len(own) + 1] = own
        column[len(own) + 1] = np.nan
        cells[name] = column
    answers: Any = pd.DataFrame(cells)
    for number, step in enumerate(steps):
        if number == 0 and count * max(sum(map(len, levels)), 1) > 50 * _LARGEST_TABLE:
            raise NotCompilableError("its categories have too many levels")
        answers = step.transform(answers)
    if hasattr(answers, "toarray"):
        answers = answers.toarray()
    return np.asarray(answers, dtype=np.float64)
