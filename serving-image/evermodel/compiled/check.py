"""Rows with scikit-learn's answers to them, kept beside a program, which must give the same where it serves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.decision import class_numbers
from evermodel.compiled.model import Arrays, DamagedError, Header, take
from evermodel.compiled.program import Program
from evermodel.compiled.rows import Rows


@dataclass(frozen=True)
class Check:
    """Rows and answers."""

    rows: Rows
    answers: NDArray[np.float64]
    """Shape (rows,) or (rows, classes), as `Program.predict`."""
    tolerance: float
    """Largest difference of a number that counts as equal: absolute, and relative above 1."""

    def difference(self, program: Program) -> float:
        """Largest difference of the program's answers to those of scikit-learn; infinite where it cannot answer."""
        if not len(self.rows):
            return 0.0
        try:
            found = program.predict(self.rows.values, self.rows.texts)
        except (ValueError, LookupError):  # rows that it should answer, or texts of a column that has none
            return float("inf")
        return difference(self.answers, found)

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        texts = {str(place): list(cells) for place, cells in self.rows.texts.items()}
        return {"texts": texts, "tolerance": self.tolerance}, {"values": self.rows.values, "answers": self.answers}

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays, columns: int, outputs: int) -> "Check":
        """The check of a program that takes this many columns and gives this many numbers for a row.

        Raises:
            DamagedError: header and arrays do not fit.
        """
        values = take(arrays, "values", "f8", (None, columns))
        count = len(values)
        answers = take(arrays, "answers", "f8", (count,) if outputs == 1 else (count, outputs))
        given, tolerance = header.get("texts"), header.get("tolerance")
        if not isinstance(given, dict) or not isinstance(tolerance, float) or not 0.0 <= tolerance <= 1e-3:
            raise DamagedError("its check has no texts or no tolerance")
        texts: dict[int, list[str | None]] = {}
        for name, cells in given.items():
            is_text = isinstance(cells, list) and all(cell is None or isinstance(cell, str) for cell in cells)
            if not name.isdecimal() or int(name) >= columns or not is_text or len(cells) != count:
                raise DamagedError("the texts of its check do not fit its rows")
            texts[int(name)] = cells
        return cls(Rows(values, texts), answers, tolerance)


def difference(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Largest difference of two answers to the same rows: absolute, and relative above 1.

    Infinite where their shapes differ, or one is NaN or infinite and the other is not the same.
    """
    if wanted.shape != found.shape or not np.array_equal(np.isnan(wanted), np.isnan(found)):
        return float("inf")
    endless = ~np.isfinite(wanted) | ~np.isfinite(found)
    if not np.array_equal(wanted[endless], found[endless], equal_nan=True):
        return float("inf")
    here, there = wanted[~endless], found[~endless]
    return float(np.max(np.abs(here - there) / np.maximum(1.0, np.abs(here)), initial=0.0))


def same_classes(wanted: NDArray[np.float64], found: NDArray[np.float64], threshold: float | None) -> bool:
    """Whether two tables of probabilities answer the same classes."""
    return np.array_equal(class_numbers(wanted, threshold), class_numbers(found, threshold))
