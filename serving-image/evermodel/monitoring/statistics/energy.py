"""Energy distance: sqrt(2 integral (F(x) - G(x))^2 dx) (Szekely and Rizzo 2013), as `scipy.stats.energy_distance`.

Scale-free it is divided by the square root of the reference's standard deviation, whose unit it has.
"""

from math import isfinite, nan, sqrt
from sys import float_info

import numpy as np

from evermodel.monitoring.statistics.bridge import area_moments, gamma_limit, gamma_p
from evermodel.monitoring.statistics.contrast import Contrast, gaps_between
from evermodel.monitoring.statistics.result import ALPHA, Result
from evermodel.monitoring.statistics.wasserstein import unit


def distance(samples: Contrast) -> float:
    """The distance in square roots of the column's unit; never infinite."""
    heights, widths = gaps_between(samples)
    with np.errstate(over="ignore", invalid="ignore"):
        area = float(np.multiply(heights * heights, widths).sum())
    return sqrt(2.0 * area) if isfinite(area) else float_info.max


def energy(samples: Contrast, sd: float, mean: float, n_ref: int, alpha: float = ALPHA) -> Result:
    """Compare two samples; `n_ref` is the true size where quantiles stand for the reference."""
    n_cur, one = samples.current.size, unit(sd, mean)
    value = min(distance(samples) / sqrt(one), float_info.max)
    size = 2.0 * (1.0 / n_ref + 1.0 / n_cur) / one
    with np.errstate(over="ignore", invalid="ignore"):
        centre, spread = area_moments(samples.reference, squared=True)
        centre, spread = centre * size, spread * size * size
    if not isfinite(spread):
        return Result(value, nan, nan, n_ref, n_cur)
    p = gamma_p(value * value, centre, spread)
    return Result(value, p, sqrt(gamma_limit(alpha, centre, spread)), n_ref, n_cur)
