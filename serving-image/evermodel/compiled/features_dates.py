"""Dates of requests as microseconds, and what is read off them, as `artifact.moments` and pandas have it.

The usual forms of ISO 8601 are read here. What is written otherwise is asked of `artifact.moments`, which imports
pandas, so that a text is the same moment, or none, in training and here.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Micros = NDArray[np.int64]
MISSING = np.iinfo(np.int64).min
_USUAL = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{6}|\.[0-9]{3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_HOUR = 3_600_000_000
_MINUTE = 60_000_000
PARTS = ("year", "quarter", "month", "week", "day", "weekday", "dayOfYear", "hour", "minute")


def micros_of_texts(texts: Sequence[str | None]) -> Micros:
    """Microseconds since 1970 in UTC, shape (rows,); MISSING where there is no date, or what is there is none."""
    return np.array([MISSING if text is None else _micros(text) for text in texts], dtype=np.int64)


def _micros(text: str) -> int:
    if _USUAL.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
            return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _BEGIN) // _MICROSECOND
        except (ValueError, OverflowError):  # the 30th of February
            pass
    from evermodel.artifact.moments import moments_of_texts  # noqa: PLC0415  pandas is slow to import

    return int(moments_of_texts(np.array([text], dtype=object))[0])


def seconds_of_micros(micros: Micros) -> Floats:
    """Seconds since 1970, NaN where there is no moment."""
    return np.where(micros == MISSING, np.nan, micros / 1e6)


def part_of_micros(micros: Micros, part: str) -> Floats:
    """One of `PARTS`, NaN where there is no moment."""
    known = np.where(micros == MISSING, 0, micros)
    return np.where(micros == MISSING, np.nan, _part(known, part).astype(np.float64))


def _part(micros: Micros, part: str) -> NDArray[np.int64]:
    days = micros // _DAY
    if part == "hour":
        return (micros - days * _DAY) // _HOUR
    if part == "minute":
        return (micros - days * _DAY) % _HOUR // _MINUTE
    weekday = (days + 3) % 7  # 1970 began on a Thursday
    if part == "weekday":
        return weekday
    if part == "week":
        # of the year in which the week's Thursday lies
        return (_day_of_year(days - weekday + 3) - 1) // 7 + 1
    if part == "dayOfYear":
        return _day_of_year(days)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]").astype(np.int64)
    if part == "day":
        return days - dates.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1
    if part == "year":
        return months // 12 + 1970
    return months % 12 + 1 if part == "month" else months % 12 // 3 + 1


def _day_of_year(days: NDArray[np.int64]) -> NDArray[np.int64]:
    first = days.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return days - first + 1
