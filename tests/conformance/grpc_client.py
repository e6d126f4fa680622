"""The protocol over gRPC. Message classes are made from `open_inference.proto` when they are first needed."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tests.conformance import raw
from tests.conformance.example import Document, Example
from tests.conformance.requirement import ViolationError, demand

PROTO = Path(__file__).with_name("open_inference.proto")
SECONDS = 20.0
_FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
SERVER_FAULTS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS)
"""Codes that blame the server."""


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    """The descriptions of messages, in a pool of their own: a server's may be loaded in this process too."""
    from grpc_tools import protoc

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "set")
        told = ["protoc", f"--proto_path={PROTO.parent}", f"--descriptor_set_out={out}", PROTO.name]
        if protoc.main(told):
            raise RuntimeError(f"{PROTO.name} cannot be compiled")
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


@cache
def message_class(name: str) -> Any:
    """The class of a message."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"inference.{name}"))


def message(kind: str, /, **fields: Any) -> Any:
    """A message of the protocol."""
    return message_class(kind)(**fields)


class RefusalError(Exception):
    """The server refused a call, with a code and a sentence."""

    def __init__(self, code: grpc.StatusCode, sentence: str) -> None:
        super().__init__(f"{code.name}: {sentence[:120]}")
        self.code, self.sentence = code, sentence


class GrpcClient:
    """Calls the service; each call ends within SECONDS."""

    def __init__(self, target: str | grpc.Channel) -> None:
        self.channel = grpc.insecure_channel(target) if isinstance(target, str) else target

    def call(self, method: str, request: Any) -> Any:
        """The answer to one call.

        Raises:
            RefusalError: the server refused it.
        """
        answer = message_class(f"{method}Response")
        path = f"/inference.GRPCInferenceService/{method}"
        ask = self.channel.unary_unary(
            path, request_serializer=lambda sent: sent.SerializeToString(), response_deserializer=answer.FromString
        )
        try:
            return ask(request, timeout=SECONDS)
        except grpc.RpcError as error:
            raise RefusalError(error.code(), error.details() or "") from None

    def ask(self, method: str, **fields: Any) -> Any:
        """The answer to a call that has to be answered.

        Raises:
            ViolationError: it was refused.
        """
        return self.answered(method, message(f"{method}Request", **fields))

    def answered(self, method: str, request: Any) -> Any:
        """The answer to a message that has to be answered.

        Raises:
            ViolationError: it was refused.
        """
        try:
            return self.call(method, request)
        except RefusalError as refusal:
            raise ViolationError(f"{method}: {refusal}") from None

    def demand_refusal(self, method: str, request: Any, what: str) -> RefusalError:
        """The client's fault is told with a code that does not blame the server, and a sentence.

        Raises:
            ViolationError: it is not.
        """
        try:
            self.call(method, request)
        except RefusalError as refusal:
            demand(refusal.code not in SERVER_FAULTS, f"{what}: {refusal}")
            demand(refusal.code is not grpc.StatusCode.UNAVAILABLE, f"{what}: {refusal}")
            demand(refusal.sentence, f"{what}: {refusal.code.name} without a sentence")
            return refusal
        raise ViolationError(f"{what}: the server answered it")


def infer_request(example: Example, model: str, *, as_bytes: bool = False, **more: Any) -> Any:
    """The example as a message, with typed contents or with raw ones."""
    tensors = []
    for tensor in example.request()["inputs"]:
        told = {"name": tensor["name"], "datatype": tensor["datatype"], "shape": tensor["shape"]}
        made = message("ModelInferRequest.InferInputTensor", **told)
        for key, value in tensor.get("parameters", {}).items():
            made.parameters[key].string_param = str(value)
        if not as_bytes:
            values = tensor["data"] if tensor["datatype"] != "BYTES" else [text.encode() for text in tensor["data"]]
            getattr(made.contents, _FIELDS[tensor["datatype"]]).extend(values)
        tensors.append(made)
    raws = [raw.encode(tensor["datatype"], tensor["data"]) for tensor in example.inputs] if as_bytes else []
    return message("ModelInferRequest", model_name=model, inputs=tensors, raw_input_contents=raws, **more)


def outputs_of(answer: Any) -> dict[str, Document]:
    """The outputs of an answer by name, as they would be in JSON, with flat data."""
    found = {}
    for place, output in enumerate(answer.outputs):
        if answer.raw_output_contents:
            demand(len(answer.raw_output_contents) == len(answer.outputs), "not each output has its raw contents")
            demand(not output.contents.ByteSize(), f"{output.name}: raw and typed contents in one answer")
            data = raw.decode(output.datatype, answer.raw_output_contents[place])
        else:
            data = list(getattr(output.contents, _FIELDS[output.datatype]))
            data = [value.decode() if isinstance(value, bytes) else value for value in data]
        told = {"name": output.name, "datatype": output.datatype, "shape": list(output.shape), "data": data}
        found[output.name] = told
    return found
