"""The Open Inference Protocol v2 over REST: one tensor with a row for each instance, or one input for each column."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from evermodel.artifact.golden import Cell
from evermodel.artifact.signature import ClassLabel, ColumnSignature, Signature
from evermodel.serving.check import (
    Columns,
    check_column,
    check_numbers,
    check_row_count,
    columns_from_rows,
    list_names,
    name_difference,
    number_matrix,
    show,
)
from evermodel.serving.faults import BadRequestError
from evermodel.serving.limits import STANDARD
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.binary import Rest, encode
from evermodel.serving.protocol.parameters import content_type, flag, read_parameters
from evermodel.serving.protocol.reasons import REASONS, reason_output
from evermodel.serving.protocol.tensor import Tensor, parse_tensor, rows_of

PREDICT = "predict"
"""Output with the answers."""
PREDICT_PROBA = "predict_proba"
"""Output with the probability of each class."""


def parse(
    document: dict[str, Any], signature: Signature, limit: int = STANDARD.rows, rest: memoryview | None = None
) -> Question:
    """Read the body of an infer request.

    Args:
        document: its JSON.
        signature: of the model.
        limit: how many rows there may be.
        rest: the bytes behind the JSON (binary tensor data); None where the body is JSON only.

    Raises:
        BadRequestError: what is wrong and where.
        TooLargeError: too many rows.
    """
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise BadRequestError(f'the body needs "inputs", a list with at least one tensor, got {show(inputs)}')
    parameters = document.get("parameters")
    if rest is None and parameters is None:
        tensors = [parse_tensor(item, position) for position, item in enumerate(inputs)]
    else:
        kind = content_type("the request", read_parameters("the request", parameters))
        following = None if rest is None else Rest(rest)
        tensors = [parse_tensor(item, position, following, kind) for position, item in enumerate(inputs)]
        if following is not None:
            following.end()
    outputs = document.get("outputs")
    names = requested_outputs(outputs, signature)
    columns = columns_of(tensors, signature, limit)
    if names is None and parameters is None:
        return Question(columns)
    return Question(columns, names, _binary_outputs(outputs or [], names or output_names(signature), parameters))


def columns_of(tensors: list[Tensor], signature: Signature, limit: int) -> Columns | NDArray[np.float64]:
    """The columns that tensors hold: one tensor with a row for each instance, or one for each column.

    Raises:
        BadRequestError: what is wrong and where.
        TooLargeError: there are more rows than `limit`.
    """
    if len(tensors) == 1 and (len(tensors[0].shape) > 1 or tensors[0].name not in signature.names):
        return _from_one_tensor(tensors[0], signature, limit)
    return _from_one_input_per_column(tensors, signature, limit)


def _from_one_tensor(tensor: Tensor, signature: Signature, limit: int) -> Columns | NDArray[np.float64]:
    width = len(signature.columns)
    fits = len(tensor.shape) == 2 and tensor.shape[1] == width
    if not fits and not (width == 1 and len(tensor.shape) == 1):
        raise BadRequestError(
            f"input {show(tensor.name)}: expected the shape [rows, {width}] ({list_names(signature.names)}),"
            f" got {list(tensor.shape)}"
        )
    check_row_count(tensor.shape[0], limit)
    if signature.takes_numbers and tensor.datatype not in {"BOOL", "BYTES"}:
        return number_matrix(signature, np.asarray(tensor.data, dtype=np.float64).reshape(-1, width))
    if isinstance(tensor.data, list):
        rows = rows_of(tensor.data, width)
        return columns_from_rows(signature, rows, text=tensor.datatype == "BYTES", limit=limit)
    table = tensor.data.reshape(-1, width)
    return [check_numbers(column, table[:, place]) for place, column in enumerate(signature.columns)]


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
    return [_column(column, by_name[column.name]) for column in signature.columns]


def _column(column: ColumnSignature, tensor: Tensor) -> list[Cell]:
    if isinstance(tensor.data, list):
        return check_column(column, tensor.data, text=tensor.datatype == "BYTES")
    return check_numbers(column, tensor.data)


def output_names(signature: Signature) -> tuple[str, ...]:
    """Names of what the model answers where nothing is asked for by name."""
    return (PREDICT, PREDICT_PROBA) if signature.classes else (PREDICT,)


def requested_outputs(outputs: object, signature: Signature) -> tuple[str, ...] | None:
    """Names of the outputs that are asked for; None for all.

    Raises:
        BadRequestError: one is none of the model's.
    """
    if outputs is None or outputs == []:
        return None
    if not isinstance(outputs, list):
        raise BadRequestError(f"outputs: expected a list of objects with a name, got {show(outputs)}")
    known = (*output_names(signature), *REASONS)
    names: list[str] = []
    for position, output in enumerate(outputs):
        name = output.get("name") if isinstance(output, dict) else None
        if not isinstance(name, str) or name not in known:
            raise BadRequestError(f'outputs[{position}]: "name" must be one of {", ".join(known)}, got {show(output)}')
        names.append(name)
    return tuple(dict.fromkeys(names))


def _binary_outputs(outputs: list[Any], names: Sequence[str], parameters: object) -> frozenset[str]:
    """Which of the outputs are wanted as bytes: as they say themselves, else as the request says."""
    default = flag("the request", read_parameters("the request", parameters), "binary_data_output", default=False)
    wanted = dict.fromkeys(names, default)
    for output in outputs:
        where = f"output {show(output['name'])}"
        own = read_parameters(where, output.get("parameters"))
        wanted[output["name"]] = flag(where, own, "binary_data", default=default)
    return frozenset(name for name, binary in wanted.items() if binary)


def label_datatype(classes: list[ClassLabel]) -> str:
    """Datatype of the output `predict`: that of the classes (text where they have several), FP64 for a regression."""
    types = {type(label) for label in classes}
    if not types or (types <= {float, int} and float in types):
        return "FP64"
    return {bool: "BOOL", int: "INT64"}.get(types.pop(), "BYTES") if len(types) == 1 else "BYTES"


def outputs_of(answers: Answers, signature: Signature, outputs: tuple[str, ...] | None) -> list[dict[str, Any]]:
    """The outputs that were asked for, in that order: name, datatype, shape, and the data as a list or an array."""
    return [_output(name, answers, signature) for name in outputs or output_names(signature)]


def format_answers(answers: Answers, signature: Signature, outputs: tuple[str, ...] | None) -> bytes:
    """The body of an answer, with the outputs that were asked for, in that order."""
    return _document(answers, outputs_of(answers, signature, outputs))


def format_binary(answers: Answers, signature: Signature, question: Question) -> tuple[bytes, list[bytes]]:
    """An answer of which some outputs are bytes: its JSON, and what follows it."""
    outputs = outputs_of(answers, signature, question.outputs)
    following: list[bytes] = []
    for output in outputs:
        if output["name"] in question.binary:
            following.append(encode(output["datatype"], output.pop("data")))
            output["parameters"] = {**output.get("parameters", {}), "binary_data_size": len(following[-1])}
    return _document(answers, outputs), following


def _document(answers: Answers, outputs: list[dict[str, Any]]) -> bytes:
    document = {
        "model_name": answers.model,
        "model_version": answers.version,
        "id": answers.id,
        "outputs": outputs,
    }
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _output(name: str, answers: Answers, signature: Signature) -> dict[str, Any]:
    if reason := answers.reasons.get(name):
        return reason_output(name, reason)
    if name == PREDICT_PROBA and answers.probabilities is not None:
        flat = np.ascontiguousarray(answers.probabilities).ravel()
        return {"name": name, "datatype": "FP64", "shape": list(answers.probabilities.shape), "data": flat}
    datatype = label_datatype(signature.classes)
    data = [str(label) for label in answers.labels] if datatype == "BYTES" else answers.labels
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data}


def model_metadata(
    model: str,
    versions: list[str],
    signature: Signature,
    properties: dict[str, str],
    reasons: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Metadata of a model: its inputs are the signature's columns; -1 stands for any number of rows.

    `reasons` are outputs that it gives on request.
    """
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
        "outputs": [*outputs, *reasons],
        "properties": properties,
    }
