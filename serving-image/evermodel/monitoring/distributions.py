"""Shares of reference and window side by side, for pictures. Pure; statistics are computed elsewhere."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evermodel.artifact.baseline import Baseline, CategoryProfile, NumberProfile
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.window import Columns

BINS = 20
LEVELS = 12
"""Levels that are shown one by one; the rest are shown together."""
OTHER = "(others)"


@dataclass(frozen=True, slots=True)
class Distribution:
    """One column, as the reference has it and as the window has it."""

    column: str
    bins: list[str]
    """Levels of a category; for numbers the lower end of the first bin and the upper end of the last."""
    numeric: bool
    reference: list[float]
    """Share of the rows with a value in each bin; the first and the last bin of numbers are open."""
    current: list[float]

    def dump(self) -> dict[str, Any]:
        """Ready for JSON."""
        names = ("column", "bins", "numeric", "reference", "current")
        return {name: getattr(self, name) for name in names}


def distributions(baseline: Baseline, columns: Columns, names: list[str]) -> list[Distribution]:
    """Of the columns of these names that both sides have, in this order."""
    found = []
    for name in names:
        column, profile = columns.get(name), baseline.columns.get(name)
        if isinstance(column, NumberColumn) and isinstance(profile, NumberProfile) and profile.n:
            found.append(_numbers(name, profile, column))
        elif isinstance(column, CategoryColumn) and isinstance(profile, CategoryProfile) and profile.n:
            found.append(_categories(name, profile, column))
    return found


def _numbers(name: str, profile: NumberProfile, column: NumberColumn) -> Distribution:
    reference = np.asarray(profile.quantiles, dtype=np.float64)
    current = column.values[np.isfinite(column.values)]
    both = np.concatenate([reference, current])
    low, high = np.quantile(both, [0.005, 0.995])
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    shares = [_shares(np.bincount(_places(values, edges), minlength=BINS)) for values in (reference, current)]
    return Distribution(name, [f"{edges[0]:.4g}", f"{edges[-1]:.4g}"], True, *shares)


def _places(values: np.ndarray[Any, np.dtype[np.float64]], edges: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, BINS - 1)


def _categories(name: str, profile: CategoryProfile, column: CategoryColumn) -> Distribution:
    before, now = profile.counts, column.counts
    largest = sorted({*before, *now}, key=lambda level: (-max(before.get(level, 0), now.get(level, 0)), level))
    shown = sorted(largest[:LEVELS])
    bins = [*shown, *([OTHER] if len(largest) > LEVELS else [])]
    shares = []
    for counts in (before, now):
        listed = [counts.get(level, 0) for level in shown]
        rest = [sum(counts.values()) - sum(listed)] if len(bins) > len(shown) else []
        shares.append(_shares(np.asarray([*listed, *rest])))
    return Distribution(name, bins, False, *shares)


def _shares(counts: np.ndarray[Any, np.dtype[Any]]) -> list[float]:
    whole = int(counts.sum())
    return [float(count) / whole if whole else 0.0 for count in counts]
