"""Answers for windows that hold none: the model itself is asked. Loads it, and its libraries, on first use only."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evermodel.artifact.signature import Signature
from evermodel.errors import DataError
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.window import Column, read_columns


class Predictor:
    """Asks the model of an artifact."""

    def __init__(self, uri: str, digest: str | None, signature: Signature) -> None:
        self._uri = uri
        self._digest = digest
        self._signature = signature
        self._loaded: Any = None

    def __call__(self, table: pa.Table) -> tuple[list[Any], NDArray[np.float64] | None]:
        """Answers to the rows, and for a classifier the probabilities, shape (rows, classes).

        Raises:
            DataError: `WindowColumnsMissing`, `PredictionFailed`, or why the artifact cannot be loaded.
        """
        import pandas as pd  # noqa: PLC0415  only here, for its import takes longer than the evaluation

        from evermodel.artifact.model import load_artifact, predict  # noqa: PLC0415

        columns = read_columns(table, self._signature.columns)
        if missing := [name for name in self._signature.names if name not in columns]:
            message = (
                f"the model cannot be asked without {', '.join(missing)}; add the columns, or one named 'prediction'"
            )
            raise DataError("WindowColumnsMissing", message)
        if self._loaded is None:
            self._loaded = load_artifact(self._uri, self._digest)
        frame = pd.DataFrame({name: _cells(columns[name]) for name in self._signature.names})
        try:
            answers = predict(self._loaded, frame)
        except ValueError as error:
            message = (
                f"the model cannot answer the window's rows: {str(error).splitlines()[0]}; mend the window's columns"
            )
            raise DataError("PredictionFailed", message) from error
        return list(answers.labels), answers.probabilities


def _cells(column: Column) -> NDArray[Any]:
    """One cell a row as the model takes it; an infinity, which no request can carry, counts as missing."""
    if isinstance(column, NumberColumn):
        return np.where(np.isinf(column.values), np.nan, column.values)
    return _texts(column)


def _texts(column: CategoryColumn) -> NDArray[np.object_]:
    texts = np.empty(len(column.levels) + 1, dtype=object)
    texts[:-1] = column.levels
    return texts[column.codes]
