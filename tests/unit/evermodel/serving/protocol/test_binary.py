"""Tensors as bytes: what is encoded is decoded, and bytes that are not those of the shape are refused with their place."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evermodel.serving.faults import BadRequestError, RequestError
from evermodel.serving.forms import batch_of
from evermodel.serving.protocol import v2
from evermodel.serving.protocol.answers import Answers
from evermodel.serving.protocol.binary import decode, encode, from_base64, split_body
from tests.unit.evermodel.serving.protocol.test_v2 import LINE, MIXED, NUMBERS

DTYPES = {
    f"{sign}INT{bits}": f"<{kind}{bits // 8}" for sign, kind in (("", "i"), ("U", "u")) for bits in (8, 16, 32, 64)
}
DTYPES |= {f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)}


@pytest.mark.parametrize("datatype", DTYPES)
@given(data=st.data())
def test_numbers_of_every_datatype_come_back_as_they_were(datatype, data):
    # given numbers of a datatype
    values = data.draw(arrays(DTYPES[datatype], st.integers(0, 20)))
    # when they are encoded and decoded
    content = encode(datatype, values)
    found = decode("input", datatype, len(values), content)
    # then nothing has changed, not even the order of their bytes
    assert content == values.tobytes()
    assert np.array_equal(found, values, equal_nan=datatype.startswith("FP"))


@given(st.lists(st.text()))
def test_texts_come_back_as_they_were(texts):
    assert decode("input", "BYTES", len(texts), encode("BYTES", texts)) == texts


@given(st.lists(st.booleans()))
def test_truth_values_come_back_as_they_were(truths):
    content = encode("BOOL", truths)
    assert len(content) == len(truths)
    assert decode("input", "BOOL", len(truths), content) == truths


@pytest.mark.parametrize(
    ("datatype", "count", "content", "part"),
    [
        ("FP64", 2, bytes(15), "2 values of FP64 are 16 bytes, and there are 15"),
        ("INT8", 1, b"", "1 values of INT8 are 1 bytes, and there are 0"),
        ("BOOL", 2, b"\x01\x02", "a BOOL is a byte of 0 or 1, got 2"),
        ("BYTES", 1, b"\x05\x00\x00\x00abc", "value 0: it ends 2 bytes behind the data"),
        ("BYTES", 1, b"\x05\x00", "value 0: it ends"),
        ("BYTES", 2, b"\x01\x00\x00\x00a", "the shape means 2 values of BYTES, and there are 1"),
        ("BYTES", 1, b"\x01\x00\x00\x00ab", "there are 1 and 1 bytes more"),
        ("BYTES", 2, b"\x01\x00\x00\x00a\x01\x00\x00\x00\xff", "value 1: expected a text in UTF-8"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(datatype, count, content, part):
    with pytest.raises(BadRequestError) as caught:
        decode('input "a"', datatype, count, content)
    assert str(caught.value).startswith('input "a"')
    assert part in str(caught.value)


@pytest.mark.parametrize("header", [b"", b"0", b"-1", b"6", b"1e3", b"x", "٣".encode(), b"9" * 40])
def test_a_header_that_names_no_length_of_the_body_is_refused(header):
    with pytest.raises(
        BadRequestError, match="Inference-Header-Content-Length: expected the length of the JSON, 1 to 5"
    ):
        split_body(b"{}abc", header)


def test_a_header_says_where_the_json_ends():
    assert [bytes(part) for part in split_body(b"{}abc", b" 2 ")] == [b"{}", b"abc"]
    assert [bytes(part) for part in split_body(b"{}", b"2")] == [b"{}", b""]


def binary(name, shape, datatype, size, **more):
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size, **more}}


def test_columns_as_bytes_and_as_json_in_one_request():
    # given a column of numbers as bytes, with one that is missing, and one of texts as JSON
    content = struct.pack("<3f", 1, float("nan"), 3)
    inputs = [
        {"name": "sex", "shape": [3], "datatype": "BYTES", "data": ["f", "m", "x"]},
        binary("a", [3, 1], "FP32", 12),
    ]
    # when they are read
    question = v2.parse({"inputs": inputs}, MIXED, rest=memoryview(content))
    # then both are there
    numbers = question.columns[0]
    assert np.array_equal(numbers, [1, np.nan, 3], equal_nan=True)
    assert question.columns[1] == ["f", "m", "x"]


def test_one_tensor_as_bytes_is_the_same_question():
    content = np.arange(6, dtype="<i2").tobytes()
    question = v2.parse({"inputs": [binary("all", [3, 2], "INT16", 12)]}, NUMBERS, rest=memoryview(content))
    assert batch_of(question, NUMBERS).values.tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("inputs", "content", "part"),
    [
        ([binary("x", [1], "FP64", 8)], bytes(7), "binary_data_size is 8, and 7 bytes are left"),
        ([binary("x", [1], "FP64", 8)], bytes(9), "1 bytes are left in the body behind the last input"),
        ([binary("x", [1], "FP64", 7)], bytes(7), "1 values of FP64 are 8 bytes, and there are 7"),
        ([binary("x", [1], "FP64", -8)], bytes(8), "must be a number of bytes, got -8"),
        ([binary("x", [1], "FP64", True)], bytes(8), "must be a number of bytes, got true"),
        ([binary("x", [1], "FP64", "8")], bytes(8), 'must be a number of bytes, got "8"'),
        ([{**binary("x", [1], "FP64", 8), "data": [1]}], bytes(8), 'it has "data" and a binary_data_size'),
        (
            [binary("x", [1], "FP64", 8)],
            struct.pack("<d", float("inf")),
            "row 0, column x: expected a number, got Infinity",
        ),
    ],
)
def test_bytes_that_the_inputs_do_not_name_are_refused(inputs, content, part):
    with pytest.raises(BadRequestError) as caught:
        v2.parse({"inputs": inputs}, LINE, rest=memoryview(content))
    assert part in str(caught.value)


@given(st.binary(max_size=60), st.binary(max_size=6), st.sampled_from([b"", b"x"]))
def test_whatever_comes_is_read_or_refused(body, header, more):
    # given any bytes, when they are read as an infer request, then they are refused with a sentence, or read
    head = json.dumps({"inputs": [binary("x", [1], "BYTES", max(len(body) - 3, 0))]}).encode()
    for content, length in ((head + body + more, header), (head + body + more, str(len(head)).encode())):
        try:
            first, rest = split_body(content, length)
            if first == head:
                v2.parse(json.loads(first), LINE, rest=rest)
        except RequestError as error:
            assert str(error)


def test_base64_is_read_where_a_request_or_an_input_says_so():
    column = {"name": "sex", "shape": [2], "datatype": "BYTES", "data": ["Zg==", None]}
    numbers = {"name": "a", "shape": [2], "datatype": "FP64", "data": [1, 2]}
    own = {**column, "parameters": {"content_type": "base64"}}
    assert v2.parse({"inputs": [own, numbers]}, MIXED).columns[1] == ["f", None]
    of_all = {"inputs": [column, numbers], "parameters": {"content_type": "base64"}}
    assert v2.parse(of_all, MIXED).columns[1] == ["f", None]
    plain = {**column, "parameters": {"content_type": "str"}}
    assert v2.parse({**of_all, "inputs": [plain, numbers]}, MIXED).columns[1] == ["Zg==", None]


@pytest.mark.parametrize("text", ["Zg=", "Z!==", "/w=="])
def test_what_is_no_base64_of_a_text_is_refused(text):
    with pytest.raises(BadRequestError, match="value 1: expected base64 of a text in UTF-8"):
        from_base64("input", ["Zg==", text])


INPUT = {"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}
SEX = {"name": "sex", "shape": [1], "datatype": "BYTES", "data": ["f"]}


@pytest.mark.parametrize(
    ("more", "names", "wanted"),
    [
        ({"parameters": {"binary_data_output": True}}, None, {"predict", "predict_proba"}),
        ({"parameters": {"binary_data_output": False}}, None, set()),
        ({"parameters": {"anything": "goes"}, "outputs": []}, None, set()),
        ({"outputs": [{"name": "predict", "parameters": {"binary_data": True}}]}, ("predict",), {"predict"}),
        (
            {
                "parameters": {"binary_data_output": True},
                "outputs": [{"name": "predict_proba"}, {"name": "predict", "parameters": {"binary_data": False}}],
            },
            ("predict_proba", "predict"),
            {"predict_proba"},
        ),
    ],
)
def test_which_outputs_are_wanted_as_bytes(more, names, wanted):
    question = v2.parse({"inputs": [INPUT, SEX], **more}, MIXED)
    assert (question.outputs, question.binary) == (names, wanted)


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"parameters": 3}, "the request: parameters must be an object, got 3"),
        ({"parameters": {"binary_data_output": "yes"}}, "binary_data_output must be true or false"),
        ({"parameters": {"content_type": "xml"}}, "content_type"),
        (
            {"outputs": [{"name": "predict", "parameters": {"binary_data": 1}}]},
            'output "predict": parameter binary_data',
        ),
        ({"outputs": [{"name": "predict", "parameters": {"classification": 2}}]}, "ask for predict_proba"),
    ],
)
def test_parameters_that_are_wrong_are_refused(more, part):
    with pytest.raises(BadRequestError) as caught:
        v2.parse({"inputs": [INPUT, SEX], **more}, MIXED)
    assert part in str(caught.value)


def test_answers_as_bytes_follow_their_json():
    # given answers of two rows, of which one output is wanted as bytes
    answers = Answers(["yes", "no"], np.array([[0.25, 0.75], [1, 0]]), "id", "m", "m-1")
    more = {"outputs": [{"name": "predict"}, {"name": "predict_proba", "parameters": {"binary_data": True}}]}
    question = v2.parse({"inputs": [INPUT, SEX], **more}, MIXED)
    # when they are written
    head, following = v2.format_binary(answers, MIXED, question)
    # then that output has its size in the JSON and its bytes behind it
    labels, shares = json.loads(head)["outputs"]
    assert labels["data"] == ["yes", "no"]
    assert (shares["parameters"], "data" in shares) == ({"binary_data_size": 32}, False)
    assert struct.unpack("<4d", *following) == (0.25, 0.75, 1, 0)
