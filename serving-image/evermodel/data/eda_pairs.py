"""Columns that go together. Bounded: so many columns, so many rows, the strongest pairs only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evermodel.data.eda_cells import Cells
from evermodel.data.eda_document import Pair, Pairs
from evermodel.data.eda_statistics import Codes, Floats, centred_ranks, counts_of, cramers_v

MOST_ROWS = 4000
MOST_NUMBERS = 1000
MOST_CATEGORIES = 60
MOST_GAPS = 1000
MOST_PAIRS = 40
WEAKEST = 0.3
"""Pairs below this are not told."""
_LEAST_ROWS = 10
_MOST_LEVELS = 50


@dataclass(frozen=True)
class Candidate:
    """A column at the rows where pairs are looked for."""

    name: str
    strength: float
    """Of its relation to the target: where there are too many columns, those that say most of it are compared."""
    numbers: Floats
    """Numbers, shape (rows,) with NaN; empty for categories."""
    codes: Codes
    """Categories, shape (rows,) with -1; empty for numbers."""
    absent: NDArray[np.bool_]
    """Shape (rows,)."""


def candidate(name: str, strength: float, cells: Cells, rows: Codes) -> Candidate:
    """A column at these rows, kept small."""
    values = cells.numbers[rows] if cells.kind in {"number", "date"} else cells.numbers[:0]
    codes = np.minimum(cells.codes[rows], _MOST_LEVELS - 1) if cells.kind == "category" else cells.codes[:0]
    return Candidate(name, strength, values, codes, cells.absent[rows])


def _chosen(columns: Sequence[Candidate], most: int) -> list[Candidate]:
    strongest = sorted(range(len(columns)), key=lambda i: (-columns[i].strength, i))[:most]
    return [columns[i] for i in sorted(strongest)]


def numbers_together(columns: Sequence[Candidate]) -> Pairs:
    """Rank correlations of columns of numbers, each over the rows where both have a value.

    Ranks are taken within each column, so that all pairs are two matrix products of whole numbers, which are exact in
    any order of adding up.
    """
    usable = [one for one in columns if len(one.numbers) and _varies(one.numbers[~one.absent])]
    chosen = _chosen(usable, MOST_NUMBERS)
    if len(chosen) < 2:
        return _no_pairs(len(chosen), len(usable), len(columns[0].absent) if columns else 0)
    ranks = np.zeros((len(chosen), len(chosen[0].numbers)))
    for i, one in enumerate(chosen):
        ranks[i, ~one.absent] = centred_ranks(one.numbers[~one.absent])
    present = np.array([~one.absent for one in chosen], dtype=np.float64)
    products = ranks @ ranks.T
    squares = (ranks**2) @ present.T
    both = present @ present.T
    scale = np.sqrt(squares * squares.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where((scale > 0) & (both >= _LEAST_ROWS), products / scale, 0.0)
    return _strongest(chosen, values, both, len(usable))


def missing_together(columns: Sequence[Candidate]) -> Pairs:
    """Phi of the missing values of two columns: 1 where they are missing in the same rows."""
    usable = [one for one in columns if one.absent.any() and not one.absent.all()]
    chosen = _chosen(usable, MOST_GAPS)
    if len(chosen) < 2:
        return _no_pairs(len(chosen), len(usable), len(columns[0].absent) if columns else 0)
    gone = np.array([one.absent for one in chosen], dtype=np.float64)
    n = gone.shape[1]
    sums = gone.sum(axis=1)
    scale = np.sqrt(np.outer(sums * (n - sums), sums * (n - sums)))
    values = (n * (gone @ gone.T) - np.outer(sums, sums)) / scale
    return _strongest(chosen, values, np.full(values.shape, float(n)), len(usable))


def categories_together(columns: Sequence[Candidate], over: Callable[[], bool]) -> Pairs:
    """Cramér's V of columns of categories, each over the rows where both have a value; stops when time is `over`."""
    usable = [one for one in columns if len(one.codes) and _varies(one.codes[~one.absent])]
    chosen = _chosen(usable, MOST_CATEGORIES)
    if len(chosen) < 2:
        return _no_pairs(len(chosen), len(usable), len(columns[0].absent) if columns else 0)
    values = np.zeros((len(chosen), len(chosen)))
    both = np.zeros_like(values)
    for i, left in enumerate(chosen):
        if over():
            break
        for j, right in enumerate(chosen[i + 1 :], i + 1):
            there = ~left.absent & ~right.absent
            both[i, j] = there.sum()
            if both[i, j] >= _LEAST_ROWS:
                table = counts_of(left.codes[there], right.codes[there], _MOST_LEVELS, _MOST_LEVELS)
                values[i, j] = cramers_v(table)
    return _strongest(chosen, values, both, len(usable))


def _varies(values: Floats | Codes) -> bool:
    return len(values) > 1 and bool(values.min() < values.max())


def _no_pairs(compared: int, usable: int, rows: int) -> Pairs:
    return Pairs(compared=compared, left_out=usable - compared, rows=rows, pairs=())


def _strongest(chosen: Sequence[Candidate], values: Floats, both: Floats, usable: int) -> Pairs:
    left, right = np.triu_indices(len(chosen), 1)
    rounded = np.round(values[left, right], 6)
    sizes = np.abs(rounded)
    kept = np.flatnonzero(sizes >= WEAKEST)
    kept = kept[np.argsort(-sizes[kept], kind="stable")][:MOST_PAIRS]
    pairs = tuple(
        Pair(
            left=chosen[int(left[i])].name,
            right=chosen[int(right[i])].name,
            value=float(rounded[i]),
            rows=int(both[left[i], right[i]]),
        )
        for i in kept.tolist()
    )
    return Pairs(compared=len(chosen), left_out=usable - len(chosen), rows=len(chosen[0].absent), pairs=pairs)
