"""A model in the form of ONNX that answers as a scikit-learn one does: `predict` and `predict_proba` on a frame."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.errors import DataError

_TYPES: dict[str, type] = {
    "tensor(double)": np.float64,
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
_MISSING = ""


@cache
def _runtime() -> Any:
    import onnxruntime  # noqa: PLC0415  slow to import

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def open_session(content: bytes) -> Any:
    """An onnxruntime session with one thread that says nothing."""
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class OnnxModel:
    """Takes a frame as `estimator_frame` makes it: float64 with NaN, text with None or NaN where it is missing.

    Inputs are tensors of shape (rows, 1) by the columns' names, or one tensor of shape (rows, columns). Outputs of a
    classifier are its labels and, last, a tensor of probabilities of shape (rows, classes); of a regressor one number
    for each row, last. Labels are class numbers; `answer` takes them from the probabilities.
    """

    def __init__(self, content: bytes) -> None:
        self._session = open_session(content)
        self._inputs = self._session.get_inputs()
        for given in self._inputs:
            if given.type not in _TYPES:
                raise _invalid(f"its input {given.name!r} is a {given.type}")

    def predict(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Numbers, or class numbers, of shape (rows,)."""
        answers = self._run(frame)
        if answers.ndim == 2 and answers.shape[1] > 1:
            return np.asarray(answers.argmax(axis=1), dtype=np.float64)
        return answers.reshape(len(frame))

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Probabilities of shape (rows, classes).

        Raises:
            DataError: `ArtifactInvalid` when the model answers none.
        """
        answers = self._run(frame)
        if answers.ndim != 2 or answers.shape[1] < 2:
            raise _invalid(f"its last output has the shape {answers.shape} and is no table of probabilities")
        return answers

    def _run(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        try:
            answers = self._session.run(None, self._feeds(frame))[-1]
        except DataError:
            raise
        except Exception as error:  # onnxruntime has errors of many kinds for a model that does not fit its rows
            raise ValueError(f"the ONNX model cannot answer these rows: {' '.join(str(error).split())}") from error
        if isinstance(answers, list):  # a list of {class: probability}, as skl2onnx writes it by itself
            answers = [[row[label] for label in sorted(row)] for row in answers]
        return np.asarray(answers, dtype=np.float64)

    def _feeds(self, frame: pd.DataFrame) -> dict[str, Any]:
        if len(self._inputs) == 1 and self._inputs[0].name not in frame.columns:
            only = self._inputs[0]
            return {only.name: np.hstack([_cells(frame[name], only.type) for name in frame.columns])}
        for given in self._inputs:
            if given.name not in frame.columns:
                raise _invalid(f"it takes {given.name!r}, and the columns are {', '.join(map(str, frame.columns))}")
        return {given.name: _cells(frame[given.name], given.type) for given in self._inputs}


def _cells(column: "pd.Series[Any]", kind: str) -> NDArray[Any]:
    """A column as a tensor of shape (rows, 1)."""
    if _TYPES[kind] is np.object_:
        texts = np.where(column.isna(), _MISSING, column.astype(object).to_numpy())
        return np.asarray(texts, dtype=object).reshape(-1, 1)
    return column.to_numpy(dtype=np.float64, na_value=np.nan).astype(_TYPES[kind]).reshape(-1, 1)


def load_onnx(content: bytes) -> OnnxModel:
    """A model from the bytes of a model.onnx.

    Raises:
        DataError: `ArtifactInvalid` when the bytes are no model that can be run, or keep a part of it in other files.
    """
    from onnx import TensorProto, load_model_from_string  # noqa: PLC0415  slow to import

    try:
        model = load_model_from_string(content)
    except Exception as error:
        raise _invalid(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise _invalid("it keeps a part of itself in other files")
    try:
        return OnnxModel(content)
    except DataError:
        raise
    except Exception as error:
        raise _invalid(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error


def _invalid(what: str) -> DataError:
    return DataError("ArtifactInvalid", f"the ONNX model cannot be used: {what}; write it as docs/containers.md says")
