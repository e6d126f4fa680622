"""The documents of an artifact, made from training rows and test rows. No time, host or run is in any of them."""

import importlib.metadata
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from evermodel.artifact.golden import Cell, Golden
from evermodel.artifact.model import Predictions, answer
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel_api import __version__

MAX_GOLDEN_ROWS = 20
MAX_LEVELS = 1000
_LIBRARIES = (
    "imbalanced-learn",
    "lightgbm",
    "numpy",
    "optuna",
    "pandas",
    "scikit-learn",
    "scipy",
    "skops",
    "xgboost-cpu",
)
_SINGLE_PRECISION = 1e-6
"""XGBoost adds single-precision numbers, which another processor may round otherwise."""


def column_signature(
    name: str, kind: str, datatype: str, cells: "pd.Series[Any] | np.ndarray[Any, Any]"
) -> ColumnSignature:
    """What is known of a column. `cells` are canonical: float64 with NaN, or `str` with None."""
    cells = pd.Series(cells)
    known: dict[str, Any] = {"name": name, "kind": kind, "datatype": datatype, "missing": bool(cells.isna().any())}
    if kind == "moment":
        return ColumnSignature(**{**known, "kind": "category", "format": "date-time"})
    if kind == "category":
        return ColumnSignature(**known, levels=sorted(cells.dropna().unique())[:MAX_LEVELS])
    if not cells.notna().any():
        return ColumnSignature(**known)
    return ColumnSignature(**known, min=float(cells.min()), max=float(cells.max()))


def try_missing(model: Any, signature: Signature, frame: pd.DataFrame) -> Signature:
    """The signature, with what the model does when a value is missing: every column is tried on the first row."""
    gaps = _with_gaps(signature, frame.head(1))
    # Most models take all of them: then one question is enough.
    all_taken = _answers(model, signature, gaps)
    columns = [
        column.model_copy(update={"takes_missing": all_taken or _answers(model, signature, gaps.iloc[[i]])})
        for i, column in enumerate(signature.columns)
    ]
    return signature.model_copy(update={"columns": columns})


def _with_gaps(signature: Signature, row: pd.DataFrame) -> pd.DataFrame:
    """The row once for each column, which is missing there."""
    count = len(signature.columns)
    rows = pd.concat([row[signature.names]] * count, ignore_index=True)
    for i, column in enumerate(signature.columns):
        rows.loc[i, column.name] = np.nan if column.kind == "number" else None
    return rows


def _answers(model: Any, signature: Signature, rows: pd.DataFrame) -> bool:
    try:
        answer(model, signature, rows)
    except (ValueError, TypeError):
        return False
    return True


def build_golden(signature: Signature, frame: pd.DataFrame, predictions: Predictions, estimator: str) -> Golden:
    """Golden rows: the first test rows (`frame` has the signature's columns) with the answers to them."""
    rows = [list(row) for row in frame.head(MAX_GOLDEN_ROWS).itertuples(index=False, name=None)]
    probabilities = predictions.probabilities
    document: dict[str, Any] = {
        "rows": [_json_row(signature, row) for row in rows],
        "predictions": predictions.labels[:MAX_GOLDEN_ROWS],
        "probabilities": [] if probabilities is None else probabilities[:MAX_GOLDEN_ROWS].tolist(),
    }
    return Golden(**document, tolerance=_SINGLE_PRECISION) if estimator.startswith("XGB") else Golden(**document)


def _json_row(signature: Signature, row: Sequence[Any]) -> list[Cell]:
    return [_json_cell(column, value) for column, value in zip(signature.columns, row, strict=True)]


def _json_cell(column: ColumnSignature, value: Any) -> Cell:
    if pd.isna(value):
        return None
    if column.datatype == "BOOL":
        return bool(value == "true")
    if column.kind == "category" and column.datatype == "BYTES":
        return str(value)
    return int(float(value)) if column.datatype == "INT64" else float(value)


def environment() -> dict[str, Any]:
    """Versions of Python and of the libraries that decide what a model is and answers.

    Of Python only 3.11 and not 3.11.2: its corrections change no model, and the same model has the same identity on a
    developer's machine and in the image.
    """
    libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "libraries": {"evermodel": __version__, **libraries},
    }
