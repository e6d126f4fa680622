"""Comparison of a window's inputs with the training data.

A column drifts only when the corrected p AND the effect say so: an effect alone would alarm on every small window, a p
alone on every large one.
"""

from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np

from evermodel.artifact.baseline import Baseline, CategoryProfile, NumberProfile
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.statistics import wasserstein
from evermodel.monitoring.statistics.chi2 import chi2
from evermodel.monitoring.statistics.contrast import contrast
from evermodel.monitoring.statistics.false_discovery import benjamini_hochberg
from evermodel.monitoring.statistics.ks import ks
from evermodel.monitoring.statistics.levels import pooled, table
from evermodel.monitoring.statistics.psi import psi
from evermodel.monitoring.statistics.result import Result, nothing
from evermodel.monitoring.window import Columns
from evermodel_api.monitor import Drift


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column's comparison. NaN where one side is empty: such a column is not judged."""

    column: str
    test: str
    """ks or chi2."""
    measure: str
    """Name of the effect: wasserstein or psi."""
    found: Result
    """The test."""
    effect: float
    limit: float
    """The smallest effect that counts."""
    p_corrected: float = nan
    drifted: bool = False

    @property
    def judged(self) -> bool:
        """Whether it could be compared."""
        return not isnan(self.found.p)


@dataclass(frozen=True, slots=True)
class DatasetDrift:
    """All columns, and the data set as a whole."""

    columns: list[ColumnDrift]
    limit: float
    """Share of the judged columns that must have drifted."""

    @property
    def judged(self) -> list[ColumnDrift]:
        """Columns that could be compared."""
        return [column for column in self.columns if column.judged]

    @property
    def drifted(self) -> list[ColumnDrift]:
        """Columns that drifted, the largest effect first."""
        return sorted((c for c in self.columns if c.drifted), key=lambda c: -c.effect / max(c.limit, 1e-9))

    @property
    def share(self) -> float:
        """Share of the judged columns that drifted."""
        return len(self.drifted) / len(self.judged) if self.judged else 0.0

    @property
    def holds(self) -> bool | None:
        """Whether the data set drifted; None when no column could be judged."""
        return bool(self.drifted) and self.share >= self.limit if self.judged else None


def compare(spec: Drift, baseline: Baseline, columns: Columns) -> DatasetDrift:
    """Compare each column of the window that training had and that is not excluded."""
    found: list[ColumnDrift] = []
    for name, column in columns.items():
        profile = baseline.columns.get(name)
        if name in spec.columns.exclude:
            continue
        if isinstance(column, NumberColumn) and isinstance(profile, NumberProfile):
            found.append(_numbers(name, spec, profile, column))
        elif isinstance(column, CategoryColumn) and isinstance(profile, CategoryProfile):
            found.append(_categories(name, spec, profile, column))
    corrected = benjamini_hochberg([column.found.p for column in found])
    judged = [
        replace(c, p_corrected=p, drifted=bool(p <= spec.alpha and c.effect >= c.limit and c.effect > 0.0))
        for c, p in zip(found, corrected, strict=True)
    ]
    return DatasetDrift(judged, spec.dataset.share)


def _numbers(name: str, spec: Drift, profile: NumberProfile, column: NumberColumn) -> ColumnDrift:
    current = np.sort(column.values[~np.isnan(column.values)])
    limit = spec.numeric.min_effect
    if profile.n == 0 or current.size == 0:
        empty = nothing(profile.n, current.size)
        return ColumnDrift(name, spec.numeric.test, spec.numeric.effect, empty, nan, limit)
    sides = contrast(np.asarray(profile.values, dtype=np.float64), current)
    effect = wasserstein.normed(sides, profile.sd, profile.mean)
    return ColumnDrift(name, spec.numeric.test, spec.numeric.effect, ks(sides, profile.n), effect, limit)


def _categories(name: str, spec: Drift, profile: CategoryProfile, column: CategoryColumn) -> ColumnDrift:
    reference, current = pooled(*table(profile.counts, column.counts))
    effect = psi(reference, current).value
    found = chi2(reference, current)
    return ColumnDrift(name, spec.category.test, spec.category.effect, found, effect, spec.category.min_effect)
