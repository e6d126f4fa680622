"""Data nested and flat, shapes and datatypes."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.conformance.example import DATATYPES, FLOATS, Document, nested
from tests.conformance.requirement import Level, NotOfferedError, demand, may, must, register
from tests.conformance.subject import Subject, demand_answer_or_refusal, demand_refusal

DATA = "REST, Tensor Data"


@must("data.flat", DATA, "Data may be one list, row by row.")
def flat_data(subject: Subject) -> None:
    subject.answered(subject.example.request())


@must("data.nested", DATA, "Data may be nested by the shape, and mean the same as flat.")
def nested_data(subject: Subject) -> None:
    request = subject.example.request()
    if all(len(tensor["shape"]) < 2 for tensor in request["inputs"]):
        raise NotOfferedError("the example's tensors have one dimension: nested and flat are one form")
    for tensor in request["inputs"]:
        tensor["data"] = nested(tensor["data"], tensor["shape"])
    demand(subject.outputs(request) == subject.usual, "nested data have another answer than flat ones")


@must("data.row", "REST, Request Input: shape", "A batch of one row is answered, as that row is in a larger one.")
def one_row(subject: Subject) -> None:
    request = subject.example.request()
    for tensor in request["inputs"]:
        step = len(tensor["data"]) // tensor["shape"][0]
        tensor["shape"][0], tensor["data"] = 1, tensor["data"][:step]
    for name, output in subject.outputs(request).items():
        usual = subject.usual[name]["data"][: len(output["data"])]
        demand(output["shape"][:1] == [1], f"{name}: one row was sent, the answer's shape is {output['shape']}")
        demand(_near(output["data"], usual), f"{name}: {output['data']} alone, {usual} among others")


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_near(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-6 * max(1.0, abs(other))
    return bool(one == other)


def _changed(subject: Subject, **changes: Any) -> Document:
    request = subject.example.request()
    request["inputs"][0].update(changes)
    return request


@must("data.too_few", DATA, "Fewer elements than the shape means is an error.")
def too_few(subject: Subject) -> None:
    data = subject.example.inputs[0]["data"][:-1]
    demand_refusal(subject.infer(_changed(subject, data=data)), "an element too few")


@must("data.too_many", DATA, "More elements than the shape means is an error.")
def too_many(subject: Subject) -> None:
    data = subject.example.inputs[0]["data"]
    demand_refusal(subject.infer(_changed(subject, data=[*data, data[-1]])), "an element too many")


@must("data.negative_shape", "REST, Request Input: shape", "Sizes are unsigned: a negative one is an error.")
def negative_shape(subject: Subject) -> None:
    shape = subject.example.inputs[0]["shape"]
    demand_refusal(subject.infer(_changed(subject, shape=[-1, *shape[1:]])), "a negative size")


@must("data.fraction_in_shape", "REST, Request Input: shape", "Sizes are integers: 1.5 is an error.")
def fraction_in_shape(subject: Subject) -> None:
    shape = subject.example.inputs[0]["shape"]
    demand_refusal(subject.infer(_changed(subject, shape=[1.5, *shape[1:]])), "a size of 1.5")


@must("data.text_in_shape", "REST, Request Input: shape", "Sizes are numbers: a text is an error.")
def text_in_shape(subject: Subject) -> None:
    shape = subject.example.inputs[0]["shape"]
    demand_refusal(subject.infer(_changed(subject, shape=["a", *shape[1:]])), "a size of text")


@must(
    "data.huge_shape", "REST, Request Input: shape", "A shape far larger than its data is an error, and harms nothing."
)
def huge_shape(subject: Subject) -> None:
    shape = subject.example.inputs[0]["shape"]
    demand_refusal(subject.infer(_changed(subject, shape=[2**40, *shape[1:]])), "a size of 2**40")


@must("data.wrong_width", "RFC 9110, 15.5", "Rows of another width than the model's are the client's fault, and told.")
def wrong_width(subject: Subject) -> None:
    first, *rest = subject.example.inputs[0]["shape"]
    if not rest or len(subject.example.inputs) > 1:
        raise NotOfferedError("the example has a tensor for each column")
    width = rest[-1] + 1
    data = [subject.example.inputs[0]["data"][0]] * (first * width)
    demand_refusal(subject.infer(_changed(subject, shape=[first, width], data=data)), "a column too many")


@must("data.wrong_element", DATA, "An element that is no value at all is an error.")
def wrong_element(subject: Subject) -> None:
    data = list(subject.example.inputs[0]["data"])
    data[0] = {"an": "object"}
    demand_refusal(subject.infer(_changed(subject, data=data)), "an object as an element")


@must("data.text_as_number", DATA, "Text that is no number, in a tensor of numbers, is an error.")
def text_as_number(subject: Subject) -> None:
    if not subject.example.numeric:
        raise NotOfferedError("the example's tensors are not all of numbers")
    data = list(subject.example.inputs[0]["data"])
    data[0] = "abc"
    demand_refusal(subject.infer(_changed(subject, data=data)), "abc as a number")


@may("data.no_rows", "REST, Request Input: shape", "A batch of no rows is answered or refused, in the right form.")
def no_rows(subject: Subject) -> None:
    request = subject.example.request()
    for tensor in request["inputs"]:
        tensor["shape"][0], tensor["data"] = 0, []
    demand_answer_or_refusal(subject.infer(request), "no rows")


@must("data.unknown_datatype", "REST, Tensor Data Types", "A datatype that the protocol does not have is an error.")
def unknown_datatype(subject: Subject) -> None:
    demand_refusal(subject.infer(_changed(subject, datatype="FP99")), "the datatype FP99")


def _datatype(datatype: str, subject: Subject) -> None:
    if not subject.example.numeric:
        raise NotOfferedError("the example's tensors are not all of numbers")
    request = subject.example.request()
    for tensor in request["inputs"]:
        whole = [int(abs(value)) % 2 for value in tensor["data"]]
        as_floats = datatype in FLOATS
        made = {"BOOL": [value == 1 for value in whole], "BYTES": [str(value) for value in whole]}
        tensor["datatype"] = datatype
        tensor["data"] = made.get(datatype, [float(value) for value in whole] if as_floats else whole)
    demand_answer_or_refusal(subject.infer(request), datatype)


for _name in DATATYPES:
    register(
        f"data.{_name}",
        Level.MUST,
        "REST, Tensor Data Types",
        f"A tensor of {_name} is taken, or refused in the right form where the model cannot take it.",
        partial(_datatype, _name),
    )
