"""Values of another form turned into a declared type where that loses nothing, and the places where they cannot be.

Types of pandas are turned as a whole. Texts and objects are turned level by level: a column has few levels and many
rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as dtypes

from evermodel.artifact.frame import category_text
from evermodel.artifact.moments import holds_dates, is_date, moments_of_dates, moments_of_texts

Mask = NDArray[np.bool_]
_NUMBER = r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*"
_BOOLS = {"true": True, "false": False, "1": True, "0": False}
_SAFE = 2**53
"""Whole numbers below are told apart by float64."""


@dataclass(frozen=True)
class Cast:
    """A column turned into a type."""

    series: "pd.Series[Any]"
    """As the type has it; what stands where `wrong` is true means nothing."""
    wrong: Mask
    """Shape (rows,): where a value is there and is not of the type."""


def cast_number(raw: "pd.Series[Any]") -> Cast:
    """float64. Texts of digits are numbers, booleans are none."""
    if _is_number(raw.dtype):
        values = raw.to_numpy(dtype=np.float64, na_value=np.nan)
        return _series(raw, values, np.isinf(values))
    numbers, wrong = _numbers_of_levels(raw)
    return _series(raw, numbers, wrong)


def cast_int(raw: "pd.Series[Any]") -> Cast:
    """int64, or Int64 where values are missing. 1.0 and "42" are whole numbers, 1.5 is none."""
    if dtypes.is_integer_dtype(raw.dtype):
        return Cast(raw.astype("Int64" if raw.hasnans else "int64"), np.zeros(len(raw), dtype=bool))
    cast = cast_number(raw)
    numbers = np.asarray(cast.series)
    missing = np.isnan(numbers)
    with np.errstate(invalid="ignore"):
        wrong = cast.wrong | (~missing & ((numbers != np.floor(numbers)) | (np.abs(numbers) >= _SAFE)))
    whole = np.where(wrong | missing, 0, numbers).astype(np.int64)
    gaps = missing & ~wrong
    return _series(raw, pd.arrays.IntegerArray(whole, gaps) if gaps.any() else whole, wrong)


def cast_bool(raw: "pd.Series[Any]") -> Cast:
    """bool, or boolean where values are missing. 1, 0 and the words true and false are truths too."""
    if dtypes.is_bool_dtype(raw.dtype) and not isinstance(raw.dtype, pd.CategoricalDtype):
        return Cast(raw, np.zeros(len(raw), dtype=bool))
    codes, levels = _levels(raw)
    read = [_BOOLS.get((category_text(level) or "").strip().lower()) for level in levels]
    wrong = np.array([truth is None for truth in read] + [False])[codes]
    truths = np.array([bool(truth) for truth in read] + [False])[codes]
    gaps = codes < 0
    return _series(raw, pd.arrays.BooleanArray(truths, gaps) if gaps.any() else truths, wrong)


def cast_category(raw: "pd.Series[Any]") -> Cast:
    """Text. Numbers and booleans are told apart by how JSON writes them (3.0 is "3"); lists and objects are none."""
    if isinstance(raw.dtype, pd.StringDtype):
        return Cast(raw, np.zeros(len(raw), dtype=bool))
    codes, levels = _levels(raw)
    texts = [_category(level) for level in levels]
    wrong = np.array([text is None for text in texts] + [False])[codes]
    cells = np.array([*texts, None], dtype=object)[codes]
    return _series(raw, pd.array(cells, dtype="str"), wrong)


def cast_date(raw: "pd.Series[Any]") -> Cast:
    """datetime64[us, UTC]. Texts are ISO 8601; numbers are no dates."""
    if holds_dates(raw.dtype):
        return _moments(raw, moments_of_dates(raw), np.zeros(len(raw), dtype=bool))
    codes, levels = _levels(raw)
    texts = np.array([level if isinstance(level, str) else _date_text(level) for level in levels], dtype=object)
    micros = moments_of_texts(texts) if len(texts) else np.empty(0, dtype=np.int64)
    read = np.append(micros, np.iinfo(np.int64).min)[codes]
    return _moments(raw, read, (codes >= 0) & (read == np.iinfo(np.int64).min))


CASTS: dict[str, Callable[["pd.Series[Any]"], Cast]] = {
    "int": cast_int,
    "number": cast_number,
    "category": cast_category,
    "bool": cast_bool,
    "date": cast_date,
}
"""How each type of data.schema is read."""


def _is_number(dtype: Any) -> bool:
    return bool(dtypes.is_integer_dtype(dtype) or dtypes.is_float_dtype(dtype))


def _series(raw: "pd.Series[Any]", values: Any, wrong: Mask) -> Cast:
    return Cast(pd.Series(values, index=raw.index, name=raw.name, copy=False), wrong)


def _moments(raw: "pd.Series[Any]", micros: NDArray[np.int64], wrong: Mask) -> Cast:
    moments = pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC")
    return _series(raw, moments, wrong)


def _levels(raw: "pd.Series[Any]") -> tuple[NDArray[np.intp], list[Any]]:
    """Codes and distinct values, -1 where a value is missing. Values of two types are two levels: 1 is not True."""
    if not dtypes.is_object_dtype(raw.dtype):
        codes, levels = pd.factorize(raw)
        return codes, list(levels)
    values = raw.tolist()
    missing = raw.isna().to_numpy()
    if len(set(map(type, raw[~missing].tolist()))) <= 1:
        try:
            codes, levels = pd.factorize(raw)
            return codes, list(levels)
        except TypeError:  # lists and the like
            pass
    known: dict[str, int] = {}
    found: list[Any] = []
    codes = np.full(len(values), -1, dtype=np.intp)
    for place in np.flatnonzero(~missing).tolist():
        value = values[place]
        key = repr(value)
        if key not in known:
            known[key] = len(found)
            found.append(value)
        codes[place] = known[key]
    return codes, found


def _numbers_of_levels(raw: "pd.Series[Any]") -> tuple[NDArray[np.float64], Mask]:
    codes, levels = _levels(raw)
    texts = pd.Series([level if isinstance(level, str) else _number_text(level) for level in levels], dtype="str")
    right = texts.str.fullmatch(_NUMBER).fillna(value=False).to_numpy(dtype=bool)
    numbers = np.full(len(levels), np.nan)
    numbers[right] = texts[right].str.strip().to_numpy(dtype=object).astype(np.float64)
    wrong = ~right | np.isinf(numbers)
    return np.append(numbers, np.nan)[codes], np.append(wrong, np.False_)[codes]


def _number_text(level: Any) -> str:
    """A number as text; nothing that is one for whatever else is there."""
    is_number = isinstance(level, int | float | Decimal | np.integer | np.floating)
    return repr(float(level)) if is_number and not isinstance(level, bool | np.bool_) else ""


def _date_text(level: Any) -> str:
    if not is_date(type(level)) and not isinstance(level, date):
        return ""
    return pd.Timestamp(level).isoformat()


def _category(level: Any) -> str | None:
    if isinstance(level, str):
        return level
    if isinstance(level, bool | np.bool_ | int | float | Decimal | np.integer | np.floating):
        return category_text(level)
    return _date_text(level) or None
