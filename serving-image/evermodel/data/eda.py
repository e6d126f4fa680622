"""The report on the rows of a training: what each column holds, what it says of the target, what looks wrong.

It is bounded in time and memory. Counts, means and ranges come from all rows, one column after the other; what costs
more (quantiles, relations, pairs) from at most `max_cells` cells; and when the budget is over, the remaining columns
are only summarised, and the report says so. It decides nothing: what is fitted does not depend on it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.data.eda_cells import Cells, read_cells
from evermodel.data.eda_column import look_closely, summarise
from evermodel.data.eda_document import ColumnReport, Eda, Flag, Pairs, TargetClass, TargetReport
from evermodel.data.eda_duplicates import RowHashes
from evermodel.data.eda_flags import pair_flags, row_flags, target_flags, worst_first
from evermodel.data.eda_flags_column import Seen, column_flags
from evermodel.data.eda_pairs import (
    MOST_ROWS,
    Candidate,
    candidate,
    categories_together,
    missing_together,
    numbers_together,
)
from evermodel.data.eda_statistics import Codes
from evermodel.data.eda_target import Truth, as_categories, copies, read_truth
from evermodel_api.training import Task

_LEAST_ROWS = 1000
"""So many rows are looked at closely, however many columns there are."""
_MOST_CLASSES = 100


@dataclass
class _Findings:
    """What was found column by column."""

    rows: Codes
    """Rows that are looked at closely."""
    pair_rows: Codes
    """Rows in which pairs are looked for."""
    hashes: RowHashes
    incomplete: NDArray[np.bool_]
    """Shape (all rows,): whether some value is missing."""
    missing_cells: int = 0
    columns: list[ColumnReport] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    only_summarised: list[str] = field(default_factory=list)


def explore(
    frame: pd.DataFrame,
    target: str,
    task: Task,
    *,
    budget_seconds: float,
    max_cells: int,
    now: Callable[[], float] = time.monotonic,
) -> Eda:
    """Look at the rows.

    Args:
        frame: raw columns, after cleaning.
        target: name of the column that is answered.
        task: Classification or Regression.
        budget_seconds: after so long, only what takes one look at each column is still done.
        max_cells: with more cells than this, an even choice of the rows stands for all of them in what costs most. The
            choice follows from the number of rows alone.
        now: the clock, in seconds.
    """
    end = now() + budget_seconds
    rows = chosen_rows(len(frame), max(max_cells // max(frame.shape[1], 1), _LEAST_ROWS))
    answers = read_cells(frame[target])
    truth = read_truth(target, answers, rows, task)
    found = _Findings(
        rows=rows,
        pair_rows=rows[chosen_rows(len(rows), MOST_ROWS)],
        hashes=RowHashes(len(frame)),
        incomplete=answers.absent.copy(),
        missing_cells=int(answers.absent.sum()),
    )
    found.hashes.add(answers)
    for place, name in enumerate(frame.columns):
        if name != target:
            _look(frame.iloc[:, place], str(name), truth, found, over=now() >= end, columns=frame.shape[1] - 1)
    answered = _target(target, answers, truth, rows, frame[target])
    return _report(task, len(frame), answered, found, lambda: now() >= end)


def chosen_rows(rows: int, most: int) -> Codes:
    """Which rows stand for all, in their order.

    One from each of `most` runs of equal length, at a place in it that changes from run to run, so that a pattern in
    the order of the rows is not followed.

    >>> chosen_rows(5, 9).tolist(), len(chosen_rows(1000, 9))
    ([0, 1, 2, 3, 4], 9)
    """
    if rows <= most:
        return np.arange(rows, dtype=np.intp)
    edges = (np.arange(most + 1, dtype=np.int64) * rows) // most
    widths = np.diff(edges)
    # Weyl's sequence with the golden ratio: even, and the same on every machine.
    jumps = (np.arange(most, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
    return (edges[:-1] + jumps.astype(np.int64) % widths).astype(np.intp)


def _look(raw: "pd.Series[Any]", name: str, truth: Truth, found: _Findings, *, over: bool, columns: int) -> None:
    """One column: counted always, looked at closely while there is time."""
    cells = read_cells(raw)
    report = summarise(name, raw, cells)
    found.incomplete |= cells.absent
    found.missing_cells += report.missing
    p, copy = 1.0, False
    if over:
        found.only_summarised.append(name)
        found.hashes.stop()
    else:
        found.hashes.add(cells)
        report, p = look_closely(report, cells, found.rows, truth)
        copy = copies(cells, found.rows, truth)
        strength = report.relation.strength if report.relation else 0.0
        found.candidates.append(candidate(name, strength, cells, found.pair_rows))
    found.columns.append(report)
    seen = Seen(report, cells.text_holds, copy, p, len(found.rows))
    found.flags.extend(column_flags(seen, columns))


def _target(name: str, cells: Cells, truth: Truth, rows: Codes, raw: "pd.Series[Any]") -> TargetReport:
    missing = int(cells.absent.sum())
    if truth.numbers is not None:
        report, _ = look_closely(summarise(name, raw, cells), cells, rows, truth)
        histogram = report.histogram
        if histogram is not None:
            histogram = histogram.model_copy(update={"target_means": ()})
        return TargetReport(name=name, missing=missing, numbers=report.numbers, histogram=histogram)
    classes = as_categories(cells)
    counts = classes.counts.tolist() if classes.counts is not None else []
    listed = [TargetClass(name=level, rows=n) for level, n in zip(classes.levels, counts, strict=True)]
    return TargetReport(
        name=name,
        missing=missing,
        classes=tuple(listed[:_MOST_CLASSES]),
        other_classes=max(len(listed) - _MOST_CLASSES, 0),
        drawn=truth.names[: truth.drawn],
    )


def _report(task: Task, rows: int, target: TargetReport, found: _Findings, over: Callable[[], bool]) -> Eda:
    numbers: Pairs | None = None if over() else numbers_together(found.candidates)
    gaps: Pairs | None = None if over() else missing_together(found.candidates)
    categories: Pairs | None = None if over() else categories_together(found.candidates, over)
    duplicates = None if over() else found.hashes.duplicates()
    flags = [
        *found.flags,
        *target_flags(target, task, rows),
        *row_flags(duplicates, rows),
        *pair_flags(numbers, categories),
    ]
    return Eda(
        task=str(task),
        rows=rows,
        sample_rows=len(found.rows),
        missing_cells=found.missing_cells,
        complete_rows=int((~found.incomplete).sum()),
        duplicates=duplicates,
        target=target,
        columns=tuple(found.columns),
        flags=worst_first(flags),
        numbers_together=numbers,
        categories_together=categories,
        missing_together=gaps,
        only_summarised=tuple(found.only_summarised),
        time_over=bool(found.only_summarised) or None in (numbers, gaps, categories, duplicates),
    )
