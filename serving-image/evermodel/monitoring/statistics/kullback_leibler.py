"""Kullback-Leibler divergence of the window from the reference: sum of r ln(r / c), in nats. Not symmetric.

Half a row is added to each count, without which one empty bin would make it infinite.
"""

import numpy as np

from evermodel.monitoring.statistics.divergence import judged, smoothed
from evermodel.monitoring.statistics.result import ALPHA, Floats, Result, nothing


def divergence(r: Floats, c: Floats) -> float:
    """The divergence of two vectors of shares; those of `c` are not 0."""
    there = r > 0
    return float(np.sum(r[there] * np.log(r[there] / c[there])))


def kullback_leibler(ref: Floats, cur: Floats, alpha: float = ALPHA) -> Result:
    """Compare two vectors of counts over the same bins."""
    if ref.sum() == 0 or cur.sum() == 0:
        return nothing(int(ref.sum()), int(cur.sum()))
    value = divergence(smoothed(ref), smoothed(cur))
    return judged(value, 1, 0.5, (ref, cur), alpha)
