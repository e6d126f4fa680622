"""Maximum mean discrepancy with a Gaussian kernel, and its permutation test (Gretton et al. 2012).

MMD^2, unbiased: sum_{i!=j} k(x_i, x_j) / (n (n-1)) + the same of y - 2 mean k(x, y), with k = exp(-d^2 / (2 s^2)), and
s^2 half the median squared distance inside the reference. It sees changes that no single column shows. Memory is
(n + m)^2 floats, so both samples are bounded.
"""

from math import nan

import numpy as np

from evermodel.monitoring.statistics.result import ALPHA, Floats, Result, nothing

MOST_ROWS = 1000
"""Of either sample; more are left out evenly."""
_SHUFFLES = 299
_SEED = 0


def squared(kernel: Floats, n: int) -> float:
    """MMD^2 of a kernel matrix whose first n rows are the reference."""
    m = len(kernel) - n
    within_x = kernel[:n, :n].sum() - np.trace(kernel[:n, :n])
    within_y = kernel[n:, n:].sum() - np.trace(kernel[n:, n:])
    return float(within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2.0 * kernel[:n, n:].mean())


def mmd(reference: Floats, current: Floats, alpha: float = ALPHA) -> Result:
    """Compare rows of two samples, shape (rows, columns) each, without NaN; fewer than two rows compare nothing.

    p is (b + 1) / (B + 1) with b of B = 299 shuffles at least as far apart: never 0.
    """
    x, y = _bounded(reference), _bounded(current)
    n, m = len(x), len(y)
    if n < 2 or m < 2:
        return nothing(n, m)
    distances = _squared_distances(np.concatenate([x, y]))
    inside = distances[:n, :n][np.triu_indices(n, k=1)]
    width = float(np.median(inside)) / 2.0 or 1.0  # a constant reference has no width: any will do
    kernel = np.exp(-distances / (2.0 * width))
    value, random = squared(kernel, n), np.random.default_rng(_SEED)
    shuffled = np.sort([_shuffled(kernel, n, random) for _ in range(_SHUFFLES)])
    p = (1.0 + float(np.sum(shuffled >= value))) / (1.0 + _SHUFFLES)
    place = int(np.ceil((1.0 - alpha) * (1 + _SHUFFLES))) - 1
    return Result(value, p, float(shuffled[place]) if place < _SHUFFLES else nan, n, m)


def _shuffled(kernel: Floats, n: int, random: np.random.Generator) -> float:
    """MMD^2 after rows changed sides: by sums of the kernel over the new sides, without copying it."""
    is_x = np.zeros(len(kernel))
    is_x[random.permutation(len(kernel))[:n]] = 1.0
    m, to_x = len(kernel) - n, kernel @ is_x
    diagonal = np.diagonal(kernel)
    both, x_x = float(kernel.sum()), float(to_x @ is_x)
    x_y = float(to_x.sum()) - x_x
    y_y = both - x_x - 2.0 * x_y
    own_x = float(diagonal @ is_x)
    own_y = float(diagonal.sum()) - own_x
    return (x_x - own_x) / (n * (n - 1)) + (y_y - own_y) / (m * (m - 1)) - 2.0 * x_y / (n * m)


def _squared_distances(rows: Floats) -> Floats:
    norms = np.einsum("ij,ij->i", rows, rows)
    return np.asarray(np.maximum(norms[:, None] + norms - 2.0 * rows @ rows.T, 0.0))


def _bounded(rows: Floats) -> Floats:
    if len(rows) <= MOST_ROWS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_ROWS).round().astype(np.intp)]
