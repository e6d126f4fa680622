"""The target as the report reads it, and how much a column says of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evermodel.data.eda_cells import Cells
from evermodel.data.eda_document import Measure, Relation
from evermodel.data.eda_statistics import (
    Codes,
    Floats,
    bin_codes,
    chi_squared,
    counts_of,
    cramers_v,
    eta,
    explained,
    folded_auc,
    pearson,
    spearman,
)
from evermodel_api.training import Task

MOST_CLASSES = 20
"""Rarer classes count as one."""
MOST_LEVELS = 200
"""Rarer categories count as one when they are compared with the target."""
_MOST_DRAWN = 5
_BINS = 16
_TARGET_BINS = 10
_LEAST_ROWS = 30
_RARE = 5


@dataclass(frozen=True)
class Truth:
    """The target of the rows that are looked at closely."""

    name: str
    task: Task
    names: tuple[str, ...]
    """Classification: classes, the most frequent first."""
    codes: Codes
    """Shape (rows,): class, or the bin of the number; -1 where there is none. Rarer classes share the last code."""
    k: int
    """Number of codes."""
    numbers: Floats | None
    """Shape (rows,): a regression's target."""

    @property
    def drawn(self) -> int:
        """How many classes pictures are divided by; none for a regression."""
        return 0 if self.numbers is not None else min(len(self.names), _MOST_DRAWN)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Shape (rows,): where there is an answer."""
        return self.codes >= 0


def read_truth(name: str, cells: Cells, rows: Codes, task: Task) -> Truth:
    """The target at these rows. A regression's target that is no number is read as classes."""
    if task is Task.REGRESSION and cells.kind == "number":
        numbers = cells.numbers[rows]
        there = ~np.isnan(numbers)
        codes = np.full(len(rows), -1, dtype=np.intp)
        codes[there], k = bin_codes(numbers[there], _TARGET_BINS) if there.any() else (codes[there], 1)
        return Truth(name, task, (), codes, k, numbers)
    classes = as_categories(cells)
    codes = pooled(classes.codes[rows], MOST_CLASSES)
    return Truth(name, task, classes.levels, codes, min(len(classes.levels), MOST_CLASSES), None)


def as_categories(cells: Cells) -> Cells:
    """Numbers as classes (3.0 is 3), the most frequent first; categories as they are."""
    if cells.kind == "category":
        return cells
    if cells.kind not in {"number", "date"}:
        return Cells("category", cells.numbers[:0], np.full(len(cells.absent), -1, dtype=np.intp))
    there = ~np.isnan(cells.numbers)
    distinct, inverse, counts = np.unique(cells.numbers[there], return_inverse=True, return_counts=True)
    ordered = np.argsort(-counts, kind="stable")
    place = np.empty(len(distinct), dtype=np.intp)
    place[ordered] = np.arange(len(distinct))
    codes = np.full(len(there), -1, dtype=np.intp)
    codes[there] = place[inverse]
    names = tuple(f"{value:.15g}" for value in distinct[ordered].tolist())
    return Cells("category", cells.numbers[:0], codes, names, counts[ordered].astype(np.intp))


def pooled(codes: Codes, most: int) -> Codes:
    """Codes below `most`: the rarer ones share the last."""
    return np.minimum(codes, most - 1)


def without_rare(codes: Codes) -> Codes:
    """Codes from 0 on; categories with fewer than five rows share one, and so do those beyond the 200 most frequent.

    What so few rows say is chance: a category of its own in every row would explain everything.
    """
    counts = np.bincount(codes)
    frequent = np.flatnonzero(counts >= _RARE)
    frequent = np.sort(frequent[np.argsort(-counts[frequent], kind="stable")][:MOST_LEVELS])
    renamed = np.full(len(counts), len(frequent), dtype=np.intp)
    renamed[frequent] = np.arange(len(frequent))
    shared: Codes = renamed[codes]
    return shared


def relate(cells: Cells, rows: Codes, truth: Truth) -> Relation | None:
    """How much a column says of the target; None where fewer than three rows have both, or it is nothing to compare."""
    if cells.kind not in {"number", "date", "category"}:
        return None
    both = truth.known & ~cells.absent[rows]
    n = int(both.sum())
    if n < 3:
        return None
    classes = truth.codes[both]
    if cells.kind == "category":
        codes = without_rare(cells.codes[rows][both])
        table = counts_of(codes, classes, int(codes.max()) + 1, truth.k)
        if truth.numbers is None:
            v = cramers_v(table)
            return _relation("cramersV", v, v, table, n)
        share = eta(codes, truth.numbers[both])
        return _relation("eta", share, share, table, n)
    values = cells.numbers[rows][both]
    codes, bins = bin_codes(values, _BINS)
    table = counts_of(codes, classes, bins, truth.k)
    if truth.numbers is None:
        auc = folded_auc(values, classes, truth.k)
        return _relation("auc", auc, 2 * auc - 1, table, n)
    rank, linear = spearman(values, truth.numbers[both]), pearson(values, truth.numbers[both])
    return _relation("spearman", rank, max(abs(rank), abs(linear)), table, n, linear)


def _relation(
    measure: Measure, value: float, strength: float, table: Floats, rows: int, linear: float | None = None
) -> Relation:
    return Relation(
        measure=measure,
        value=round(value, 6),
        linear=None if linear is None else round(linear, 6),
        strength=round(strength, 6),
        explained=round(explained(table), 6),
        rows=rows,
    )


def relate_missing(absent: NDArray[np.bool_], truth: Truth) -> tuple[float, float]:
    """How much a missing value says of the target, 0 to 1, and the p-value of that.

    Args:
        absent: shape (rows,), for the rows that are looked at closely.
        truth: the target of the same rows.

    Returns:
        (0, 1) where all values are missing, or none.
    """
    gone = absent[truth.known].astype(np.intp)
    if gone.sum() in {0, len(gone)}:
        return 0.0, 1.0
    from scipy.special import chdtrc  # noqa: PLC0415  the page's reader imports this module's neighbours without scipy

    if truth.numbers is not None:
        r = abs(pearson(gone.astype(np.float64), truth.numbers[truth.known]))
        return r, float(chdtrc(1, len(gone) * r * r))
    table = counts_of(gone, truth.codes[truth.known], 2, truth.k)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return 0.0, 1.0
    statistic = chi_squared(table)
    return float(np.sqrt(min(statistic / len(gone), 1.0))), float(chdtrc(table.shape[1] - 1, statistic))


def copies(cells: Cells, rows: Codes, truth: Truth) -> bool:
    """Whether a column is the target in other words: the same number, or one value for each class.

    Never where fewer than 30 rows have both, or the target has one value only.
    """
    if cells.kind not in {"number", "date", "category"}:
        return False
    both = truth.known & ~cells.absent[rows]
    if int(both.sum()) < _LEAST_ROWS or truth.k < 2:
        return False
    if truth.numbers is not None:
        return cells.kind == "number" and bool((cells.numbers[rows][both] == truth.numbers[both]).all())
    if cells.kind == "category":
        codes = cells.codes[rows][both]
    else:
        values = cells.numbers[rows][both]
        if len(np.unique(values[: 10 * MOST_CLASSES])) > MOST_CLASSES:
            return False
        codes = np.unique(values, return_inverse=True)[1]
    classes = truth.codes[both]
    pairs = len(np.unique(codes * truth.k + classes))
    return pairs == len(np.unique(codes)) == len(np.unique(classes)) > 1
