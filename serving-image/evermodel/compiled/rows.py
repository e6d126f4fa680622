"""Rows as a program takes them: one matrix of numbers and codes, and the texts of categories and dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.cells import UNSEEN, category_values
from evermodel.artifact.signature import Signature

Texts = Mapping[int, Sequence[str | None]]
"""For each column of categories or dates, by its place: the text of each row, None where it is missing."""


@dataclass(frozen=True)
class Rows:
    """What `Batch` holds while serving, for who does not serve."""

    values: NDArray[np.float64]
    """Shape (rows, columns): numbers, codes of levels, `UNSEEN`, NaN for missing and for dates."""
    texts: dict[int, list[str | None]]
    """As `Texts`."""

    def __len__(self) -> int:
        return len(self.values)


def rows_of_columns(signature: Signature, columns: Sequence[Sequence[Any]]) -> Rows:
    """Cells of training data or of JSON as rows.

    Args:
        signature: of the model.
        columns: the cells of each column, in the signature's order, all of the same length; None and NaN are missing.
    """
    count = len(columns[0]) if columns else 0
    values = np.empty((count, len(signature.columns)), dtype=np.float64)
    texts: dict[int, list[str | None]] = {}
    for place, (column, cells) in enumerate(zip(signature.columns, columns, strict=True)):
        if column.kind == "number":
            values[:, place] = np.array(cells, dtype=np.float64)
            continue
        own = category_values(cells)
        texts[place] = own
        if column.format is not None:
            values[:, place] = np.nan
            continue
        codes: dict[str | None, float] = {level: float(code) for code, level in enumerate(column.levels)}
        codes[None] = np.nan
        values[:, place] = [codes.get(text, UNSEEN) for text in own]
    return Rows(values, texts)
