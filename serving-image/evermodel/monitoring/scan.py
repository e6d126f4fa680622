"""One pass over a window's columns: each is read once, asked everything, and let go."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.baseline import Baseline, CategoryProfile, NumberProfile
from evermodel.artifact.matrix import level_places
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.drift import ColumnDrift, compare_column
from evermodel.monitoring.quality import Hashes, QualityCheck, add_to_hashes, check_column, check_duplicates
from evermodel.monitoring.window import Column, Columns, Window, grouped
from evermodel_api.monitor import MonitorSpec

_WORTH_THREADS = 200_000
"""With fewer cells threads cost more than they spare."""
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the columns of a window show one by one."""

    columns: list[ColumnDrift] = field(default_factory=list)
    quality: list[QualityCheck] = field(default_factory=list)
    places: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """Which rows are in `cells`."""
    cells: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """Of some rows spread evenly over the window, column by column, as `artifact.matrix` has them."""


def scan(spec: MonitorSpec, baseline: Baseline, window: Window, whole_rows: int = 0) -> Scanned:
    """Compare and check every column, and keep so many whole rows; the window has at least one row."""
    places = np.linspace(0, window.rows - 1, min(whole_rows, window.rows)).round().astype(np.intp)
    cells: dict[str, NDArray[np.float64]] = {}
    compared: list[ColumnDrift] = []
    checked: list[QualityCheck] = []
    hashes: Hashes | None = None
    repeats = spec.quality is not None and spec.quality.duplicates is not None
    with _threads(window.rows * len(window.columns)) as pool:
        for group in grouped(window.columns):
            for drift, checks in _each(pool, spec, baseline, window.rows, group):
                compared.extend([drift] if drift else [])
                checked.extend(checks)
            if places.size:
                cells.update(_cells(baseline, places, group))
            if repeats:
                hashes = add_to_hashes(hashes, group.values())
    checked.extend(check_duplicates(spec.quality, baseline, hashes))
    return Scanned(compared, checked, places, cells)


def _cells(baseline: Baseline, places: NDArray[np.intp], group: Columns) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for name, column in group.items():
        profile = baseline.columns.get(name)
        if isinstance(column, NumberColumn) and isinstance(profile, NumberProfile):
            yield name, column.values[places]
        elif isinstance(column, CategoryColumn) and isinstance(profile, CategoryProfile):
            yield name, level_places(profile, [*column.levels, None])[column.codes[places]]


@contextmanager
def _threads(cells: int) -> Iterator[ThreadPoolExecutor | None]:
    """Threads, where they are worth it: numpy sorts without Python's lock."""
    cores = min(len(os.sched_getaffinity(0)), _THREADS)
    if cores < 2 or cells < _WORTH_THREADS:
        yield None
        return
    with ThreadPoolExecutor(cores) as pool:
        yield pool


def _each(
    pool: ThreadPoolExecutor | None, spec: MonitorSpec, baseline: Baseline, rows: int, group: Columns
) -> Iterator[tuple[ColumnDrift | None, list[QualityCheck]]]:
    def look(item: tuple[str, Column]) -> tuple[ColumnDrift | None, list[QualityCheck]]:
        name, column = item
        drift = compare_column(spec.drift, baseline, name, column) if spec.drift else None
        return drift, check_column(spec.quality, baseline, name, column, rows)

    return pool.map(look, group.items()) if pool else map(look, group.items())
