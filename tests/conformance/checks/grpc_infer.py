"""Inference over gRPC: typed contents, raw contents, and the same answers as over REST."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.conformance.example import flat
from tests.conformance.grpc_client import infer_request, message, outputs_of
from tests.conformance.requirement import demand, must
from tests.conformance.subject import Subject

CLIENTS = 8


def _ask(subject: Subject, **more: Any) -> Any:
    return subject.rpc.answered("ModelInfer", infer_request(subject.example, subject.model, **more))


def _demand_usual(subject: Subject, answer: Any) -> None:
    got = outputs_of(answer)
    keys = ("name", "datatype", "shape")
    usual = {n: {**{k: o[k] for k in keys}, "data": flat(o["data"])} for n, o in subject.usual.items()}
    demand(got == usual, f"the answer differs from REST's: {str(got)[:100]}")


@must("gRPC infer.typed", "gRPC, InferTensorContents", "Typed contents have the answer that REST gives.")
def typed(subject: Subject) -> None:
    _demand_usual(subject, _ask(subject))


@must("gRPC infer.raw", "gRPC, raw_input_contents", "Raw contents mean the same as typed ones.")
def raw_contents(subject: Subject) -> None:
    _demand_usual(subject, _ask(subject, as_bytes=True))


@must("gRPC infer.model_name", "gRPC, ModelInferResponse", "The answer names the model.")
def model_name(subject: Subject) -> None:
    demand(_ask(subject).model_name == subject.model, "model_name is another")


@must("gRPC infer.id", "gRPC, ModelInferRequest: id", "The id of a request comes back in its answer.")
def identity(subject: Subject) -> None:
    got = _ask(subject, id="42").id
    demand(got == "42", f"sent the id 42, got {got!r}")


@must("gRPC infer.one_output", "gRPC, ModelInferRequest: outputs", "Where outputs are named, no others are answered.")
def one_output(subject: Subject) -> None:
    for name in list(subject.usual):
        wanted = [message("ModelInferRequest.InferRequestedOutputTensor", name=name)]
        got = [output.name for output in _ask(subject, outputs=wanted).outputs]
        demand(got == [name], f"asked for {name}, got {got}")


@must("gRPC infer.versions", "gRPC, ModelInferRequest: model_version", "A version that is listed answers.")
def versions(subject: Subject) -> None:
    rpc = subject.rpc
    for version in subject.versions:
        request = infer_request(subject.example, subject.model, model_version=version)
        got = rpc.answered("ModelInfer", request).model_version
        demand(got == version, f"asked version {version}, the answer names {got!r}")


@must("gRPC infer.many", "gRPC, ModelInferRequest: id", "Requests at the same time get each its own answer.")
def many(subject: Subject) -> None:
    def ask(number: int) -> None:
        got = _ask(subject, id=f"request-{number}").id
        demand(got == f"request-{number}", f"sent request-{number}, got the answer to {got!r}")

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, range(CLIENTS * 4)))


def _refused(subject: Subject, request: Any, what: str) -> None:
    subject.rpc.demand_refusal("ModelInfer", request, what)


def _request(subject: Subject, **more: Any) -> Any:
    return infer_request(subject.example, subject.model, **more)


@must("gRPC infer.mixed", "gRPC, raw_input_contents", "Raw and typed contents in one request are an error.")
def mixed(subject: Subject) -> None:
    request = _request(subject)
    request.raw_input_contents.extend(_request(subject, as_bytes=True).raw_input_contents)
    _refused(subject, request, "raw and typed contents")


@must("gRPC infer.raw_size", "gRPC, raw_input_contents", "Raw contents of another size than the shape means: an error.")
def raw_size(subject: Subject) -> None:
    request = _request(subject, as_bytes=True)
    request.raw_input_contents[0] = request.raw_input_contents[0][:-1]
    _refused(subject, request, "a byte too few")


@must("gRPC infer.raw_count", "gRPC, raw_input_contents", "Raw contents are there for each input, or it is an error.")
def raw_count(subject: Subject) -> None:
    request = _request(subject, as_bytes=True)
    request.raw_input_contents.append(b"")
    _refused(subject, request, "raw contents of an input that is not there")


@must("gRPC infer.wrong_count", "gRPC, InferTensorContents", "More elements than the shape means is an error.")
def wrong_count(subject: Subject) -> None:
    request = _request(subject)
    request.inputs[0].shape[0] += 1
    _refused(subject, request, "a shape of a row more")


@must("gRPC infer.negative_shape", "gRPC, InferInputTensor: shape", "A negative size is an error.")
def negative_shape(subject: Subject) -> None:
    request = _request(subject)
    request.inputs[0].shape[0] = -1
    _refused(subject, request, "a negative size")


@must("gRPC infer.unknown_datatype", "gRPC, InferInputTensor: datatype", "An unknown datatype is an error.")
def unknown_datatype(subject: Subject) -> None:
    request = _request(subject)
    request.inputs[0].datatype = "FP99"
    _refused(subject, request, "the datatype FP99")


@must("gRPC infer.no_inputs", "gRPC, ModelInferRequest: inputs", "A request without inputs is an error.")
def no_inputs(subject: Subject) -> None:
    _refused(subject, message("ModelInferRequest", model_name=subject.model), "no inputs")


@must("gRPC infer.unknown_output", "gRPC, status codes", "An output that the model does not have is an error.")
def unknown_output(subject: Subject) -> None:
    wanted = [message("ModelInferRequest.InferRequestedOutputTensor", name="there-is-no-such-output")]
    _refused(subject, _request(subject, outputs=wanted), "an unknown output")


@must("gRPC infer.unknown_model", "gRPC, status codes", "A model that is not there is an error.")
def unknown_model(subject: Subject) -> None:
    _refused(subject, infer_request(subject.example, "there-is-no-such-model"), "an unknown model")


@must("gRPC infer.unknown_version", "gRPC, status codes", "A version that is not there is an error.")
def unknown_version(subject: Subject) -> None:
    _refused(subject, _request(subject, model_version="987654321"), "an unknown version")
