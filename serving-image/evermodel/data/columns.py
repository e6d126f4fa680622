"""What a raw column is: numbers, categories, moments, or nothing a model can take; raw values become canonical here.

A column looks at what the source gave and copies as little of it as can be: a number stays where it is, a category is a
code and a list of levels. Canonical cells are made for the rows that are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as dtypes

from evermodel.artifact.frame import category_text
from evermodel.artifact.moments import holds_dates, is_date, moments_of_dates, moments_of_texts
from evermodel.data.cells import CategoryCells, Cells, MomentCells, NumberCells, Rows
from evermodel.errors import DataError, SpecError

Kind = Literal["number", "category", "moment"]
Datatype = Literal["FP64", "INT64", "BOOL", "BYTES"]


@dataclass(frozen=True)
class Column:
    """A column of rows in some order."""

    name: str
    kind: Kind
    datatype: Datatype
    stored: Cells
    """What the source gave, in its order."""
    order: NDArray[np.intp] | None = None
    """Shape (rows,): where each row is in `stored`; None where the rows are in the source's order."""

    def __len__(self) -> int:
        return len(self.stored) if self.order is None else len(self.order)

    @property
    def cells(self) -> NDArray[Any]:
        """Canonical cells of all rows, made anew each time: see `at`."""
        return self.at(None)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Shape (rows,): where there is no value."""
        return self.stored.missing(self._places(None))

    def at(self, rows: NDArray[np.bool_] | NDArray[np.intp] | None) -> NDArray[Any]:
        """Canonical cells of some rows: float64 with NaN, or objects of `str` with None.

        Args:
            rows: a mask of shape (rows,), positions, or None for all of them.
        """
        return self.stored.canonical(self._places(rows))

    def ordered(self, order: NDArray[np.intp]) -> "Column":
        """The same rows in another order; `order` has the shape (rows,)."""
        return replace(self, order=order if self.order is None else self.order[order])

    def as_category(self) -> "Column":
        """The same values told apart instead of compared: numbers as text (3.0 is "3")."""
        if not isinstance(self.stored, NumberCells):
            return self
        codes, levels = pd.factorize(self.stored.canonical(None))
        texts = [str(category_text(level)) for level in levels.tolist()]
        return replace(self, kind="category", stored=CategoryCells.of(codes, texts))

    def _places(self, rows: NDArray[np.bool_] | NDArray[np.intp] | None) -> Rows:
        if self.order is None:
            return rows
        return self.order if rows is None else self.order[rows]


@dataclass(frozen=True)
class _Place:
    """A column, as messages name it."""

    name: str
    is_target: bool

    def __str__(self) -> str:
        return f"the {'target' if self.is_target else 'column'} {self.name!r}"

    @property
    def or_exclude(self) -> str:
        return "" if self.is_target else ", or add it to data.exclude"


def read_column(name: str, raw: "pd.Series[Any]", *, is_target: bool = False) -> Column:
    """The column with canonical values.

    Args:
        name: its name.
        raw: its values, as the source gave them.
        is_target: whether it is the target, which cannot be excluded, so that messages name another remedy.

    Raises:
        SpecError: `ColumnNotAFeature` for values that are neither numbers, categories nor dates, or a target of dates.
        DataError: `MixedTypes` when values of several kinds are mixed, `InfiniteValues`.
    """
    where = _Place(name, is_target)
    column = _read(where, raw)
    if is_target and column.kind == "moment":
        raise _not_a_feature(where, "datetime")
    return column


def _read(where: _Place, raw: "pd.Series[Any]") -> Column:
    dtype = raw.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if isinstance(dtype.categories.dtype, pd.StringDtype) or dtype.categories.inferred_type == "string":
            levels = [str(level) for level in dtype.categories]
            return _texts(where, CategoryCells.of(raw.cat.codes.to_numpy(), levels))
        return _read(where, raw.astype(dtype.categories.dtype))
    if dtypes.is_bool_dtype(dtype):
        return Column(where.name, "category", "BOOL", _factorized(raw))
    if dtypes.is_integer_dtype(dtype) or dtypes.is_float_dtype(dtype):
        whole = dtypes.is_integer_dtype(dtype) and not raw.hasnans
        return _number(where, "INT64" if whole else "FP64", NumberCells.of(raw))
    if holds_dates(dtype):
        return Column(where.name, "moment", "BYTES", MomentCells(moments_of_dates(raw)))
    if isinstance(dtype, pd.StringDtype):
        return _texts(where, _factorized(raw))
    if dtypes.is_object_dtype(dtype):
        return _from_objects(where, raw)
    raise _not_a_feature(where, str(dtype))


def as_moments(column: Column, where: str) -> Column:
    """A column of ISO 8601 texts as moments; any other column is given back as it is.

    Raises:
        DataError: `NotADate` naming `where`, how many texts are none, and one of them.
    """
    cells = column.stored
    if not isinstance(cells, CategoryCells) or column.datatype != "BYTES":
        return column
    read = moments_of_texts(cells.levels)
    wrong = pd.isna(read.view("datetime64[us]"))
    if wrong.any():
        number = int(wrong[cells.codes[cells.codes >= 0]].sum())
        example = min(cells.levels[wrong].tolist())
        raise DataError(
            "NotADate",
            f"{where} takes the column {column.name!r} as dates, and {number} of its values are none, such as "
            f"{example[:80]!r}; write them in ISO 8601 (2026-11-24T07:30:00Z), or give the column the type date in "
            "data.schema, which sets such rows aside",
        )
    return replace(column, kind="moment", stored=MomentCells(np.append(read, MomentCells.NONE)[cells.codes]))


def _texts(where: _Place, cells: CategoryCells) -> Column:
    if (cells.codes >= 0).any():
        return Column(where.name, "category", "BYTES", cells)
    # no value at all: it says nothing of its kind, whatever type its library chose
    return Column(where.name, "number", "FP64", NumberCells(np.full(len(cells), np.nan)))


def _from_objects(where: _Place, raw: "pd.Series[Any]") -> Column:
    present = raw.dropna()
    kinds = {value_type: _kind_of(value_type) for value_type in set(map(type, present.tolist()))}
    names = sorted({kind for kind in kinds.values() if kind})
    if None in kinds.values():
        unknown = sorted(value_type.__name__ for value_type, kind in kinds.items() if kind is None)
        raise _not_a_feature(where, unknown[0])
    if len(names) > 1:
        examples = ", ".join(repr(next(v for v in present if kinds[type(v)] == kind)) for kind in names)
        raise DataError(
            "MixedTypes",
            f"{where} mixes {' and '.join(names)} (such as {examples}); give it one type{where.or_exclude}",
        )
    if names == ["text"]:
        return Column(where.name, "category", "BYTES", _factorized(raw))
    if names == ["booleans"]:
        return Column(where.name, "category", "BOOL", _factorized(raw))
    if names == ["dates"]:
        return Column(where.name, "moment", "BYTES", MomentCells(moments_of_dates(raw)))
    whole = len(present) == len(raw) > 0 and all(issubclass(value_type, int | np.integer) for value_type in kinds)
    values = raw.map(float, na_action="ignore").to_numpy(dtype=np.float64, na_value=np.nan)
    return _number(where, "INT64" if whole else "FP64", NumberCells(np.asarray(values, dtype=np.float64)))


_KINDS: tuple[tuple[Callable[[type], bool], str], ...] = (
    (lambda t: issubclass(t, str), "text"),
    (lambda t: issubclass(t, bool | np.bool_), "booleans"),
    (is_date, "dates"),
    (lambda t: issubclass(t, int | float | Decimal | np.integer | np.floating), "numbers"),
)


def _kind_of(value_type: type) -> str | None:
    return next((kind for test, kind in _KINDS if test(value_type)), None)


def _factorized(raw: "pd.Series[Any]") -> CategoryCells:
    codes, levels = pd.factorize(raw)
    return CategoryCells.of(codes, [str(category_text(level)) for level in levels.tolist()])


def _number(where: _Place, datatype: Datatype, cells: NumberCells) -> Column:
    if infinite := cells.infinite():
        raise DataError(
            "InfiniteValues",
            f"{where} holds {infinite} infinite values; mend them in the source{where.or_exclude}",
        )
    return Column(where.name, "number", datatype, cells)


def _not_a_feature(where: _Place, what: str) -> SpecError:
    moments = {t.__name__ for t in (date, datetime, time, timedelta, pd.Timestamp, pd.Timedelta, pd.Period)}
    is_moment = what in moments or what.startswith(("datetime", "timedelta", "period"))
    kind = "dates or times" if is_moment else f"values of the type {what}"
    return SpecError(
        "ColumnNotAFeature",
        f"{where} holds {kind}, which a model cannot take; turn it into a number or text in the source"
        f"{where.or_exclude}",
    )
