"""Two-sample Kolmogorov-Smirnov test: D = max |F(x) - G(x)|, two-sided.

Two laws give its p. Small samples have the exact one: the share of lattice paths from (0, 0) to (n, m) that leave the
band |i/n - j/m| < D (Gnedenko and Korolyuk 1951; Hodges 1957). Larger ones have the one-sample law at the rounded
effective size n m / (n + m), as scipy's `ks_2samp(method="asymp")` takes it: the alternating sum of Smirnov's one-sided
laws at 1, 2, 3... times the distance.
"""

from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, smirnov

from evermodel.monitoring.statistics.contrast import Contrast, largest_gap
from evermodel.monitoring.statistics.result import ALPHA, Floats, Result

_EXACT_PATHS = 400_000
"""Of n times m: 10 ms. Above, the asymptotic law is within 2 % of the exact one wherever p < 0.05."""
_NEGLIGIBLE_EXPONENT = 40.0
"""exp(-40) adds nothing to a p in double precision."""
_SMIRNOV_SIZE = 5000
"""Smirnov's law costs time in proportion to the sample: 2 ms at this size, half a second at 500,000."""
_UNDECIDED_EXPONENT = 2.0
"""Below this (p above 0.27) nothing is decided, and Smirnov's law is not worth its time."""


def ks(samples: Contrast, n_ref: int, alpha: float = ALPHA) -> Result:
    """Compare two samples; `n_ref` is the true size where quantiles stand for the reference."""
    distance, n_cur = largest_gap(samples), samples.current.size
    law = exact_p if n_ref * n_cur <= _EXACT_PATHS else asymptotic_p
    return Result(distance, law(distance, n_ref, n_cur), limit(alpha, n_ref, n_cur), n_ref, n_cur)


def limit(alpha: float, n_ref: int, n_cur: int) -> float:
    """sqrt(ln(2 / alpha) / 2 * (1/n + 1/m)), Smirnov's limit; at most 1."""
    return min(sqrt(log(2.0 / alpha) / 2.0 * (1.0 / n_ref + 1.0 / n_cur)), 1.0)


def asymptotic_p(distance: float, n_ref: int, n_cur: int) -> float:
    """P of the one-sample law.

    Below an effective size of 5,000 it equals scipy's to 1e-6 wherever p < 0.01; above, to 0.2 % for p down to 1e-4
    and to 1 % down to 1e-8. A p near 1, which decides nothing, is within 5 %.
    """
    n = max(round(n_ref * n_cur / (n_ref + n_cur)), 1)
    exponent = 2.0 * n * distance * distance
    if exponent < 0.1:
        return 1.0
    terms = np.arange(1, int(sqrt(_NEGLIGIBLE_EXPONENT / exponent)) + 2)
    # Smirnov's law without its sum over n terms (Maag and Dicaire 1971).
    laws = np.where(terms * distance <= 1.0, np.exp(-2.0 * (n * terms * distance + 1.0 / 6.0) ** 2 / n), 0.0)
    if n <= _SMIRNOV_SIZE and exponent >= _UNDECIDED_EXPONENT:
        laws[0] = smirnov(n, distance)
    return float(np.clip(2.0 * np.sum(np.where(terms % 2 == 1, laws, -laws)), 0.0, 1.0))


def exact_p(distance: float, n_ref: int, n_cur: int) -> float:
    """Share of the paths that reach |i/n - j/m| >= distance: each is counted where it first leaves the band.

    Counting those outside, and not 1 minus those inside, keeps a p of 1e-21 exact to ten digits.
    """
    n, m = max(n_ref, n_cur), min(n_ref, n_cur)
    reached = round(distance * n * m)  # in steps of 1/(n m): whole numbers, for ties decide
    if reached <= 0:
        return 1.0
    all_paths = _log_paths(np.array([n], dtype=np.intp), np.array([m], dtype=np.intp))[0]
    p, places = 0.0, np.arange(n + 1)
    inside, scale = (places * m < reached).astype(np.float64), 0.0
    p += _leaving(inside, np.flatnonzero(places * m >= reached)[:1], (n, m, 0), -all_paths)
    for j in range(1, m + 1):
        band = np.abs(places * m - j * n) < reached
        before = inside
        row = np.cumsum(np.where(band, before, 0.0))
        inside = np.where(band, row, 0.0)
        p += _first_exits(before, inside, band, (n, m, j), scale - all_paths)
        largest = inside.max(initial=0.0)
        if largest == 0.0:
            break
        inside, scale = inside / largest, scale + log(largest)
    return min(p, 1.0)


def _leaving(paths: Floats, places: NDArray[np.intp], at: tuple[int, int, int], log_weight: float) -> float:
    """Share of all paths that first leave the band at (place, 0): one step to the right of the band's end."""
    if places.size == 0:
        return 0.0
    n, m, j = at
    return float(
        np.exp(_log_paths(n - places, np.full(places.shape, m - j, dtype=np.intp)) + log_weight).sum()
        * paths[places[0] - 1]
    )


def _first_exits(
    before: Floats, inside: Floats, band: NDArray[np.bool_], at: tuple[int, int, int], log_weight: float
) -> float:
    """Share of all paths that first leave the band by a step into row j: upwards from row j - 1, or to the right."""
    n, m, j = at
    upwards = np.flatnonzero(~band & (before > 0.0))
    right = np.flatnonzero(~band[1:] & (inside[:-1] > 0.0)) + 1
    places = np.concatenate([upwards, right])
    counts = np.concatenate([before[upwards], inside[right - 1]])
    return float(counts @ np.exp(_log_paths(n - places, np.full(places.shape, m - j, dtype=np.intp)) + log_weight))


def _log_paths(right: NDArray[np.intp], up: NDArray[np.intp]) -> Floats:
    """Logarithm of the number of lattice paths with so many steps each way."""
    paths: Floats = gammaln(right + up + 1.0) - gammaln(right + 1.0) - gammaln(up + 1.0)
    return paths
