"""Checks of the data itself: missing values, numbers out of range, levels never seen. Pure."""

from dataclasses import dataclass

import numpy as np

from evermodel.artifact.baseline import Baseline, CategoryProfile, NumberProfile
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.window import Column, Columns
from evermodel_api.monitor import Quality


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """What one check found in one column."""

    check: str
    """missing, outOfRange, newLevels; empty: nothing readable at all, which is looked for whatever the spec says."""
    column: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the value is within its limit."""
        return self.value <= self.limit


def check_quality(spec: Quality | None, baseline: Baseline, columns: Columns, rows: int) -> list[QualityCheck]:
    """All checks of a window with at least one row, column by column."""
    spec = spec or Quality()
    checks: list[QualityCheck] = []
    for name, column in columns.items():
        profile = baseline.columns.get(name)
        if profile is None:
            continue
        now = _missing(column) / rows
        before = profile.missing / (profile.n + profile.missing) if profile.n + profile.missing else 0.0
        if spec.missing is not None:
            checks.append(QualityCheck("missing", name, max(now - before, 0.0), spec.missing.max_delta))
        elif now == 1.0 and before < 1.0:
            checks.append(QualityCheck("empty", name, 1.0, 0.0))
        if isinstance(column, NumberColumn) and isinstance(profile, NumberProfile) and spec.out_of_range is not None:
            checks.append(QualityCheck("outOfRange", name, _outside(column, profile), spec.out_of_range.max))
        if isinstance(column, CategoryColumn) and isinstance(profile, CategoryProfile) and spec.new_levels is not None:
            checks.append(QualityCheck("newLevels", name, _unseen(column, profile), spec.new_levels.max))
    return checks


def _missing(column: Column) -> int:
    return int(np.isnan(column.values).sum()) if isinstance(column, NumberColumn) else column.missing


def _outside(column: NumberColumn, profile: NumberProfile) -> float:
    """Share of the values outside the range of training, widened by that range on either side."""
    present = column.values[~np.isnan(column.values)]
    if present.size == 0 or profile.n == 0:
        return 0.0
    reach = profile.max - profile.min
    return float(np.mean((present < profile.min - reach) | (present > profile.max + reach)))


def _unseen(column: CategoryColumn, profile: CategoryProfile) -> float:
    """Share of the values whose level training never saw."""
    counts = column.counts
    present = sum(counts.values())
    unseen = sum(count for level, count in counts.items() if level not in profile.counts)
    return unseen / present if present else 0.0
