"""Dates and times: read from whatever a source gives, kept as microseconds since 1970 in UTC.

A date without a time is its midnight, a time without a zone is in UTC. What is finer than a microsecond is cut off.
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as dtypes

Micros = NDArray[np.int64]
MISSING = np.iinfo(np.int64).min
"""What stands for no moment: numpy's NaT."""

_BEGINS_WITH_A_YEAR = r"\d{4}"  # pandas would take "now" and "today" too, which are another moment in each run
_TOO_FINE = r"([.,]\d{6})\d+"


def moments_of_dates(dates: "pd.Series[Any]") -> Micros:
    """Microseconds of datetimes, dates, or a column of pandas' own; shape (rows,), MISSING where there is none."""
    if not isinstance(dates.dtype, np.dtype) or dates.dtype == object:
        dates = pd.to_datetime(dates, utc=True)
    index = pd.DatetimeIndex(dates)
    if index.tz is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    return np.array(index.as_unit("us").asi8, dtype=np.int64)


def moments_of_texts(texts: NDArray[Any]) -> Micros:
    """Microseconds of texts in ISO 8601; MISSING where a text is none, for example 24.11.2026, or now."""
    series = pd.Series(texts, dtype="str")
    series = series.where(series.str.match(_BEGINS_WITH_A_YEAR).fillna(value=False).astype(bool))
    series = series.str.replace(_TOO_FINE, r"\1", regex=True)
    read = pd.to_datetime(series.astype(object), utc=True, format="ISO8601", errors="coerce")
    return moments_of_dates(read)


def moment_texts(moments: Micros) -> NDArray[Any]:
    """Canonical ISO 8601 in UTC, shape (rows,): objects of `str`, None where there is no moment.

    >>> moment_texts(np.array([0, 1_500_000, MISSING])).tolist()
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:01.500000Z', None]
    """
    codes, distinct = pd.factorize(moments)
    texts = np.datetime_as_string(np.asarray(distinct).view("datetime64[us]"), unit="us").tolist()
    told = np.array([_told(text) for text in texts] + [None], dtype=object)
    return np.asarray(told[codes], dtype=object)


def _told(text: str) -> str | None:
    return None if text == "NaT" else f"{text.removesuffix('.000000')}Z"


def holds_dates(dtype: Any) -> bool:
    """Whether a column of this type holds nothing but dates and times."""
    return bool(dtypes.is_datetime64_any_dtype(dtype))


def is_date(value_type: type) -> bool:
    """Whether values of a Python type are dates, with or without a time."""
    return issubclass(value_type, date | np.datetime64)
