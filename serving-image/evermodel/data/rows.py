"""Cleaning that drops or merges rows. Training only: a served model never drops a row."""

from collections.abc import Sequence

import pandas as pd

from evermodel.errors import DataError, SpecError
from evermodel_api.training import Dedupe, DropMissing, RowStep


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
    """The rows that are left after all steps, in their order, with a new index.

    Raises:
        SpecError: `ColumnMissing`.
        DataError: `NoRows` when the source gave no rows or the steps left none; `MixedTypes` when the column that
            orders equal rows cannot be ordered.
    """
    if frame.empty:
        raise DataError("NoRows", "the source gave no rows; check its query or its file")
    before = len(frame)
    for i, step in enumerate(steps):
        if step.dedupe is not None:
            frame = _dedupe(frame, step.dedupe, f"data.rows[{i}].dedupe")
        if step.drop_missing is not None:
            frame = _drop_missing(frame, step.drop_missing, f"data.rows[{i}].dropMissing")
        if frame.empty:
            raise DataError("NoRows", f"data.rows[{i}] left none of {before} rows; check its columns or give more rows")
    return frame.reset_index(drop=True)


def _dedupe(frame: pd.DataFrame, step: Dedupe, where: str) -> pd.DataFrame:
    require_columns(frame, [*step.keys, *([step.by] if step.by else [])], where)
    ordered = frame
    if step.by:
        try:
            ordered = frame.sort_values(step.by, kind="stable", na_position="first")
        except TypeError as error:
            raise DataError(
                "MixedTypes", f"{where}.by: the column {step.by!r} cannot be ordered ({error}); give it one type"
            ) from error
    try:
        kept = ordered.drop_duplicates(step.keys, keep=step.keep)
    except TypeError as error:  # lists and the like
        raise DataError(
            "MixedTypes", f"{where}.keys: {', '.join(step.keys)} cannot be compared ({error}); name other columns"
        ) from error
    return frame.loc[kept.index.sort_values()]


def _drop_missing(frame: pd.DataFrame, step: DropMissing, where: str) -> pd.DataFrame:
    require_columns(frame, step.columns, where)
    return frame.dropna(subset=list(step.columns))
