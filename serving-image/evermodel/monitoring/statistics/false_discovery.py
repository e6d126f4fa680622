"""Many tests at once: the share of false ones among the alarms is held down (Benjamini and Hochberg 1995)."""

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
