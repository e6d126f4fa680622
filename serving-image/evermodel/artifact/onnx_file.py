"""A fitted model in the form of ONNX, kept only where it answers as scikit-learn does.

The graph takes one tensor of shape (rows, 1) for each column of the signature, under its name: double, or text, where
the empty text is a missing value. A classifier gives `label` (class numbers) and `probabilities`; a regressor gives
`prediction`. The bytes are canonical: equal models have equal bytes.
"""

import copy
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from onnx import TensorProto

from evermodel.artifact.frame import estimator_frame
from evermodel.artifact.onnx_convert import NotConvertibleError, add_converted
from evermodel.artifact.onnx_graph import Graph
from evermodel.artifact.onnx_model import OnnxModel, load_onnx
from evermodel.artifact.onnx_steps import Column, add_branches, add_prepare, add_steps
from evermodel.artifact.random_rows import random_rows
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel_api.training import Task

__all__ = ["PARITY", "Onnx", "OnnxModel", "export_onnx", "load_onnx", "parity"]

PARITY = 1e-5
"""Largest difference of a probability, or of a number relative to itself, at which the two forms agree."""
_TRIED = 1000
_RANDOM = 500
_SEED = 20240229


@dataclass(frozen=True)
class Onnx:
    """A model in the form of ONNX, or why there is none."""

    content: bytes | None
    """The bytes of the model; None when it has no such form."""
    refusal: str = ""
    """Why not, as a part of a sentence."""


def export_onnx(model: Any, signature: Signature, frame: pd.DataFrame) -> Onnx:
    """The model in the form of ONNX. Whether it answers alike is for `parity` to say.

    Args:
        model: a fitted Pipeline of Prepare, ColumnTransformer, selection and estimator (all but the last may lack),
            or a CalibratedClassifierCV of one.
        signature: its signature.
        frame: rows (the signature's columns) that its parts are tried on.
    """
    if dates := [column.name for column in signature.columns if column.format is not None]:
        return Onnx(None, f"it takes dates ({', '.join(dates)}), and ONNX cannot read them")
    try:
        return Onnx(_export(_flat(model), signature, estimator_frame(signature, frame.head(_TRIED))))
    except NotConvertibleError as error:
        return Onnx(None, str(error))


def _flat(model: Any) -> list[Any]:
    """The steps of the model. A calibrated pipeline becomes a pipeline with a calibrated estimator."""
    if hasattr(model, "calibrated_classifiers_"):
        if len(model.calibrated_classifiers_) != 1:
            raise NotConvertibleError("it is calibrated with one model for each fold")
        inner = model.calibrated_classifiers_[0]
        if not hasattr(inner.estimator, "steps"):
            return [model]
        outer, calibrated = copy.copy(model), copy.copy(inner)
        calibrated.estimator = inner.estimator[-1]
        outer.calibrated_classifiers_ = [calibrated]
        return [*_flat(inner.estimator)[:-1], outer]
    return [step for _, step in model.steps] if hasattr(model, "steps") else [model]


def _export(steps: list[Any], signature: Signature, rows: pd.DataFrame) -> bytes:
    graph = Graph()
    columns = {column.name: _take(graph, column) for column in signature.columns}
    estimator = steps.pop()
    if steps and type(steps[0]).__name__ == "Prepare":
        prepare = steps.pop(0)
        columns = add_prepare(graph, prepare.steps, columns)
        rows = prepare.transform(rows)
    if steps and type(steps[0]).__name__ == "ColumnTransformer":
        branches = steps.pop(0)
        tensor = add_branches(graph, branches, columns, rows)
        numbers = np.asarray(branches.transform(rows), dtype=np.float64)
    elif any(column.text for column in columns.values()):
        raise NotConvertibleError("it takes text, and has no branches that make numbers of it")
    else:
        tensor = graph.side_by_side([columns[name].tensor for name in rows.columns])
        numbers = rows.to_numpy(dtype=np.float64)
    tensor = add_steps(graph, steps, tensor, numbers)
    for step in steps:
        numbers = np.asarray(step.transform(numbers), dtype=np.float64)
    return _finish(graph, estimator, tensor, numbers, signature)


def _take(graph: Graph, column: ColumnSignature) -> Column:
    text = column.kind == "category"
    return Column(graph.take(column.name, TensorProto.STRING if text else TensorProto.DOUBLE), text)


def _finish(graph: Graph, estimator: Any, tensor: str, numbers: NDArray[np.float64], signature: Signature) -> bytes:
    metadata = {"evermodel.task": str(signature.task), "evermodel.target": signature.target}
    if signature.task is Task.REGRESSION:
        wanted = np.asarray(estimator.predict(numbers), dtype=np.float64).reshape(-1, 1)
        answers = add_converted(graph, estimator, tensor, numbers, wanted)
        column = graph.add("Reshape", answers, graph.constant(np.array([-1, 1], dtype=np.int64)))
        graph.give("prediction", column, TensorProto.DOUBLE, ["rows", 1])
        return graph.encode(metadata)
    wanted = np.asarray(estimator.predict_proba(numbers), dtype=np.float64)
    answers = add_converted(graph, estimator, tensor, numbers, wanted)
    graph.give("label", _label(graph, answers, signature.threshold), TensorProto.INT64, ["rows"])
    graph.give("probabilities", answers, TensorProto.DOUBLE, ["rows", wanted.shape[1]])
    classes = json.dumps(signature.classes, separators=(",", ":"), ensure_ascii=False)
    return graph.encode({**metadata, "evermodel.classes": classes})


def _label(graph: Graph, probabilities: str, threshold: float | None) -> str:
    if threshold is None:
        return graph.add("ArgMax", probabilities, axis=1, keepdims=0)
    second = graph.columns(probabilities, np.array([1]))
    reached = graph.add("GreaterOrEqual", second, graph.constant(np.array(threshold, dtype=np.float64)))
    return graph.cast(graph.add("Reshape", reached, graph.constant(np.array([-1], dtype=np.int64))), TensorProto.INT64)


def parity(content: bytes, model: Any, signature: Signature, frame: pd.DataFrame) -> float:
    """Largest difference of the two forms' answers to the rows and to random ones.

    Probabilities are compared as they are, numbers relative to themselves where they are above 1. Two forms within
    `PARITY` answer the same class, but where two classes are as probable as each other to the last digits. Infinite
    when one form answers a row and the other does not.

    Args:
        content: of `export_onnx`.
        model: the fitted pipeline.
        signature: its signature.
        frame: rows with the signature's columns, not empty; the first 1000 are asked.
    """
    from evermodel.artifact.build import try_missing  # noqa: PLC0415  build asks models, which load this

    tried = try_missing(model, signature, frame)
    other = load_onnx(content)
    asked = [frame.head(_TRIED), random_rows(tried, _RANDOM, _SEED)]
    return max(_largest_difference(other, model, signature, rows) for rows in asked)


def _largest_difference(other: OnnxModel, model: Any, signature: Signature, frame: pd.DataFrame) -> float:
    from evermodel.artifact.model import answer  # noqa: PLC0415  it loads models of this form

    here, probabilities = answer(model, signature, frame)
    there, other_probabilities = answer(other, signature, frame)
    if probabilities is not None and other_probabilities is not None:
        here, there = probabilities, other_probabilities
    if here.shape != there.shape or not np.array_equal(np.isnan(here), np.isnan(there)):
        return float("inf")
    return float(np.nanmax(np.abs(here - there) / np.maximum(1.0, np.abs(here)), initial=0.0))
