"""Laws of areas between two empirical distribution functions, without permutations.

When nothing changed, F - G is near sqrt(1/n + 1/m) B(F(x)) with a Brownian bridge B. The mean and the variance of an
area under |B| or B^2 follow from the covariance min(s, t) - s t (for |B| by the law of folded normals), and a gamma law
with these two moments (Satterthwaite 1946) gives p and limit.
"""

from math import isfinite, nan, pi

import numpy as np
from scipy.special import gammaincc, gammainccinv

from evermodel.monitoring.statistics.result import Floats

_POINTS = 128
"""Quantiles of the reference that the integrals are taken over: a matrix of this size squared."""


def area_moments(reference: Floats, *, squared: bool) -> tuple[float, float]:
    """Mean and variance of the integral of |B(F(x))| dx, or of B(F(x))^2 dx.

    Args:
        reference: sorted values, not empty.
        squared: whether B is squared.
    """
    n = reference.size
    places = np.unique(np.linspace(0, n - 1, min(n, _POINTS)).round().astype(np.intp))
    points = reference[places]
    widths = np.diff(np.where(np.isfinite(points), points, 0.0))
    # The level of an interval is that of the middle of its ranks, which leaves out neither end.
    levels = (places[:-1] + places[1:] + 1.0) / (2.0 * n)
    variances = levels * (1.0 - levels)
    shared = np.minimum.outer(levels, levels) - np.outer(levels, levels)
    if squared:
        return float((widths * variances).sum()), float((np.outer(widths, widths) * 2.0 * shared**2).sum())
    sds = np.sqrt(variances)
    products = np.outer(sds, sds)
    r = np.clip(shared / products, -1.0, 1.0)
    folded = 2.0 / pi * products * (r * np.arcsin(r) + np.sqrt(1.0 - r * r) - 1.0)
    return float(np.sqrt(2.0 / pi) * (widths * sds).sum()), float((np.outer(widths, widths) * folded).sum())


def gamma_p(value: float, mean: float, variance: float) -> float:
    """Chance of this value or a larger one; a law without spread knows only 0 and 1."""
    if not (mean > 0.0 and variance > 0.0 and isfinite(mean) and isfinite(variance)):
        return 1.0 if value <= 0.0 else 0.0
    return float(gammaincc(mean * mean / variance, value * mean / variance))


def gamma_limit(alpha: float, mean: float, variance: float) -> float:
    """The value that is exceeded with the chance alpha; NaN where there is no law."""
    if not (mean > 0.0 and variance > 0.0 and isfinite(mean) and isfinite(variance)):
        return nan
    return float(gammainccinv(mean * mean / variance, alpha) * variance / mean)
