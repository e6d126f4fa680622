"""When a change began: the place at which a stream falls into two parts whose means differ most.

The place is that of the largest |S_k - k/n S_n| / sqrt(t (1 - t)) with t = k/n: the cumulative sum's distance from a
straight line (CUSUM; Page 1955), weighted so that it is the likelihood ratio of a change of the mean. p is that of the
largest unweighted distance, whose law is the one of a Brownian bridge (Kolmogorov's).
"""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from scipy.special import kolmogorov

from evermodel.monitoring.statistics.result import Floats

_EDGE = 0.02
"""Share of the stream at either end in which no change is looked for: there the weight makes much of little."""
LEAST = 20


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A change of the mean."""

    place: int
    """Number of the first value after it."""
    p: float
    before: float
    """Mean before it."""
    after: float


def change_point(values: Floats) -> ChangePoint | None:
    """The likeliest change of a stream without NaN; None when it has fewer than 20 values, or one value only."""
    n = values.size
    scale = float(np.abs(values).max(initial=0.0))
    if n < LEAST or scale == 0.0 or not np.isfinite(scale):
        return None
    scaled = values / scale
    sums, ks = np.cumsum(scaled), np.arange(1, n)
    distances = np.abs(sums[:-1] - ks / n * sums[-1])
    edge = max(int(_EDGE * n), 2)
    parts = ks / n
    weighted = distances / np.sqrt(parts * (1.0 - parts))
    place = edge + int(np.argmax(weighted[edge - 1 : n - edge]))
    before, after = scaled[:place], scaled[place:]
    spread = sqrt((before.var() * before.size + after.var() * after.size) / n)
    if spread == 0.0:
        p = 1.0 if before[0] == after[0] else 0.0
        return None if p == 1.0 else ChangePoint(place, p, float(before[0] * scale), float(after[0] * scale))
    whole = float(scaled.std())
    p = float(kolmogorov(distances.max() / (whole * sqrt(n)))) if whole > 0.0 else nan
    return ChangePoint(place, p, float(before.mean() * scale), float(after.mean() * scale))
