"""Columns as the report reads them: like `columns.read_column`, but everything is taken and nothing is refused."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as dtypes

from evermodel.artifact.frame import category_text
from evermodel.data.eda_document import Kind

Floats = NDArray[np.float64]
LARGEST = 1e150
"""The report takes larger numbers for this one, with their sign: their squares and differences are no numbers."""
Codes = NDArray[np.intp]

_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")
_LOOKED_AT = 200
"""So many different values tell what a column of text holds."""


@dataclass(frozen=True)
class Cells:
    """All values of one column."""

    kind: Kind
    numbers: Floats
    """Numbers, and dates as seconds since 1970: shape (rows,), NaN where there is none. Else shape (0,)."""
    codes: Codes
    """Categories: shape (rows,), the index of the level, -1 where there is none. Else shape (0,)."""
    levels: tuple[str, ...] = ()
    """Categories: the most frequent first."""
    counts: Codes | None = None
    """Categories: rows of each level."""
    missing: NDArray[np.bool_] | None = None
    """Shape (rows,): where there is no value; infinite numbers are none."""
    infinite: int = 0
    """Infinite values."""
    text_holds: str = ""
    """What text really holds: dates, numbers, mixed types; empty where it is just text."""

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Shape (rows,): where there is no value."""
        if self.missing is not None:
            return self.missing
        return self.codes < 0 if self.kind == "category" else np.isnan(self.numbers)


_NO_VALUES: Floats = np.empty(0)
_NO_CODES: Codes = np.empty(0, dtype=np.intp)


def read_cells(raw: "pd.Series[Any]") -> Cells:
    """The cells of any column."""
    if isinstance(raw.dtype, pd.CategoricalDtype):
        raw = raw.astype(raw.cat.categories.dtype)
    gaps = raw.isna().to_numpy(dtype=bool)
    if len(raw) == 0 or gaps.all():
        return Cells("empty", _NO_VALUES, _NO_CODES, missing=gaps)
    if dtypes.is_bool_dtype(raw.dtype):
        return _categories(raw)
    if dtypes.is_numeric_dtype(raw.dtype) and not dtypes.is_complex_dtype(raw.dtype):
        return _numbers(np.asarray(raw.to_numpy(dtype=np.float64, na_value=np.nan)))
    if dtypes.is_datetime64_any_dtype(raw.dtype):
        return Cells("date", _seconds(raw), _NO_CODES)
    if isinstance(raw.dtype, pd.StringDtype):
        return _text(raw)
    return _objects(raw, gaps)


def _numbers(values: Floats) -> Cells:
    infinite = int(np.isinf(values).sum())
    if infinite:
        values = np.where(np.isinf(values), np.nan, values)
    if len(values) and np.nanmax(np.abs(values), initial=0.0) > LARGEST:
        values = np.clip(values, -LARGEST, LARGEST)
    return Cells("number", values, _NO_CODES, infinite=infinite)


def _seconds(raw: "pd.Series[Any]") -> Floats:
    moments = pd.DatetimeIndex(pd.to_datetime(raw, utc=True))
    whole = np.asarray(moments.as_unit("us").asi8, dtype=np.float64) / 1e6
    return np.where(moments.isna(), np.nan, whole)


def _text(raw: "pd.Series[Any]") -> Cells:
    cells = _categories(raw)
    some = [level for level in cells.levels[:_LOOKED_AT] if level.strip()]
    if some and all(_ISO_DATE.fullmatch(level) for level in some):
        return replace(cells, text_holds="dates")
    if some and sum(_NUMBER.fullmatch(level) is not None for level in some) >= 0.9 * len(some):
        return replace(cells, text_holds="numbers")
    return cells


def _objects(raw: "pd.Series[Any]", gaps: NDArray[np.bool_]) -> Cells:
    types = set(map(type, raw[~gaps].tolist()))
    if all(issubclass(kind, str) for kind in types):
        return _text(raw)
    if all(issubclass(kind, bool | np.bool_) for kind in types):
        return _categories(raw)
    if all(issubclass(kind, int | float | Decimal | np.number) and not issubclass(kind, bool) for kind in types):
        values = raw.map(float, na_action="ignore").to_numpy(dtype=np.float64, na_value=np.nan)
        return _numbers(np.asarray(values))
    if all(issubclass(kind, date | datetime | np.datetime64) for kind in types):
        moments = pd.Series(pd.to_datetime(raw, utc=True, errors="coerce"))
        return Cells("date", _seconds(moments), _NO_CODES)
    if any(not issubclass(kind, str | bool | np.bool_ | int | float | Decimal | np.number) for kind in types):
        return Cells("other", _NO_VALUES, _NO_CODES, missing=gaps)
    return replace(_categories(raw), text_holds="mixed types")


def _categories(raw: "pd.Series[Any]") -> Cells:
    """Codes by falling frequency; equal ones by name, so that the order of the rows changes nothing."""
    found, values = pd.factorize(raw)
    codes = np.asarray(found, dtype=np.intp)
    names = [str(category_text(value)) for value in values.tolist()]
    # Values of several types may have one text: 1 and "1" are the same level.
    merged = {name: i for i, name in enumerate(sorted(set(names)))}
    slots = np.array([merged[name] for name in names] or [0], dtype=np.intp)
    present = codes >= 0
    counts = np.bincount(slots[codes[present]], minlength=len(merged)).astype(np.intp)
    ordered = np.argsort(-counts, kind="stable")
    place = np.empty(len(merged), dtype=np.intp)
    place[ordered] = np.arange(len(merged))
    levels = sorted(merged)
    final = np.full(len(codes), -1, dtype=np.intp)
    final[present] = place[slots[codes[present]]]
    return Cells("category", _NO_VALUES, final, tuple(levels[i] for i in ordered.tolist()), counts[ordered])
