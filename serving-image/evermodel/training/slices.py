"""Slices: some of the test rows, measured by themselves. Pure."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.metrics import Answers, measure
from evermodel.numbers import four_digits
from evermodel.training.ledger import SliceScore
from evermodel_api.training import Metric

MIN_ROWS = 20
"""A slice with fewer test rows is told and not judged."""
MOST_LEVELS = 50
"""Only the most frequent levels of a feature are slices."""
_FEW_NUMBERS = 10
"""A column with so few distinct numbers is told apart by them; another one is cut at its quartiles."""


@dataclass(frozen=True)
class Part:
    """Some of the rows."""

    by: str
    """The feature."""
    level: str
    """Its level, or its range."""
    rows: NDArray[np.intp]
    """Which rows, ascending."""

    def __str__(self) -> str:
        return f"{self.by}={self.level}"


def parts_of(by: str, cells: NDArray[Any]) -> list[Part]:
    """The slices of a column: each level, most frequent first; numbers are cut at their quartiles.

    Args:
        by: name of the column.
        cells: shape (rows,): float64 with NaN, or objects of `str` with None. Missing values are a slice too.
    """
    missing = pd.isna(cells)
    parts = _ranges(by, cells, missing) if cells.dtype.kind == "f" else _levels(by, cells, missing)
    if missing.any():
        parts.append(Part(by, "missing", np.flatnonzero(missing)))
    return parts


def _levels(by: str, cells: NDArray[Any], missing: NDArray[np.bool_]) -> list[Part]:
    present = np.array(cells, dtype=object)
    present[missing] = None
    codes, levels = pd.factorize(present, sort=True)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    order = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
    return [Part(by, str(levels[i]), np.flatnonzero(codes == i)) for i in order]


def _ranges(by: str, cells: NDArray[np.float64], missing: NDArray[np.bool_]) -> list[Part]:
    present = cells[~missing]
    distinct = np.unique(present)
    if len(distinct) <= _FEW_NUMBERS:
        return [Part(by, f"{value:g}", np.flatnonzero(cells == value)) for value in distinct]
    edges = np.unique(np.quantile(present, [0.0, 0.25, 0.5, 0.75, 1.0]))
    parts = []
    for i, (low, high) in enumerate(itertools.pairwise(edges)):
        last = i == len(edges) - 2
        inside = (cells >= low) & ((cells <= high) if last else (cells < high))
        parts.append(Part(by, f"{low:g} to {high:g}", np.flatnonzero(inside)))
    return parts


def measure_slices(
    parts: Sequence[Part], metrics: Sequence[Metric], answers: Answers, min_rows: int = MIN_ROWS
) -> list[SliceScore]:
    """Metrics on each slice; those that are not defined are left out."""
    scores = []
    for part in parts:
        taken = answers.take(part.rows)
        values = {str(metric): measure(metric, taken) for metric in metrics}
        defined = {name: value for name, value in values.items() if not np.isnan(value)}
        scores.append(
            SliceScore(
                by=part.by, level=part.level, rows=len(part.rows), judged=len(part.rows) >= min_rows, scores=defined
            )
        )
    return scores


def told(score: SliceScore, metric: Metric) -> str:
    """One slice in a sentence."""
    value = score.scores.get(str(metric), float("nan"))
    return f"{score.by}={score.level}: {metric} {four_digits(value)} on {score.rows} rows"
