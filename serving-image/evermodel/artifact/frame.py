"""Rows as the model takes them: one place that says what a cell is, for training, serving and monitoring alike.

A frame has the signature's columns in their order: numbers are float64 with NaN for a missing value, categories are
`str` with None or NaN for a missing value (pandas decides which; `isna` knows both).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from evermodel.artifact.cells import category_text, category_values
from evermodel.artifact.golden import Cell
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.errors import DataError

__all__ = ["category_text", "estimator_frame", "frame_from_rows", "model_frame"]


def _number_values(column: ColumnSignature, values: Sequence[Cell]) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        wrong = next((i, v) for i, v in enumerate(values) if isinstance(v, str) or not _is_number(v))
    raise DataError(
        "NumberExpected",
        f"row {wrong[0]}, column {column.name!r}: expected a number, got {wrong[1]!r}; "
        "give a number, or null where it is missing",
    )


def _is_number(value: Cell) -> bool:
    return value is None or isinstance(value, int | float)


def frame_from_rows(signature: Signature, rows: Sequence[Sequence[Cell]]) -> pd.DataFrame:
    """Rows of JSON cells, in the signature's column order, as the frame that `predict` takes.

    None is a missing value; a category may be given as text, number or boolean.

    Raises:
        DataError: `RowShape` when a row has another number of values than the signature has columns, `NumberExpected`
            when a column of numbers holds something else.
    """
    width = len(signature.columns)
    for i, row in enumerate(rows):
        if len(row) != width:
            names = ", ".join(signature.names)
            raise DataError("RowShape", f"row {i}: expected {width} values ({names}), got {len(row)}")
    columns = list(zip(*rows, strict=True)) if rows else [()] * width
    series: dict[str, Any] = {}
    for column, values in zip(signature.columns, columns, strict=True):
        if column.kind == "number":
            series[column.name] = _number_values(column, values)
        else:
            series[column.name] = _object_array(category_values(values))
    return pd.DataFrame(series, index=pd.RangeIndex(len(rows)))


def model_frame(signature: Signature, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of raw columns (any order, more columns, any types) as the frame that `predict` takes.

    Raises:
        DataError: `ColumnMissing` when the frame lacks a column of the signature, `NumberExpected` as above.
    """
    missing = [name for name in signature.names if name not in frame.columns]
    if missing:
        there = ", ".join(map(str, frame.columns))
        raise DataError("ColumnMissing", f"the data lacks the column(s) {', '.join(missing)}; it has {there}")
    series: dict[str, Any] = {}
    for column in signature.columns:
        raw = frame[column.name]
        if column.kind == "number":
            series[column.name] = _number_series(column, raw)
        else:
            series[column.name] = _object_array(category_values(raw.tolist()))
    return pd.DataFrame(series, index=frame.index)


def _number_series(column: ColumnSignature, raw: "pd.Series[Any]") -> np.ndarray[Any, np.dtype[np.float64]]:
    if pd.api.types.is_numeric_dtype(raw.dtype):
        return raw.to_numpy(dtype=np.float64, na_value=np.nan)
    return _number_values(column, [None if pd.isna(value) else value for value in raw.tolist()])


def estimator_frame(signature: Signature, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with NaN for every missing category: what scikit-learn's imputers and encoders know as missing."""
    ordered = frame[signature.names]
    categories = [column.name for column in signature.columns if column.kind == "category"]
    if not categories or not (gaps := ordered[categories].isna()).to_numpy().any():
        return ordered
    filled = ordered.copy(deep=False)
    for name in categories:
        if gaps[name].any():
            filled[name] = ordered[name].where(~gaps[name], np.nan)
    return filled


def _object_array(values: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.object_]]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
