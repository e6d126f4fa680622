"""Requests that are wrong: a status of 4xx and `{"error": string}`, whatever is wrong with them."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from tests.conformance.requirement import Level, may, must, register
from tests.conformance.subject import JSON, Subject, demand_refusal

SOURCE = "REST, Inference Response error object"
BODIES: dict[str, tuple[bytes, str]] = {
    "empty_body": (b"", "An empty body is an error."),
    "broken_json": (b'{"inputs": [', "JSON that breaks off is an error."),
    "no_json": (b"\xff\xfe\x00", "A body that is no JSON is an error."),
    "list_body": (b"[]", "A body that is no JSON object is an error."),
    "null_body": (b"null", "A body of null is an error."),
    "no_inputs": (b"{}", "Inputs are required."),
    "empty_inputs": (b'{"inputs": []}', "Inputs that hold no tensor are an error where the model needs one."),
    "inputs_no_list": (b'{"inputs": {"name": "a"}}', "Inputs are a list."),
    "input_no_object": (b'{"inputs": [1]}', "An input is an object."),
}


def _body(content: bytes, subject: Subject) -> None:
    demand_refusal(subject.infer(content), repr(content))


for _name, (_content, _sentence) in BODIES.items():
    register(f"errors.{_name}", Level.MUST, SOURCE, _sentence, partial(_body, _content))


def _without(key: str, subject: Subject) -> None:
    request = subject.example.request()
    del request["inputs"][0][key]
    demand_refusal(subject.infer(request), f"an input without {key}")


for _key in ("name", "shape", "datatype", "data"):
    register(
        f"errors.without_{_key}",
        Level.MUST,
        "REST, Request Input",
        f"An input has to have its {_key}.",
        partial(_without, _key),
    )


def _mistyped(key: str, value: Any, subject: Subject) -> None:
    demand_refusal(subject.infer(subject.example.request(**{key: value})), f"{key}: {json.dumps(value)}")


for _key, _value in (("id", 7), ("parameters", [1]), ("outputs", "predict")):
    register(
        f"errors.{_key}_mistyped",
        Level.MUST,
        "REST, Inference Request object",
        f"{_key} of another type than the protocol's is an error.",
        partial(_mistyped, _key, _value),
    )


@must("errors.unknown_model", SOURCE, "A model that is not there is an error.")
def unknown_model(subject: Subject) -> None:
    content = json.dumps(subject.example.request()).encode()
    demand_refusal(subject.ask("POST", "/v2/models/there-is-no-such-model/infer", content, JSON), "an unknown model")


@must("errors.get_infer", "RFC 9110, 15.5.6", "Inference is asked by POST: another method is the client's fault.")
def get_infer(subject: Subject) -> None:
    demand_refusal(subject.get(subject.path(end="/infer")), "GET of infer")


@may("errors.post_metadata", "RFC 9110, 15.5.6", "Metadata are asked by GET: POST is refused, as all errors are told.")
def post_metadata(subject: Subject) -> None:
    demand_refusal(subject.ask("POST", subject.path(), b"{}", JSON), "POST of metadata")


@may("errors.unknown_path", "RFC 9110, 15.5.5", "A path that is not there is told as all errors are.")
def unknown_path(subject: Subject) -> None:
    demand_refusal(subject.get("/v2/there/is/no/such/path"), "an unknown path")


@must(
    "errors.alive_after",
    "REST, Server Live",
    "A server lives on after requests that were wrong, and answers right ones.",
)
def alive_after(subject: Subject) -> None:
    for content, _ in BODIES.values():
        subject.infer(content)
    subject.answered(subject.example.request())
