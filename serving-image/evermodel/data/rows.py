"""Cleaning that drops or merges rows. Training only: a served model never drops a row.

Steps decide over positions and look at the columns that they name; rows are copied once, at the end, and only when some
are left out. `augment` is no cleaning: it makes rows inside each fit (`augment.py`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.errors import DataError, SpecError
from evermodel_api.training import Dedupe, DropMissing, RowStep

Positions = NDArray[np.intp]


def require_columns(frame: pd.DataFrame, names: Sequence[str], where: str) -> None:
    """Check that the data has these columns.

    Raises:
        SpecError: `ColumnMissing` naming the place in the spec, the column, and the columns there are.
    """
    for name in names:
        if name not in frame.columns:
            there = ", ".join(map(str, frame.columns)) or "none"
            raise SpecError(
                "ColumnMissing", f"{where} names the column {name!r}, which the data has not; it has {there}"
            )


def clean_rows(frame: pd.DataFrame, steps: Sequence[RowStep]) -> pd.DataFrame:
    """The rows that are left after all steps, in their order, with a new index; the frame itself when all are left.

    Raises:
        SpecError: `ColumnMissing`.
        DataError: `NoRows` when the source gave no rows or the steps left none; `MixedTypes` when the column that
            orders equal rows cannot be ordered.
    """
    if frame.empty:
        raise DataError("NoRows", "the source gave no rows; check its query or its file")
    left = np.arange(len(frame))
    for i, step in enumerate(steps):
        if step.dedupe is not None:
            left = _dedupe(frame, left, step.dedupe, f"data.rows[{i}].dedupe")
        if step.drop_missing is not None:
            left = _drop_missing(frame, left, step.drop_missing, f"data.rows[{i}].dropMissing")
        if not len(left):
            raise DataError(
                "NoRows", f"data.rows[{i}] left none of {len(frame)} rows; check its columns or give more rows"
            )
    rows = frame if len(left) == len(frame) else frame.take(left)
    return rows.set_axis(pd.RangeIndex(len(rows)), axis=0)


def _dedupe(frame: pd.DataFrame, left: Positions, step: Dedupe, where: str) -> Positions:
    require_columns(frame, [*step.keys, *([step.by] if step.by else [])], where)
    if step.by:
        left = _in_order(frame, left, step.by, where)
    try:
        if step.by:
            left = _ties_broken(frame, left, [*step.keys, step.by])
        repeated = frame[step.keys].take(left).duplicated(keep=step.keep).to_numpy()
    except TypeError as error:  # lists and the like
        raise DataError(
            "MixedTypes", f"{where}.keys: {', '.join(step.keys)} cannot be compared ({error}); name other columns"
        ) from error
    return np.sort(left[~repeated])


def _in_order(frame: pd.DataFrame, left: Positions, by: str, where: str) -> Positions:
    column = frame[by].take(left).set_axis(left, axis=0)
    try:
        return np.array(column.sort_values(kind="stable", na_position="first").index, dtype=np.intp)
    except TypeError as error:
        raise DataError(
            "MixedTypes", f"{where}.by: the column {by!r} cannot be ordered ({error}); give it one type"
        ) from error


def _ties_broken(frame: pd.DataFrame, ordered: Positions, names: list[str]) -> Positions:
    """The positions, where rows that are equal in all these columns follow the order of their content.

    Only the places that tied rows take are dealt out anew, among rows that are equal in the last column, which orders.
    """
    tied = np.flatnonzero(frame[names].take(ordered).duplicated(keep=False).to_numpy())
    if not len(tied):
        return ordered
    rows = frame.take(ordered[tied])
    ranks, _ = pd.factorize(rows[names[-1]], use_na_sentinel=False)
    broken = ordered.copy()
    broken[tied] = ordered[tied][np.lexsort((_contents(rows), ranks))]
    return broken


def _contents(rows: pd.DataFrame) -> NDArray[Any]:
    """A number for what each row holds, whatever it holds."""
    try:
        return pd.util.hash_pandas_object(rows, index=False).to_numpy()
    except TypeError:  # lists and the like: told apart by how they are written
        texts = rows.apply(lambda column: column.map(repr))
        return pd.util.hash_pandas_object(texts, index=False).to_numpy()


def _drop_missing(frame: pd.DataFrame, left: Positions, step: DropMissing, where: str) -> Positions:
    require_columns(frame, step.columns, where)
    kept = np.ones(len(left), dtype=bool)
    for name in step.columns:
        kept &= frame[name].notna().to_numpy()[left]
    return left[kept]
