"""The Open Inference Protocol v2 over REST: one tensor with a row for each instance, or one input for each column."""

from typing import Any

import numpy as np
import orjson

from evermodel.artifact.signature import ClassLabel, Signature
from evermodel.serving.check import (
    Columns,
    check_column,
    check_row_count,
    columns_from_rows,
    list_names,
    name_difference,
    show,
)
from evermodel.serving.faults import BadRequestError
from evermodel.serving.limits import STANDARD
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.tensor import Tensor, parse_tensor, rows_of

PREDICT = "predict"
"""Output with the answers."""
PREDICT_PROBA = "predict_proba"
"""Output with the probability of each class."""


def parse(document: dict[str, Any], signature: Signature, limit: int = STANDARD.rows) -> Question:
    """Read the body of an infer request; `limit` is how many rows there may be.

    Raises:
        BadRequestError: what is wrong and where.
        TooLargeError: too many rows.
    """
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise BadRequestError(f'the body needs "inputs", a list with at least one tensor, got {show(inputs)}')
    tensors = [parse_tensor(item, position) for position, item in enumerate(inputs)]
    outputs = _requested_outputs(document.get("outputs"), signature)
    return Question(_columns(tensors, signature, limit), outputs)


def _columns(tensors: list[Tensor], signature: Signature, limit: int) -> Columns:
    if len(tensors) == 1 and (len(tensors[0].shape) > 1 or tensors[0].name not in signature.names):
        return _from_one_tensor(tensors[0], signature, limit)
    return _from_one_input_per_column(tensors, signature, limit)


def _from_one_tensor(tensor: Tensor, signature: Signature, limit: int) -> Columns:
    width = len(signature.columns)
    fits = len(tensor.shape) == 2 and tensor.shape[1] == width
    if not fits and not (width == 1 and len(tensor.shape) == 1):
        raise BadRequestError(
            f"input {show(tensor.name)}: expected the shape [rows, {width}] ({list_names(signature.names)}),"
            f" got {list(tensor.shape)}"
        )
    check_row_count(tensor.shape[0], limit)
    return columns_from_rows(signature, rows_of(tensor, width), text=tensor.datatype == "BYTES", limit=limit)


def _from_one_input_per_column(tensors: list[Tensor], signature: Signature, limit: int) -> Columns:
    names = [tensor.name for tensor in tensors]
    if len(set(names)) != len(names):
        raise BadRequestError(f"inputs: {show(next(n for n in names if names.count(n) > 1))} is there twice")
    if set(names) != set(signature.names):
        raise BadRequestError(f"inputs: {name_difference(signature.names, names)}")
    rows = tensors[0].shape[0]
    for tensor in tensors:
        if tensor.shape not in ((rows,), (rows, 1)):
            raise BadRequestError(
                f"input {show(tensor.name)}: expected the shape [{rows}] or [{rows}, 1] as in"
                f" {show(names[0])}, got {list(tensor.shape)}"
            )
    check_row_count(rows, limit)
    by_name = {tensor.name: tensor for tensor in tensors}
    return [
        check_column(column, by_name[column.name].data, text=by_name[column.name].datatype == "BYTES")
        for column in signature.columns
    ]


def output_names(signature: Signature) -> tuple[str, ...]:
    """Names of what the model can answer."""
    return (PREDICT, PREDICT_PROBA) if signature.classes else (PREDICT,)


def _requested_outputs(outputs: object, signature: Signature) -> tuple[str, ...] | None:
    if outputs is None or outputs == []:
        return None
    if not isinstance(outputs, list):
        raise BadRequestError(f"outputs: expected a list of objects with a name, got {show(outputs)}")
    known = output_names(signature)
    names: list[str] = []
    for position, output in enumerate(outputs):
        name = output.get("name") if isinstance(output, dict) else None
        if not isinstance(name, str) or name not in known:
            raise BadRequestError(f'outputs[{position}]: "name" must be one of {", ".join(known)}, got {show(output)}')
        names.append(name)
    return tuple(dict.fromkeys(names))


def label_datatype(classes: list[ClassLabel]) -> str:
    """Datatype of the output `predict`: that of the classes (text where they have several), FP64 for a regression."""
    types = {type(label) for label in classes}
    if not types or (types <= {float, int} and float in types):
        return "FP64"
    return {bool: "BOOL", int: "INT64"}.get(types.pop(), "BYTES") if len(types) == 1 else "BYTES"


def format_answers(answers: Answers, signature: Signature, outputs: tuple[str, ...] | None) -> bytes:
    """The body of an answer, with the outputs that were asked for, in that order."""
    names = outputs or output_names(signature)
    document = {
        "model_name": answers.model,
        "model_version": answers.version,
        "id": answers.id,
        "outputs": [_output(name, answers, signature) for name in names],
    }
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _output(name: str, answers: Answers, signature: Signature) -> dict[str, Any]:
    if name == PREDICT_PROBA and answers.probabilities is not None:
        flat = np.ascontiguousarray(answers.probabilities).ravel()
        return {"name": name, "datatype": "FP64", "shape": list(answers.probabilities.shape), "data": flat}
    datatype = label_datatype(signature.classes)
    data = [str(label) for label in answers.labels] if datatype == "BYTES" else answers.labels
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data}


def model_metadata(model: str, versions: list[str], signature: Signature, properties: dict[str, str]) -> dict[str, Any]:
    """Metadata of a model: its inputs are the signature's columns; -1 stands for any number of rows."""
    inputs = [
        {"name": column.name, "datatype": column.datatype, "shape": [-1], "parameters": {"content_type": "pd"}}
        for column in signature.columns
    ]
    outputs: list[dict[str, Any]] = [{"name": PREDICT, "datatype": label_datatype(signature.classes), "shape": [-1]}]
    if signature.classes:
        outputs.append({"name": PREDICT_PROBA, "datatype": "FP64", "shape": [-1, len(signature.classes)]})
    return {
        "name": model,
        "versions": versions,
        "platform": "evermodel_sklearn",
        "inputs": inputs,
        "outputs": outputs,
        "properties": properties,
    }
