"""Dates and times: read from whatever a source or a request gives, kept as microseconds since 1970 in UTC.

Training and serving read them here, so that a text is the same moment, or none, for both.
A date without a time is its midnight, a time without a zone is in UTC. What is finer than a microsecond is cut off.
"""

import re
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as dtypes

Micros = NDArray[np.int64]
MISSING = np.iinfo(np.int64).min
"""What stands for no moment: numpy's NaT."""

_BEGINS_WITH_A_YEAR = re.compile(r"\d{4}")
"""pandas would take "now" and "today" too, which are another moment in each run."""
_TOO_FINE = re.compile(r"([.,]\d{6})\d+")


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
    codes, distinct = pd.factorize(texts)  # few dates, many rows
    plausible = pd.Series([_plausible(text) for text in distinct.tolist()], dtype=object)
    read = moments_of_dates(pd.to_datetime(plausible, utc=True, format="ISO8601", errors="coerce"))
    return np.append(read, MISSING)[codes]


def _plausible(text: object) -> str | None:
    if not isinstance(text, str) or not _BEGINS_WITH_A_YEAR.match(text) or not text.isascii():
        return None
    return _TOO_FINE.sub(r"\1", text)


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
