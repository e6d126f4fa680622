"""Jensen-Shannon distance: the square root of the mean Kullback-Leibler divergence from the middle of both (Lin 1991).

To base 2 it lies in [0, 1]. Empty bins need no filling: the middle is empty only where both are.
"""

from math import log, sqrt

from evermodel.monitoring.statistics.divergence import judged, shares
from evermodel.monitoring.statistics.kullback_leibler import divergence
from evermodel.monitoring.statistics.result import ALPHA, Floats, Result, nothing


def distance(r: Floats, c: Floats, base: float = 2.0) -> float:
    """The distance of two vectors of shares."""
    middle = (r + c) / 2.0
    return sqrt(max(divergence(r, middle) + divergence(c, middle), 0.0) / 2.0 / log(base))


def jensen_shannon(ref: Floats, cur: Floats, alpha: float = ALPHA) -> Result:
    """Compare two vectors of counts over the same bins."""
    if ref.sum() == 0 or cur.sum() == 0:
        return nothing(int(ref.sum()), int(cur.sum()))
    value = distance(shares(ref), shares(cur))
    return judged(value, 2, 1.0 / 8.0 / log(2.0), (ref, cur), alpha)
