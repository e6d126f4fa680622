"""Many tests at once: false alarms are held down, as a share of all alarms (Benjamini and Hochberg 1995) or at all."""

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Adjusted p of each; equal to `scipy.stats.false_discovery_control`.

    A NaN is no test: it stays NaN and counts for none.
    """
    adjusted = np.array(ps, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(adjusted))
    order = tested[np.argsort(adjusted[tested], kind="stable")[::-1]]
    ranks = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.minimum.accumulate(adjusted[order] * order.size / ranks), 1.0)
    return [float(p) for p in adjusted]


def bonferroni(ps: Sequence[float]) -> list[float]:
    """Adjusted p of each, which holds the chance of any false alarm down; a NaN is no test."""
    tested = sum(not np.isnan(p) for p in ps)
    return [float(np.minimum(p * tested, 1.0)) for p in ps]
