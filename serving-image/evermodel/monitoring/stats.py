"""How far two samples lie apart, and how sure that is. Pure functions on arrays.

`scipy.special` has the laws that are needed. `scipy.stats` is left out on purpose: its import takes longer than a whole
evaluation, and a monitoring pod pays for its imports each time. Tests hold the two equal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt
from sys import float_info

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, smirnov

Floats = NDArray[np.float64]

RARE = 5.0
"""Levels with a smaller expected count are pooled: the chi-squared law does not hold below it (Cochran's rule)."""
_NO_SPREAD = 1e-12
"""Relative standard deviation below which a reference counts as constant: it is rounding and not spread."""
_NEGLIGIBLE_EXPONENT = 40.0
"""exp(-40) adds nothing to a p in double precision."""
_EXACT_SIZE = 5000
"""The exact law costs time in proportion to the sample: 2 ms a column at this size, half a second at 500,000."""
_EXACT_EXPONENT = 2.0
"""Below this (p above 0.27) nothing is decided, and the exact law is not worth its time."""


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison. `value` and `p` are NaN where one side is empty; `p` is NaN for a measure that is no test."""

    value: float
    p: float
    n_ref: int
    n_cur: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Distance between two empirical distribution functions, at each point of either sample."""

    points: Floats
    heights: Floats


def cdf_gap(reference: Floats, current: Floats) -> Gap:
    """|F - G| at every point of two samples, both sorted, neither empty, without NaN; infinities stay at the ends."""
    points = np.sort(np.concatenate([reference, current]), kind="stable")
    f = np.searchsorted(reference, points, side="right") / reference.size
    g = np.searchsorted(current, points, side="right") / current.size
    return Gap(points, np.abs(f - g))


def ks_p(distance: float, n_ref: int, n_cur: int) -> float:
    """Asymptotic two-sided p of a two-sample Kolmogorov-Smirnov distance.

    The one-sample law at the rounded effective size n*m/(n+m), as scipy's `ks_2samp(method="asymp")` takes it. The
    two-sided law is the alternating sum of the one-sided ones (Smirnov) at 1, 2, 3... times the distance. Below an
    effective size of 5,000 it equals scipy's to 1e-6 wherever p < 0.01; above, to 0.2 % for p down to 1e-4 and to 1 %
    down to 1e-8. A p near 1, which decides nothing, is within 5 %.
    """
    n = max(round(n_ref * n_cur / (n_ref + n_cur)), 1)
    exponent = 2.0 * n * distance * distance
    if exponent < 0.1:
        return 1.0
    terms = np.arange(1, int(sqrt(_NEGLIGIBLE_EXPONENT / exponent)) + 2)
    # Smirnov's law without its sum over n terms (Maag and Dicaire 1971).
    laws = np.where(terms * distance <= 1.0, np.exp(-2.0 * (n * terms * distance + 1.0 / 6.0) ** 2 / n), 0.0)
    if n <= _EXACT_SIZE and exponent >= _EXACT_EXPONENT:
        laws[0] = smirnov(n, distance)
    return float(np.clip(2.0 * np.sum(np.where(terms % 2 == 1, laws, -laws)), 0.0, 1.0))


def ks(gap: Gap, n_ref: int, n_cur: int) -> Result:
    """Two-sample Kolmogorov-Smirnov; `n_ref` is the true size where quantiles stand for the reference."""
    distance = float(gap.heights.max())
    return Result(distance, ks_p(distance, n_ref, n_cur), n_ref, n_cur)


def wasserstein(gap: Gap, sd: float, mean: float, n_ref: int, n_cur: int) -> Result:
    """Wasserstein-1 distance in units of the reference's standard deviation (ddof 0).

    An infinite value counts as the farthest finite one. A constant reference has no spread to measure by: there the
    unit is the smallest difference that is not rounding, so that any real change is a large one.
    """
    finite = gap.points[np.isfinite(gap.points)]
    if finite.size == 0:
        return Result(0.0, nan, n_ref, n_cur)
    points = np.clip(gap.points, finite[0], finite[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        distance = float(np.sum(gap.heights[:-1] * np.diff(points)))
        effect = distance / max(sd, _NO_SPREAD * max(abs(mean), 1.0))
    return Result(effect if isfinite(effect) else float_info.max, nan, n_ref, n_cur)


def table(reference: Mapping[str, int], current: Mapping[str, int]) -> tuple[Floats, Floats]:
    """Counts of both sides by level, in the levels' order; a level unseen on one side has 0 there.

    Rare levels are pooled into one at the end, so that a million levels, or one new row, are no drift by themselves.
    """
    levels = sorted(reference.keys() | current.keys())
    ref = np.array([reference.get(level, 0) for level in levels], dtype=np.float64)
    cur = np.array([current.get(level, 0) for level in levels], dtype=np.float64)
    total = ref.sum() + cur.sum()
    if total == 0:
        return ref, cur
    rare = (ref + cur) * min(ref.sum(), cur.sum()) / total < RARE
    if rare.sum() < 2:
        return ref, cur
    return np.append(ref[~rare], ref[rare].sum()), np.append(cur[~rare], cur[rare].sum())


def chi2(ref: Floats, cur: Floats) -> Result:
    """Chi-squared test of homogeneity of a 2 x k table of counts, without a continuity correction."""
    n_ref, n_cur = int(ref.sum()), int(cur.sum())
    if n_ref == 0 or n_cur == 0:
        return Result(nan, nan, n_ref, n_cur)
    seen = ref + cur > 0
    observed = np.stack([ref[seen], cur[seen]])
    expected = observed.sum(axis=1, keepdims=True) * observed.sum(axis=0) / observed.sum()
    value = float(np.sum((observed - expected) ** 2 / expected))
    freedom = observed.shape[1] - 1
    return Result(value, float(chdtrc(freedom, value)) if freedom else 1.0, n_ref, n_cur)


def psi(ref: Floats, cur: Floats) -> Result:
    """Population stability index of two vectors of counts: sum of (r - c) ln(r / c) over their shares.

    Half a row is added to each count, so that an empty level costs what the sample size can show, and not infinity.
    """
    n_ref, n_cur = int(ref.sum()), int(cur.sum())
    if n_ref == 0 or n_cur == 0:
        return Result(nan, nan, n_ref, n_cur)
    r = (ref + 0.5) / (n_ref + ref.size / 2)
    c = (cur + 0.5) / (n_cur + cur.size / 2)
    return Result(float(np.sum((r - c) * np.log(r / c))), nan, n_ref, n_cur)


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Adjusted p of each, controlling the false discovery rate; a NaN is no test: it stays NaN and counts for none.

    Source: Benjamini and Hochberg (1995); equal to `scipy.stats.false_discovery_control`.
    """
    adjusted = np.array(ps, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(adjusted))
    order = tested[np.argsort(adjusted[tested], kind="stable")[::-1]]
    ranks = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.minimum.accumulate(adjusted[order] * order.size / ranks), 1.0)
    return [float(p) for p in adjusted]
