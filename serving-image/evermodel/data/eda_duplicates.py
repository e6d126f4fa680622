"""Rows that repeat each other, found in one pass over the columns and with eight bytes for each row."""

import numpy as np
from numpy.typing import NDArray

from evermodel.data.eda_cells import Cells

_U64 = np.uint64


class RowHashes:
    """A 64-bit number for each row that grows column by column.

    Equal rows have equal ones; others, in practice, not: among a million rows the chance of one mistake is 1 in 37
    million.
    """

    def __init__(self, rows: int) -> None:
        self._rows: NDArray[np.uint64] | None = np.zeros(rows, dtype=np.uint64)

    def add(self, cells: Cells) -> None:
        """Take in the next column. Lists and objects have no equality here: with them nothing is counted."""
        if self._rows is None:
            return
        if cells.kind == "other":
            self.stop()
            return
        if cells.kind == "category":
            bits = cells.codes.astype(np.int64).view(np.uint64)
        elif cells.kind == "empty":
            return
        else:
            bits = np.where(np.isnan(cells.numbers), np.nan, cells.numbers + 0.0).view(np.uint64)
        mixed = _mix(bits)
        mixed += self._rows * _U64(0x2545F4914F6CDD1D)
        self._rows = _mix(mixed)

    def stop(self) -> None:
        """Count nothing: a column is not taken in."""
        self._rows = None

    def duplicates(self) -> int | None:
        """Rows that repeat an earlier one; None where a column was not taken in."""
        if self._rows is None:
            return None
        ordered = np.sort(self._rows)
        return int(np.count_nonzero(ordered[1:] == ordered[:-1]))


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's last step (Steele, Lea and Flood 2014): every bit changes every other."""
    z = bits + _U64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> _U64(27))) * _U64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = z ^ (z >> _U64(31))
    return mixed
