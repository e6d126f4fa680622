"""Chi-squared test of homogeneity of a 2 x k table of counts, without a continuity correction (Pearson 1900).

Not the test of goodness of fit: that takes the reference's shares for the truth, and alarms ever more often the larger
the window is. Equal to `scipy.stats.chi2_contingency(correction=False)`.
"""

import numpy as np
from scipy.special import chdtrc, chdtri

from evermodel.monitoring.statistics.result import ALPHA, Floats, Result, nothing


def chi2(ref: Floats, cur: Floats, alpha: float = ALPHA) -> Result:
    """Compare two vectors of counts over the same levels; levels that neither side has are left out."""
    n_ref, n_cur = int(ref.sum()), int(cur.sum())
    if n_ref == 0 or n_cur == 0:
        return nothing(n_ref, n_cur)
    seen = ref + cur > 0
    observed = np.stack([ref[seen], cur[seen]])
    expected = observed.sum(axis=1, keepdims=True) * observed.sum(axis=0) / observed.sum()
    value = float(np.sum((observed - expected) ** 2 / expected))
    freedom = observed.shape[1] - 1
    if freedom == 0:
        return Result(value, 1.0, 0.0, n_ref, n_cur)
    return Result(value, float(chdtrc(freedom, value)), float(chdtri(freedom, alpha)), n_ref, n_cur)
