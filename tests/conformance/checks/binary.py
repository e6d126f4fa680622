"""The binary tensor data extension: tensors as bytes behind the JSON, where the server lists it."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance import raw
from tests.conformance.example import Document, flat
from tests.conformance.requirement import demand, must
from tests.conformance.subject import Answer, Subject, demand_refusal

SOURCE = "Binary tensor data extension"
EXTENSION = "binary_tensor_data"
LENGTH = "Inference-Header-Content-Length"


def _packed(request: Document) -> tuple[bytes, bytes]:
    """The JSON of a request, and the bytes of its tensors."""
    parts = []
    for tensor in request["inputs"]:
        parts.append(raw.encode(tensor["datatype"], tensor.pop("data")))
        tensor["parameters"] = {**tensor.get("parameters", {}), "binary_data_size": len(parts[-1])}
    return json.dumps(request).encode(), b"".join(parts)


def _send(subject: Subject, head: bytes, rest: bytes, length: int | None = None) -> Answer:
    headers = {"Content-Type": "application/octet-stream", LENGTH: str(len(head) if length is None else length)}
    return subject.ask("POST", subject.path(end="/infer"), head + rest, headers)


def _unpacked(answer: Answer) -> dict[str, Document]:
    """The outputs of an answer with bytes, as they would be in JSON, with flat data."""
    demand(answer.status == 200, f"expected 200, got {answer.status}: {answer.body[:120]!r}")
    length = answer.headers.get(LENGTH, "")
    demand(length.isdigit(), f"{LENGTH}: expected a number, got {length!r}")
    head = Answer(answer.status, answer.headers, answer.body[: int(length)], None).document
    place, found = int(length), {}
    for output in head["outputs"]:
        data: Any = flat(output.get("data"))
        if "data" not in output:
            size = output.get("parameters", {}).get("binary_data_size")
            demand(type(size) is int, f"{output['name']}: neither data nor binary_data_size")
            data, place = raw.decode(output["datatype"], answer.body[place : place + size]), place + size
        found[output["name"]] = _bare(output, data)
    demand(place == len(answer.body), f"{len(answer.body) - place} bytes are left in the answer")
    return found


def _bare(output: Document, data: Any) -> Document:
    return {"name": output["name"], "datatype": output["datatype"], "shape": output["shape"], "data": data}


def _usual(subject: Subject) -> dict[str, Document]:
    return {name: _bare(output, flat(output["data"])) for name, output in subject.usual.items()}


@must("binary.input", SOURCE, "Inputs as bytes mean the same as inputs in JSON.")
def binary_input(subject: Subject) -> None:
    subject.needs_extension(EXTENSION)
    answer = _send(subject, *_packed(subject.example.request()))
    demand(answer.status == 200, f"expected 200, got {answer.status}: {answer.body[:120]!r}")
    got = {output["name"]: _bare(output, flat(output["data"])) for output in answer.document["outputs"]}
    demand(got == _usual(subject), "inputs as bytes have another answer than those in JSON")


@must("binary.output", SOURCE, "Where all outputs are asked for as bytes, they come so, with the size of each.")
def binary_output(subject: Subject) -> None:
    subject.needs_extension(EXTENSION)
    answer = subject.infer(subject.example.request(parameters={"binary_data_output": True}))
    demand(_unpacked(answer) == _usual(subject), "outputs as bytes differ from those in JSON")


@must("binary.one_output", SOURCE, "A single output can be asked for as bytes.")
def one_output(subject: Subject) -> None:
    subject.needs_extension(EXTENSION)
    for name, usual in _usual(subject).items():
        wanted = [{"name": name, "parameters": {"binary_data": True}}]
        answer = subject.infer(subject.example.request(outputs=wanted))
        demand(_unpacked(answer) == {name: usual}, f"{name} as bytes differs from the one in JSON")


@must("binary.too_long", SOURCE, "A header that says more bytes than the body has is an error.")
def too_long(subject: Subject) -> None:
    subject.needs_extension(EXTENSION)
    head, rest = _packed(subject.example.request())
    demand_refusal(_send(subject, head, rest, len(head) + len(rest) + 1), "a header beyond the body")


@must("binary.too_short", SOURCE, "Fewer bytes than binary_data_size says is an error.")
def too_short(subject: Subject) -> None:
    subject.needs_extension(EXTENSION)
    head, rest = _packed(subject.example.request())
    demand_refusal(_send(subject, head, rest[:-1]), "a byte too few")


@must("binary.wrong_size", SOURCE, "A binary_data_size that does not fit shape and datatype is an error.")
def wrong_size(subject: Subject) -> None:
    subject.needs_extension(EXTENSION)
    request = subject.example.request()
    request["inputs"][0]["shape"][0] += 1
    demand_refusal(_send(subject, *_packed(request)), "a shape of more than the bytes hold")
