"""Hellinger distance: sqrt(sum (sqrt r - sqrt c)^2) / sqrt 2 over the shares of bins or levels; in [0, 1]."""

from math import sqrt

import numpy as np

from evermodel.monitoring.statistics.divergence import judged, shares
from evermodel.monitoring.statistics.result import ALPHA, Floats, Result, nothing


def distance(r: Floats, c: Floats) -> float:
    """The distance of two vectors of shares."""
    return sqrt(float(np.sum((np.sqrt(r) - np.sqrt(c)) ** 2)) / 2.0)


def hellinger(ref: Floats, cur: Floats, alpha: float = ALPHA) -> Result:
    """Compare two vectors of counts over the same bins."""
    if ref.sum() == 0 or cur.sum() == 0:
        return nothing(int(ref.sum()), int(cur.sum()))
    value = distance(shares(ref), shares(cur))
    return judged(value, 2, 1.0 / 8.0, (ref, cur), alpha)
