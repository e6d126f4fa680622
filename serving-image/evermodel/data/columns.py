"""What a raw column is: numbers, categories, or nothing a model can take. Raw values become canonical ones here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as dtypes

from evermodel.artifact.frame import category_values
from evermodel.errors import DataError, SpecError

Kind = Literal["number", "category"]
Datatype = Literal["FP64", "INT64", "BOOL", "BYTES"]


@dataclass(frozen=True)
class Column:
    """A column with canonical values."""

    name: str
    kind: Kind
    datatype: Datatype
    cells: NDArray[Any]
    """Shape (rows,): float64 with NaN, or objects of `str` with None."""

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Shape (rows,): where there is no value."""
        return pd.isna(self.cells)

    def as_category(self) -> "Column":
        """The same values told apart instead of compared: numbers as text (3.0 is "3")."""
        if self.kind == "category":
            return self
        return Column(self.name, "category", self.datatype, _objects(category_values(self.cells.tolist())))


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
        SpecError: `ColumnNotAFeature` for dates and other values that are neither numbers nor categories.
        DataError: `MixedTypes` when values of several kinds are mixed, `InfiniteValues`.
    """
    where = _Place(name, is_target)
    if isinstance(raw.dtype, pd.CategoricalDtype):
        raw = raw.astype(raw.cat.categories.dtype)
    if dtypes.is_bool_dtype(raw.dtype):
        return _category(name, "BOOL", raw)
    if dtypes.is_integer_dtype(raw.dtype):
        return _number(where, "FP64" if raw.hasnans else "INT64", raw.to_numpy(dtype=np.float64, na_value=np.nan))
    if dtypes.is_float_dtype(raw.dtype):
        return _number(where, "FP64", np.asarray(raw.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64))
    if raw.dtype == object or isinstance(raw.dtype, pd.StringDtype):
        return _from_objects(where, raw)
    raise _not_a_feature(where, str(raw.dtype))


def _from_objects(where: _Place, raw: "pd.Series[Any]") -> Column:
    present = raw.dropna()
    kinds = {value_type: _kind_of(value_type) for value_type in set(map(type, present.tolist()))}
    names = sorted({kind for kind in kinds.values() if kind})
    if None in kinds.values():
        unknown = next(value_type for value_type, kind in kinds.items() if kind is None)
        raise _not_a_feature(where, unknown.__name__)
    if len(names) > 1:
        examples = ", ".join(repr(next(v for v in present if kinds[type(v)] == kind)) for kind in names)
        raise DataError(
            "MixedTypes",
            f"{where} mixes {' and '.join(names)} (such as {examples}); give it one type{where.or_exclude}",
        )
    if names == ["text"]:
        return _category(where.name, "BYTES", raw)
    if names == ["booleans"]:
        return _category(where.name, "BOOL", raw)
    whole = len(present) == len(raw) > 0 and all(issubclass(value_type, int | np.integer) for value_type in kinds)
    values = raw.map(float, na_action="ignore").to_numpy(dtype=np.float64, na_value=np.nan)
    return _number(where, "INT64" if whole else "FP64", np.asarray(values, dtype=np.float64))


_KINDS: tuple[tuple[Callable[[type], bool], str], ...] = (
    (lambda t: issubclass(t, str), "text"),
    (lambda t: issubclass(t, bool | np.bool_), "booleans"),
    (lambda t: issubclass(t, int | float | Decimal | np.integer | np.floating), "numbers"),
)


def _kind_of(value_type: type) -> str | None:
    return next((kind for test, kind in _KINDS if test(value_type)), None)


def _category(name: str, datatype: Datatype, raw: "pd.Series[Any]") -> Column:
    return Column(name, "category", datatype, _objects(category_values(raw.tolist())))


def _number(where: _Place, datatype: Datatype, values: NDArray[np.float64]) -> Column:
    if infinite := int(np.isinf(values).sum()):
        raise DataError(
            "InfiniteValues",
            f"{where} holds {infinite} infinite values; mend them in the source{where.or_exclude}",
        )
    return Column(where.name, "number", datatype, values + 0.0)  # + 0.0 makes -0.0 the same zero


def _not_a_feature(where: _Place, what: str) -> SpecError:
    moments = {t.__name__ for t in (date, datetime, time, timedelta, pd.Timestamp, pd.Timedelta, pd.Period)}
    is_moment = what in moments or what.startswith(("datetime", "timedelta", "period"))
    kind = "dates or times" if is_moment else f"values of the type {what}"
    return SpecError(
        "ColumnNotAFeature",
        f"{where} holds {kind}, which a model cannot take; turn it into a number or text in the source"
        f"{where.or_exclude}",
    )


def _objects(values: list[Any]) -> NDArray[Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
