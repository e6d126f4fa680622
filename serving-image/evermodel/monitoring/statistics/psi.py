"""Population stability index: sum of (r - c) ln(r / c) over the shares of bins or levels (Jeffreys' divergence).

Half a row is added to each count. The law is that of Yurdakul and Naranjo (2020): (1/n + 1/m) chi-squared of B - 1.
"""

import numpy as np

from evermodel.monitoring.statistics.divergence import judged, smoothed
from evermodel.monitoring.statistics.result import ALPHA, Floats, Result, nothing


def divergence(r: Floats, c: Floats) -> float:
    """PSI of two vectors of shares, none of them 0."""
    return float(np.sum((r - c) * np.log(r / c)))


def psi(ref: Floats, cur: Floats, alpha: float = ALPHA) -> Result:
    """Compare two vectors of counts over the same bins."""
    if ref.sum() == 0 or cur.sum() == 0:
        return nothing(int(ref.sum()), int(cur.sum()))
    value = divergence(smoothed(ref), smoothed(cur))
    return judged(value, 1, 1.0, (ref, cur), alpha, few_rows=False)
