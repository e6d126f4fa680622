"""One request and its answer: the object, ids and parameters."""

from __future__ import annotations

from math import prod
from typing import Any

from tests.conformance.example import DATATYPES, FLOATS, INTEGERS, flat
from tests.conformance.requirement import demand, may, must
from tests.conformance.subject import Subject


@must("infer.object", "REST, Inference Response object", "A request that is right is answered with 200 and model_name.")
def response(subject: Subject) -> None:
    document = subject.answered(subject.example.request())
    demand(document.get("model_name") == subject.model, f"model_name: got {document.get('model_name')!r}")


@must("infer.outputs", "REST, Inference Response: outputs", "Outputs are tensors with name, shape, datatype and data.")
def tensors(subject: Subject) -> None:
    for output in subject.outputs(subject.example.request()).values():
        demand(isinstance(output.get("name"), str), f"name: expected a text, got {output.get('name')!r}")
        demand(output.get("datatype") in DATATYPES, f"datatype: got {output.get('datatype')!r}")
        shape = output.get("shape")
        demand(isinstance(shape, list) and all(type(size) is int for size in shape), f"shape: got {shape!r}")
        demand(isinstance(output.get("data"), list), f"data: expected a list, got {str(output.get('data'))[:60]}")


@must("infer.count", "REST, Tensor Data", "A tensor has as many elements as its shape means.")
def count(subject: Subject) -> None:
    for name, output in subject.usual.items():
        found = len(flat(output["data"]))
        demand(found == prod(output["shape"]), f"{name}: shape {output['shape']}, and {found} elements")


def _is_of(datatype: str, value: Any) -> bool:
    if datatype == "BYTES":
        return isinstance(value, str)
    if datatype == "BOOL":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) if datatype in INTEGERS else datatype in FLOATS and isinstance(value, int | float)


@must("infer.elements", "REST, Tensor Data Types", "Elements of an answer are of the datatype that it names.")
def elements(subject: Subject) -> None:
    for name, output in subject.usual.items():
        for value in flat(output["data"]):
            demand(_is_of(output["datatype"], value), f"{name}: {value!r} is no {output['datatype']}")


@must("infer.batch", "REST, Request Input: shape", "The shape is of the whole batch: each of its rows has an answer.")
def batch(subject: Subject) -> None:
    for name, output in subject.usual.items():
        rows = output["shape"][0] if output["shape"] else None
        demand(rows == subject.example.rows, f"{name}: {subject.example.rows} rows were sent, {rows} came back")


@may("infer.same_again", "REST, Inference", "The same request has the same answer.")
def same_again(subject: Subject) -> None:
    again = subject.outputs(subject.example.request())
    demand(again == subject.usual, "the second answer differs from the first")


@must("infer.id", "REST, Inference Request: id", "The id of a request comes back in its answer.")
def identity(subject: Subject) -> None:
    for wanted in ("42", "a-9f8e7d6c"):
        got = subject.answered(subject.example.request(id=wanted)).get("id")
        demand(got == wanted, f"sent the id {wanted!r}, got {got!r}")


@must("infer.no_id", "REST, Inference Request: id", "An id is optional; one that the server makes up is a text.")
def no_identity(subject: Subject) -> None:
    document = subject.answered(subject.example.request())
    demand("id" not in document or isinstance(document["id"], str), f"id: got {document.get('id')!r}")


@must("infer.parameters", "REST, Parameters", "Requests, inputs and outputs may carry an object of parameters.")
def parameters(subject: Subject) -> None:
    request = subject.example.request(parameters={})
    for tensor in request["inputs"]:
        tensor["parameters"] = {**tensor.get("parameters", {})}
    request["outputs"] = [{"name": name, "parameters": {}} for name in subject.usual]
    subject.answered(request)


@may("infer.unknown_parameters", "REST, Parameters", "Parameters that a server does not know do not disturb it.")
def unknown_parameters(subject: Subject) -> None:
    more = {"conformance_text": "a", "conformance_number": 1, "conformance_truth": True}
    request = subject.example.request(parameters=more)
    for tensor in request["inputs"]:
        tensor["parameters"] = {**tensor.get("parameters", {}), **more}
    subject.answered(request)


@may("infer.json", "RFC 9110, 8.3", "The answer says that it is JSON.")
def content_type(subject: Subject) -> None:
    kind = subject.infer(subject.example.request()).headers.get("content-type", "")
    demand(kind.startswith("application/json"), f"content-type: got {kind!r}")
