"""What server and model say of themselves, and whether it is true."""

from __future__ import annotations

from typing import Any

from tests.conformance.example import DATATYPES, Document
from tests.conformance.requirement import NotOfferedError, demand, may, must
from tests.conformance.subject import Subject, demand_refusal, demand_version_refusal


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


@must("server metadata.object", "REST, Server Metadata object", "GET v2 tells name, version and extensions, as texts.")
def server(subject: Subject) -> None:
    answer = subject.get("/v2")
    demand(answer.status == 200, f"expected 200, got {answer.status}")
    document = answer.document
    for key in ("name", "version"):
        demand(isinstance(document.get(key), str), f"{key}: expected a text, got {document.get(key)!r}")
    demand(_is_texts(document.get("extensions")), f"extensions: expected texts, got {document.get('extensions')!r}")


@may("server metadata.slash", "REST, OpenAPI: /v2/", "The path with a slash at its end answers too, without redirect.")
def server_slash(subject: Subject) -> None:
    demand(subject.get("/v2/").status == 200, "expected 200")


@must("model metadata.object", "REST, Model Metadata object", "GET v2/models/MODEL tells name and platform.")
def model(subject: Subject) -> None:
    answer = subject.get(subject.path())
    demand(answer.status == 200, f"expected 200, got {answer.status}")
    demand(answer.document.get("name") == subject.model, f"name: expected {subject.model}")
    demand(isinstance(answer.document.get("platform"), str), f"platform: got {answer.document.get('platform')!r}")


def _check_tensors(subject: Subject, key: str) -> None:
    tensors = subject.metadata.get(key)
    demand(isinstance(tensors, list), f"{key}: expected a list, got {tensors!r}")
    for tensor in tensors or []:
        demand(isinstance(tensor.get("name"), str) and tensor["name"], f"{key}: a name is missing: {tensor}")
        demand(tensor.get("datatype") in DATATYPES, f"{key}: unknown datatype: {tensor}")
        shape = tensor.get("shape")
        sizes = isinstance(shape, list) and all(type(size) is int and size >= -1 for size in shape)
        demand(sizes, f"{key}: a shape is a list of sizes, -1 for any: {tensor}")


@must(
    "model metadata.inputs", "REST, metadata tensor", "Inputs are a list of name, datatype and shape; -1 is any size."
)
def inputs(subject: Subject) -> None:
    _check_tensors(subject, "inputs")


@must("model metadata.outputs", "REST, metadata tensor", "Outputs are a list of name, datatype and shape.")
def outputs(subject: Subject) -> None:
    _check_tensors(subject, "outputs")


@may("model metadata.filled", "REST, Model Metadata: inputs, outputs", "The lists hold what the model takes and gives.")
def filled(subject: Subject) -> None:
    for key in ("inputs", "outputs"):
        demand(subject.metadata.get(key), f"{key} is empty: a client cannot know what to send")


def _fits(told: Document, given: Document) -> bool:
    sizes = told["shape"]
    fits = len(sizes) == len(given["shape"]) and all(
        size in (-1, real) for size, real in zip(sizes, given["shape"], strict=True)
    )
    return fits and told["datatype"] == given["datatype"]


@must("model metadata.true", "REST, Model Metadata: outputs", "Answers have the names, datatypes and shapes told.")
def true(subject: Subject) -> None:
    told = {tensor["name"]: tensor for tensor in subject.metadata.get("outputs") or []}
    if not told:
        raise NotOfferedError("the model's metadata list no outputs")
    for name, given in subject.usual.items():
        demand(name in told, f"the answer has the output {name}, and the metadata do not")
        demand(_fits(told[name], given), f"{name}: told {told[name]}, given {given['datatype']} {given['shape']}")


@must("model metadata.versions", "REST, Model Metadata: versions", "Versions are texts; each has metadata at its path.")
def versions(subject: Subject) -> None:
    demand(_is_texts(subject.versions), f"versions: expected texts, got {subject.versions!r}")
    for version in subject.versions:
        demand(subject.get(subject.path(version)).status == 200, f"version {version} is listed and not there")


@must("model metadata.unknown_model", "REST, metadata error object", "An unknown model is an error with its sentence.")
def unknown_model(subject: Subject) -> None:
    demand_refusal(subject.get("/v2/models/there-is-no-such-model"), "metadata of an unknown model")


@must("model metadata.unknown_version", "REST, metadata error object", "An unknown version is an error too.")
def unknown_version(subject: Subject) -> None:
    demand_version_refusal(subject, subject.get(subject.path("987654321")), "metadata of an unknown version")
