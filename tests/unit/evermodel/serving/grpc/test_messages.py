"""Messages of gRPC: typed and raw contents are the same question, and what is neither is refused with its place."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.serving.faults import BadRequestError
from evermodel.serving.forms import batch_of
from evermodel.serving.grpc.messages import _CONTENTS, form_of_message, read_message, read_question, write_answers
from evermodel.serving.grpc.open_inference_pb2 import ModelInferRequest, ModelInferResponse
from evermodel.serving.protocol import v2
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.binary import encode
from hack import generate
from tests.unit.evermodel.serving.protocol.test_v2 import LINE, MIXED, NUMBERS

INTEGERS = [name for name in _CONTENTS if "INT" in name]


def request(*tensors: tuple, raw=(), **more) -> ModelInferRequest:
    """A request with tensors of name, datatype, shape and contents."""
    made = ModelInferRequest(model_name="m", raw_input_contents=raw, **more)
    for name, datatype, shape, contents in tensors:
        tensor = made.inputs.add(name=name, datatype=datatype, shape=shape)
        for field, values in contents.items():
            getattr(tensor.contents, field).extend(values)
    return made


def read(message, signature=LINE, limit=100) -> Question:
    return read_question(message, signature, limit)[0]


def values(question, signature):
    return batch_of(question, signature).values


@pytest.mark.parametrize("datatype", [*INTEGERS, "FP32", "FP64"])
@given(data=st.data())
def test_typed_and_raw_numbers_and_json_are_the_same_question(datatype, data):
    # given numbers of a datatype
    if datatype.startswith("FP"):
        numbers = data.draw(
            st.lists(st.floats(allow_nan=False, allow_infinity=False, width=int(datatype[2:])), min_size=1)
        )
    else:
        limits = np.iinfo(datatype.lower())
        numbers = data.draw(st.lists(st.integers(limits.min, limits.max), min_size=1))
    shape = [len(numbers), 1]
    # when they are sent typed, raw, and as JSON
    typed = read(request(("x", datatype, shape, {_CONTENTS[datatype]: numbers})))
    raw = read(request(("x", datatype, shape, {}), raw=[encode(datatype, numbers)]))
    plain = v2.parse({"inputs": [{"name": "x", "datatype": datatype, "shape": shape, "data": numbers}]}, LINE)
    # then they are the same
    assert np.array_equal(values(typed, LINE), values(raw, LINE))
    assert np.array_equal(values(typed, LINE), values(plain, LINE))


def test_columns_of_numbers_and_texts():
    tensors = (
        ("sex", "BYTES", [2], {"bytes_contents": [b"f", b""]}),
        ("a", "FP32", [2, 1], {"fp32_contents": [1, float("nan")]}),
    )
    question = read(request(*tensors), MIXED)
    assert np.array_equal(values(question, MIXED), [[1, 0], [np.nan, np.nan]], equal_nan=True)


def test_half_precision_comes_raw():
    question = read(request(("x", "FP16", [2], {}), raw=[struct.pack("<2e", 0.5, 2)]))
    assert values(question, LINE).tolist() == [[0.5], [2]]


X = ("x", "FP64", [1], {"fp64_contents": [1]})


@pytest.mark.parametrize(
    ("message", "part"),
    [
        (request(), 'the request needs "inputs", at least one tensor'),
        (request(("", "FP64", [1], {})), 'inputs[0]: "name" must be a text'),
        (request(("x", "FP128", [1], {})), "datatype must be one of BOOL, INT8"),
        (request(("x", "FP64", [-1], {})), "shape must be a list of whole numbers"),
        (request(("x", "FP64", [], {})), "shape must be a list of whole numbers"),
        (request(("x", "FP64", [2], {"fp64_contents": [1]})), "the shape means 2 values, fp64_contents has 1"),
        (request(("x", "FP64", [1], {})), "the shape means 1 values, fp64_contents has 0"),
        (
            request(("x", "FP64", [1], {"fp32_contents": [1]})),
            "values of FP64 are sent as fp64_contents, got fp32_contents",
        ),
        (
            request(("x", "FP64", [1], {"fp64_contents": [1], "int_contents": [1]})),
            "values of FP64 are sent as fp64_contents, got int_contents, fp64_contents",
        ),
        (request(("x", "INT8", [1], {"int_contents": [128]})), 'input "x", value 0: expected INT8, got 128'),
        (request(("x", "UINT16", [2], {"uint_contents": [1, 65536]})), "value 1: expected UINT16, got 65536"),
        (request(("x", "FP16", [1], {"fp32_contents": [1]})), "FP16 has no typed contents"),
        (request(("x", "BYTES", [1], {"bytes_contents": [b"\xff"]})), "value 0: expected a text in UTF-8"),
        (request(("x", "BOOL", [1], {"bool_contents": [True]})), "row 0, column x: expected a number, got true"),
        (request(X, raw=[bytes(8)]), "it has contents, and the request raw_input_contents; send one of them"),
        (request(("x", "FP64", [1], {}), raw=[bytes(8), b""]), "expected the bytes of each of 1 inputs, got 2"),
        (request(("x", "FP64", [1], {}), raw=[bytes(7)]), "1 values of FP64 are 8 bytes, and there are 7"),
        (request(X, id="a b"), "id: an id is 1 to 128 printable ASCII"),
        (request(X, parameters={"content_type": {"string_param": "xml"}}), 'content_type "xml" is not read here'),
        (request(X, parameters={"any": {}}), 'parameter "any" must be a text, a number, true or false'),
        (request(X, outputs=[{"name": "nope"}]), 'outputs[0]: "name" must be one of predict'),
        (
            request(X, outputs=[{"name": "predict", "parameters": {"shared_memory_region": {"string_param": "r"}}}]),
            "shared memory is not read here",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(message, part):
    with pytest.raises(BadRequestError) as caught:
        read(message)
    assert part in str(caught.value)


def test_parameters_of_every_kind_are_taken():
    kinds = {"bool_param": True, "int64_param": 1, "string_param": "a", "double_param": 0.5, "uint64_param": 2}
    assert read(request(X, parameters={kind: {kind: value} for kind, value in kinds.items()})).rows == 1


def test_base64_is_read_where_an_input_says_so():
    message = request(("a", "FP64", [1], {"fp64_contents": [1]}), ("sex", "BYTES", [1], {"bytes_contents": [b"Zg=="]}))
    message.inputs[1].parameters["content_type"].string_param = "base64"
    assert read(message, MIXED).columns[1] == ["f"]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_message_or_refused(content):
    try:
        message = read_message(ModelInferRequest, content)
        read(message)
    except BadRequestError as error:
        assert str(error)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize(
    ("classes", "labels", "contents"),
    [
        (["no", "yes"], ["yes", "no"], [b"yes", b"no"]),
        ([0, 1], [1, 0], [1, 0]),
        ([False, True], [True, False], [True, False]),
        ([], [0.5, 1.5], [0.5, 1.5]),
    ],
)
def test_answers_of_every_type(raw, classes, labels, contents):
    # given answers of a type, when they are written
    signature = MIXED.model_copy(update={"classes": classes})
    answers = Answers(labels, np.array([[0.25, 0.75], [1, 0]]) if classes else None, "id", "m", "m-1")
    content = write_answers(answers, signature, Question([[1, 2], ["f", "m"]]), raw=raw)
    # then any client reads them
    response = read_message(ModelInferResponse, content)
    first = response.outputs[0]
    assert (response.id, response.model_name, response.model_version) == ("id", "m", "m-1")
    if raw:
        assert response.raw_output_contents[0] == encode(first.datatype, labels)
    else:
        assert list(getattr(first.contents, _CONTENTS[first.datatype])) == contents
    assert [output.name for output in response.outputs] == list(v2.output_names(signature))


def test_the_form_answers_raw_where_raw_was_asked():
    message = request(("all", "FP64", [1, 2], {}), raw=[struct.pack("<2d", 1, 2)])
    form = form_of_message(message)
    question, request_id = form.read(None, {}, b"", NUMBERS, 10)
    reply = form.write(Answers([3.0], None, "id", "m", "m-1"), NUMBERS, question)
    assert request_id is None
    assert read_message(ModelInferResponse, reply.body).raw_output_contents == [struct.pack("<d", 3)]


def test_the_modules_are_those_of_the_definition():
    assert generate.differing(generate.messages()) == [], "run make generate"
