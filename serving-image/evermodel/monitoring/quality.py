"""Checks of the data itself: gaps, wrong types, numbers out of range, levels never seen, repeated rows, age. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.baseline import Baseline, CategoryProfile, NumberProfile
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.window import Column, Columns
from evermodel_api.base import parse_duration
from evermodel_api.monitor import Quality

ROWS = "*"
"""Stands for the column in checks of whole rows."""
Hashes = NDArray[np.uint64]
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """What one check found in one column, or in whole rows."""

    check: str
    """missing, wrongType, outOfRange, newLevels, duplicates, stale (in seconds); empty: nothing readable at all, which
    is looked for whatever the spec says."""
    column: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the value is within its limit."""
        return self.value <= self.limit


def check_column(spec: Quality | None, baseline: Baseline, name: str, column: Column, rows: int) -> list[QualityCheck]:
    """All checks of one column of a window with at least one row; none for a column that training had not."""
    profile = baseline.columns.get(name)
    return [] if profile is None else list(_checks(spec or Quality(), profile, name, column, rows))


def _checks(
    spec: Quality, profile: NumberProfile | CategoryProfile, name: str, column: Column, rows: int
) -> Iterator[QualityCheck]:
    now = column.missing / rows
    before = profile.missing / (profile.n + profile.missing) if profile.n + profile.missing else 0.0
    if spec.missing is not None:
        yield QualityCheck("missing", name, max(now - before, 0.0), spec.missing.max_delta)
    elif now == 1.0 and before < 1.0:
        yield QualityCheck("empty", name, 1.0, 0.0)
    if isinstance(column, NumberColumn):
        if spec.wrong_type is not None:
            yield QualityCheck("wrongType", name, column.unreadable / rows, spec.wrong_type.max)
        if spec.out_of_range is not None and isinstance(profile, NumberProfile):
            yield QualityCheck("outOfRange", name, _outside(column, profile), spec.out_of_range.max)
    elif spec.new_levels is not None and isinstance(profile, CategoryProfile):
        yield QualityCheck("newLevels", name, _unseen(column, profile), spec.new_levels.max)


def check_quality(spec: Quality | None, baseline: Baseline, columns: Columns, rows: int) -> list[QualityCheck]:
    """All checks of a window's columns."""
    return [check for name, column in columns.items() for check in check_column(spec, baseline, name, column, rows)]


def _outside(column: NumberColumn, profile: NumberProfile) -> float:
    """Share of the values outside the range of training, widened by that range on either side."""
    present = column.ordered
    if present.size == 0 or profile.n == 0:
        return 0.0
    reach = profile.max - profile.min
    below = np.searchsorted(present, profile.min - reach, side="left")
    above = present.size - np.searchsorted(present, profile.max + reach, side="right")
    return float((below + above) / present.size)


def _unseen(column: CategoryColumn, profile: CategoryProfile) -> float:
    """Share of the values whose level training never saw; as many as were counted together may be known ones."""
    counts = column.counts
    present = sum(counts.values())
    if present == 0:
        return 0.0
    unseen = sum(count for level, count in counts.items() if level not in profile.counts) / present
    return max(unseen - profile.others / profile.n, 0.0) if profile.others else unseen


def check_duplicates(spec: Quality | None, baseline: Baseline, hashes: Hashes | None) -> list[QualityCheck]:
    """How many more rows repeat another one than in training; `hashes` has one a row."""
    if spec is None or spec.duplicates is None or hashes is None or hashes.size == 0:
        return []
    repeats = 1.0 - np.unique(hashes).size / hashes.size
    return [QualityCheck("duplicates", ROWS, max(repeats - baseline.repeats, 0.0), spec.duplicates.max)]


def add_to_hashes(hashes: Hashes | None, columns: Iterable[Column]) -> Hashes | None:
    """Hash of each row over the columns so far and these; equal rows have equal ones."""
    for column in columns:
        cells = column.values + 0.0 if isinstance(column, NumberColumn) else column.codes.astype(np.float64)
        bits = np.where(np.isnan(cells), np.nan, cells).view(np.uint64)
        hashes = np.zeros(bits.shape, dtype=np.uint64) if hashes is None else hashes
        hashes = (hashes ^ bits) * _MIX
        hashes ^= hashes >> np.uint64(29)
    return hashes


def check_age(spec: Quality | None, newest: datetime | None, since: datetime, now: datetime) -> list[QualityCheck]:
    """How old the newest row is; where there is none it is at least as old as the window reaches back."""
    if spec is None or spec.stale is None:
        return []
    age = (now - (newest or since)).total_seconds()
    return [QualityCheck("stale", ROWS, age, parse_duration(spec.stale).total_seconds())]
