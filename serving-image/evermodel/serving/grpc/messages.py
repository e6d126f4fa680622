"""Messages of the Open Inference Protocol: what they ask as a `Question`, and answers as they are sent.

The elements of a tensor are typed (a field for each datatype) or raw (the bytes of `protocol/binary.py`), for all
inputs of a request alike. Outputs are raw where the inputs were.
"""

from collections.abc import Mapping
from math import prod
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message

from evermodel.artifact.signature import Signature
from evermodel.serving.check import show
from evermodel.serving.exchange import Reply
from evermodel.serving.faults import BadRequestError
from evermodel.serving.forms import Form
from evermodel.serving.grpc.open_inference_pb2 import (
    InferParameter,
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
    ModelMetadataResponse,
)
from evermodel.serving.protocol import v2
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.binary import Data, decode, encode, texts_of
from evermodel.serving.protocol.body import read_id
from evermodel.serving.protocol.parameters import Parameters, content_type, read_parameters
from evermodel.serving.protocol.reasons import read_coverages
from evermodel.serving.protocol.tensor import DATATYPES, Tensor, interpret, read_shape, unknown_datatype

MessageT = TypeVar("MessageT", bound=Message)

CONTENT_TYPE = b"application/grpc"
_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""The field of each datatype. FP16 has none."""


def write_message(message: Message) -> bytes:
    """A message as it is sent."""
    content: bytes = message.SerializeToString()
    return content


def read_message(kind: type[MessageT], content: bytes) -> MessageT:
    """The message in bytes.

    Raises:
        BadRequestError: they are none.
    """
    message = kind()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise BadRequestError(f"the message is no {message.DESCRIPTOR.full_name}: {error}") from None
    return message  # type: ignore[no-any-return]  # protobuf has no types


def form_of_message(message: ModelInferRequest) -> Form:
    """The form of one request: its rows are read from the message, and its answer is written as one."""
    raw = bool(message.raw_input_contents)
    return Form(
        read=lambda _route, _headers, _body, signature, limit: read_question(message, signature, limit),
        write=lambda answers, signature, question: Reply(
            write_answers(answers, signature, question, raw=raw), CONTENT_TYPE
        ),
    )


def read_question(message: ModelInferRequest, signature: Signature, limit: int) -> tuple[Question, str | None]:
    """What a request asks, and its id.

    Raises:
        BadRequestError: what is wrong and where.
        TooLargeError: too many rows.
    """
    request_id = read_id({"id": message.id})
    kind = content_type("the request", read_parameters("the request", _values(message.parameters)))
    raw = _raw_contents(message)
    tensors = [_tensor(item, position, raw[position], kind) for position, item in enumerate(message.inputs)]
    if not tensors:
        raise BadRequestError('the request needs "inputs", at least one tensor')
    outputs = [{"name": output.name, "parameters": _values(output.parameters)} for output in message.outputs]
    for output in outputs:
        read_parameters(f"output {show(output['name'])}", output["parameters"])
    names = v2.requested_outputs(outputs, signature)
    columns = v2.columns_of(tensors, signature, limit)
    return Question(columns, names, coverages=read_coverages(outputs)), request_id


def _raw_contents(message: ModelInferRequest) -> list[bytes | None]:
    """The bytes of each input; None for each where they are typed."""
    inputs, raw = len(message.inputs), message.raw_input_contents
    if not raw:
        return [None] * inputs
    if len(raw) != inputs:
        raise BadRequestError(f"raw_input_contents: expected the bytes of each of {inputs} inputs, got {len(raw)}")
    for item in message.inputs:
        if item.HasField("contents"):
            raise BadRequestError(
                f"input {show(item.name)}: it has contents, and the request raw_input_contents; send one of them"
            )
    return list(raw)


def _values(parameters: Mapping[str, InferParameter]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, parameter in parameters.items():
        choice = parameter.WhichOneof("parameter_choice")
        found[name] = None if choice is None else getattr(parameter, choice)
    return found


def _tensor(item: ModelInferRequest.InferInputTensor, position: int, raw: bytes | None, kind: str | None) -> Tensor:
    if not item.name:
        raise BadRequestError(f'inputs[{position}]: "name" must be a text, got ""')
    where = f"input {show(item.name)}"
    parameters: Parameters = read_parameters(where, _values(item.parameters))
    shape = read_shape(where, list(item.shape))
    datatype = item.datatype
    if datatype not in DATATYPES:
        raise unknown_datatype(where, datatype)
    count = prod(shape)
    data = _typed(where, datatype, count, item.contents) if raw is None else decode(where, datatype, count, raw)
    return Tensor(item.name, shape, datatype, interpret(where, data, datatype, parameters, kind))


def _typed(where: str, datatype: str, count: int, contents: InferTensorContents) -> Data:
    name = _CONTENTS.get(datatype)
    if name is None:
        raise BadRequestError(f"{where}: {datatype} has no typed contents; send it in raw_input_contents")
    filled = [field.name for field, _ in contents.ListFields()]
    if filled not in ([], [name]):
        raise BadRequestError(f"{where}: values of {datatype} are sent as {name}, got {', '.join(filled)}")
    found = getattr(contents, name)
    if len(found) != count:
        raise BadRequestError(f"{where}: the shape means {count} values, {name} has {len(found)}")
    if datatype == "BYTES":
        return texts_of(where, found)
    if datatype == "BOOL":
        return list(found)
    return _numbers(where, datatype, found)


def _numbers(where: str, datatype: str, found: Any) -> Data:
    if datatype.startswith("FP"):
        return np.array(found, np.float64)
    values = np.array(found, np.uint64 if datatype.startswith("U") else np.int64)
    limits = np.iinfo(datatype.lower())
    outside = (values < limits.min) | (values > limits.max)
    if outside.any():
        value = int(outside.argmax())
        raise BadRequestError(f"{where}, value {value}: expected {datatype}, got {values[value]}")
    return values


def write_answers(answers: Answers, signature: Signature, question: Question, *, raw: bool) -> bytes:
    """The message that answers."""
    response = ModelInferResponse(model_name=answers.model, model_version=answers.version, id=answers.id)
    for output in v2.outputs_of(answers, signature, question.outputs):
        datatype, data = output["datatype"], output["data"]
        made = response.outputs.add(name=output["name"], datatype=datatype, shape=output["shape"])
        for name, value in output.get("parameters", {}).items():
            if isinstance(value, str):
                made.parameters[name].string_param = value
            else:
                made.parameters[name].double_param = value
        if raw:
            response.raw_output_contents.append(encode(datatype, data))
        elif datatype == "BYTES":
            made.contents.bytes_contents.extend(text.encode() for text in data)
        else:
            getattr(made.contents, _CONTENTS[datatype]).extend(data if isinstance(data, list) else data.tolist())
    return write_message(response)


def write_metadata(document: dict[str, Any]) -> bytes:
    """Metadata of a model as a message."""
    response = ModelMetadataResponse(
        name=document["name"], versions=document["versions"], platform=document["platform"]
    )
    for tensors, told in ((response.inputs, document["inputs"]), (response.outputs, document["outputs"])):
        for tensor in told:
            tensors.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
    return write_message(response)
