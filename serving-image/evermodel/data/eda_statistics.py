"""How much one thing says of another: pure functions on arrays without missing values.

Each is corrected for what chance alone gives, so that a column with a value of its own in every row (which "explains"
everything) scores nothing.
"""

import numpy as np
from numpy.typing import NDArray

from evermodel.metrics import roc_auc

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_AUC_BINS = 256


def counts_of(left: Codes, right: Codes, left_size: int, right_size: int) -> Floats:
    """Rows of each pair of codes, shape (left_size, right_size)."""
    flat = np.bincount(left * right_size + right, minlength=left_size * right_size)
    return flat.reshape(left_size, right_size).astype(np.float64)


def bin_codes(values: Floats, bins: int) -> tuple[Codes, int]:
    """Bins with about as many values in each, and how many there are; equal values share one."""
    ordered = np.sort(values)
    places = np.linspace(0, len(ordered) - 1, bins + 1)[1:-1].round().astype(np.intp)
    edges = np.unique(ordered[places])
    codes = np.searchsorted(edges, values, side="left").astype(np.intp)
    return codes, len(edges) + 1


def explained(table: Floats) -> float:
    """Share of the columns' uncertainty (entropy) that goes away when the row of the table is known, 0 to 1.

    Mutual information with the correction of Miller and Madow: each entropy counted from n rows is too small by about
    (cells - 1) / 2n.
    """
    n = float(table.sum())
    if n == 0:
        return 0.0
    rows, columns = _entropy(table.sum(axis=1), n), _entropy(table.sum(axis=0), n)
    if columns <= 0:
        return 0.0
    shared = rows + columns - _entropy(table.ravel(), n)
    return float(np.clip(shared / columns, 0.0, 1.0))


def _entropy(counts: Floats, n: float) -> float:
    shares = counts[counts > 0] / n
    return float(-(shares * np.log(shares)).sum() + (len(shares) - 1) / (2 * n))


def cramers_v(table: Floats) -> float:
    """Association of two categories, 0 to 1, corrected for chance (Bergsma 2013); 0 where one side is constant."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, (rows, columns) = float(table.sum()), table.shape
    if n < 2 or min(rows, columns) < 2:
        return 0.0
    phi = chi_squared(table) / n
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(min(phi / least, 1.0))) if least > 0 else 0.0


def chi_squared(table: Floats) -> float:
    """Pearson's statistic of a table without empty rows and columns."""
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def eta(codes: Codes, values: Floats) -> float:
    """Share of spread between groups as a correlation ratio, 0 to 1, corrected for chance (Kelley's epsilon)."""
    n = len(values)
    sizes = np.bincount(codes)
    groups = int((sizes > 0).sum())
    centred = _scaled(values)
    whole = float((centred**2).sum())
    if n <= groups or groups < 2 or whole == 0.0:
        return 0.0
    sums = np.bincount(codes, weights=centred)
    between = float((sums[sizes > 0] ** 2 / sizes[sizes > 0]).sum())
    corrected = 1 - (1 - between / whole) * (n - 1) / (n - groups)
    return float(np.sqrt(min(max(corrected, 0.0), 1.0)))


def pearson(left: Floats, right: Floats) -> float:
    """Linear correlation, -1 to 1; 0 where one side is constant."""
    a, b = _scaled(left), _scaled(right)
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return min(max(float((a * b).sum() / scale), -1.0), 1.0) if scale > 0 else 0.0


def _scaled(values: Floats) -> Floats:
    """Values around 0 and none beyond 2, so that squares of the largest numbers there are stay numbers."""
    if values.min() == values.max():
        return np.zeros_like(values)  # and not what rounding leaves of it
    inside = values / np.abs(values).max()
    centred: Floats = inside - inside.mean()
    return centred


def centred_ranks(values: Floats) -> Floats:
    """Twice each mid-rank less its mean: whole numbers, so that sums of their products are exact in any order."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    doubled = 2 * np.cumsum(counts) - counts + 1
    return (doubled[inverse] - (len(values) + 1)).astype(np.float64)


def spearman(left: Floats, right: Floats) -> float:
    """Rank correlation, -1 to 1; 0 where one side is constant."""
    return pearson(centred_ranks(left), centred_ranks(right))


def folded_auc(values: Floats, classes: Codes, k: int) -> float:
    """How well a number by itself tells classes apart, whichever way it points: 0.5 is not at all, 1 is wholly.

    With more than two classes it is the mean over pairs of classes (Hand and Till 2001), each folded by itself, from
    256 bins. 0.5 where there is only one class.
    """
    if k == 2:
        value = roc_auc(classes == 1, values)
        return 0.5 if np.isnan(value) else max(value, 1 - value)
    codes, bins = bin_codes(values, _AUC_BINS)
    table = counts_of(classes, codes, k, bins)
    table = table[table.sum(axis=1) > 0]
    if len(table) < 2:
        return 0.5
    below = np.cumsum(table, axis=1) - table / 2
    wins = (below @ table.T) / np.outer(table.sum(axis=1), table.sum(axis=1))
    above = np.triu_indices(len(table), 1)
    pairs = wins[above]
    return float(np.maximum(pairs, 1 - pairs).mean())
