"""Rows drawn by chance, to see whether two forms of a model answer alike beyond the rows that were read."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact.signature import ColumnSignature, Signature


def random_rows(signature: Signature, rows: int, seed: int) -> pd.DataFrame:
    """Rows drawn from the ranges and levels of the signature, and a little beyond.

    A tenth of what may be missing is missing, a tenth of the categories were never seen, and numbers reach a tenth of
    their range further.
    """
    chance = np.random.default_rng(seed)
    columns = {column.name: _random_cells(column, rows, chance) for column in signature.columns}
    return pd.DataFrame(columns, index=pd.RangeIndex(rows))


def _random_cells(column: ColumnSignature, rows: int, chance: np.random.Generator) -> NDArray[Any]:
    gaps = (chance.random(rows) < 0.1) & column.takes_missing
    if column.kind == "number":
        low, high = column.min or 0.0, column.max or 0.0
        reach = 0.1 * (high - low) or 1.0
        numbers = chance.uniform(low - reach, high + reach, rows)
        return np.where(gaps, np.nan, np.round(numbers) if column.datatype == "INT64" else numbers)
    cells = np.empty(rows, dtype=object)
    cells[:] = [column.levels[i] if column.levels else "" for i in chance.integers(0, max(len(column.levels), 1), rows)]
    cells[chance.random(rows) < 0.1] = "a level that was never seen"
    cells[gaps] = None
    return cells
