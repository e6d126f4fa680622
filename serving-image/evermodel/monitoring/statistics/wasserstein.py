"""Wasserstein-1 distance: the integral of |F(x) - G(x)| dx, in units of the reference's standard deviation.

Raw it equals `scipy.stats.wasserstein_distance`; its p and limit are those of `bridge`.
"""

from math import isfinite, nan
from sys import float_info

import numpy as np

from evermodel.monitoring.statistics.bridge import area_moments, gamma_limit, gamma_p
from evermodel.monitoring.statistics.contrast import Contrast, gaps_between
from evermodel.monitoring.statistics.result import ALPHA, Result

NO_SPREAD = 1e-12
"""Relative standard deviation below which a reference counts as constant: it is rounding and not spread."""


def distance(samples: Contrast) -> float:
    """The distance in the column's own unit; never infinite."""
    heights, widths = gaps_between(samples)
    with np.errstate(over="ignore", invalid="ignore"):
        area = float(np.multiply(heights, widths, out=heights).sum())  # no BLAS: its threads wait for each other
    return area if isfinite(area) else float_info.max


def unit(sd: float, mean: float) -> float:
    """What a distance is measured in: the standard deviation.

    A constant reference has none: there it is the smallest difference that is not rounding, so that any real change is
    a large one.
    """
    return max(sd, NO_SPREAD * max(abs(mean), 1.0))


def normed(samples: Contrast, sd: float, mean: float) -> float:
    """The distance in standard deviations of the reference (ddof 0)."""
    return min(distance(samples) / unit(sd, mean), float_info.max)


def wasserstein(samples: Contrast, sd: float, mean: float, n_ref: int, alpha: float = ALPHA) -> Result:
    """Compare two samples; `n_ref` is the true size where quantiles stand for the reference."""
    n_cur, one = samples.current.size, unit(sd, mean)
    value = normed(samples, sd, mean)
    size = (1.0 / n_ref + 1.0 / n_cur) ** 0.5 / one
    with np.errstate(over="ignore", invalid="ignore"):
        centre, spread = area_moments(samples.reference, squared=False)
        centre, spread = centre * size, spread * size * size
    if not isfinite(spread):  # values such as 1e300 are numbers, and their squares are none
        return Result(value, nan, nan, n_ref, n_cur)
    return Result(value, gamma_p(value, centre, spread), gamma_limit(alpha, centre, spread), n_ref, n_cur)
