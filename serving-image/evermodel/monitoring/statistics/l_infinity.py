"""L-infinity distance: the largest change of any level's share, max |r - c|.

Each level is a two-proportion z-test with the pooled share; p and limit are those of the largest, by Bonferroni over
the levels.
"""

import numpy as np
from scipy.special import ndtr, ndtri

from evermodel.monitoring.statistics.divergence import shares
from evermodel.monitoring.statistics.result import ALPHA, Floats, Result, nothing


def l_infinity(ref: Floats, cur: Floats, alpha: float = ALPHA) -> Result:
    """Compare two vectors of counts over the same levels."""
    n_ref, n_cur = int(ref.sum()), int(cur.sum())
    if n_ref == 0 or n_cur == 0:
        return nothing(n_ref, n_cur)
    seen = ref + cur > 0
    changes = np.abs(shares(ref) - shares(cur))[seen]
    pooled = (ref + cur)[seen] / (n_ref + n_cur)
    errors = np.sqrt(pooled * (1.0 - pooled) * (1.0 / n_ref + 1.0 / n_cur))
    value = float(changes.max())
    if changes.size == 1:
        return Result(value, 1.0, 0.0, n_ref, n_cur)
    z = np.divide(changes, errors, out=np.zeros_like(changes), where=errors > 0)
    # Two levels are one test: their changes are equal.
    tests = changes.size if changes.size > 2 else 1
    p = min(2.0 * tests * float(ndtr(-z.max())), 1.0)
    limit = float(-ndtri(alpha / (2.0 * tests)) * errors.max())
    return Result(value, p, min(limit, 1.0), n_ref, n_cur)
