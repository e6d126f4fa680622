"""The Open Inference Protocol: every legal form of the same rows is the same question, every other form is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.serving.faults import BadRequestError, RequestError
from evermodel.serving.forms import batch_of
from evermodel.serving.protocol import v2
from evermodel.serving.protocol.answers import Answers
from evermodel_api.training import Task


def number(name: str) -> ColumnSignature:
    return ColumnSignature(name=name, kind="number", datatype="FP64")


SEX = ColumnSignature(name="sex", kind="category", datatype="BYTES", levels=["f", "m"])
NUMBERS = Signature(task=Task.REGRESSION, target="y", columns=[number("a"), number("b")])
MIXED = Signature(task=Task.CLASSIFICATION, target="y", columns=[number("a"), SEX], classes=["no", "yes"])
LINE = Signature(task=Task.REGRESSION, target="y", columns=[number("x")])
ROWS = [[1.0, 2.0], [3.0, None], [5.0, 6.0]]


def tensor(shape, data, name="input-0", datatype="FP64", **more):
    return {"name": name, "shape": shape, "datatype": datatype, "data": data, **more}


@pytest.mark.parametrize(
    "inputs",
    [
        [tensor([3, 2], ROWS)],
        [tensor([3, 2], [1.0, 2.0, 3.0, None, 5.0, 6.0])],
        [tensor([3, 2], ["1", "2", "3.0", "", "5", "6"], datatype="BYTES")],
        [tensor([3], [1.0, 3.0, 5.0], "a"), tensor([3], [2.0, None, 6.0], "b")],
        [
            tensor([3, 1], [2.0, None, 6.0], "b"),
            tensor([3, 1], [[1.0], [3.0], [5.0]], "a", parameters={"content_type": "pd"}),
        ],
        [tensor([3], [1, 3, 5], "a", "UINT8"), tensor([3], [2.0, None, 6.0], "b", "INT32")],
    ],
)
def test_all_forms_of_the_same_rows_are_the_same_question(inputs):
    # given the rows in one of the forms that the protocol allows, when they are read
    question = v2.parse({"inputs": inputs}, NUMBERS)
    # then they are these rows
    np.testing.assert_array_equal(batch_of(question, NUMBERS).values, [[1, 2], [3, np.nan], [5, 6]])
    assert question.rows == 3


@pytest.mark.parametrize("shape", [[1], [1, 1]])
def test_a_model_of_one_column_takes_a_vector(shape):
    for name in ("anything", "x"):
        question = v2.parse({"inputs": [tensor(shape, [50], name)]}, LINE)
        assert batch_of(question, LINE).values.tolist() == [[50]]


@pytest.mark.parametrize(
    ("inputs", "part"),
    [
        (None, 'the body needs "inputs"'),
        ([], 'the body needs "inputs"'),
        ([3], "inputs[0]: expected an object"),
        ([{"shape": [1]}], '"name" must be a text'),
        ([tensor([3, 3], [1] * 9)], "expected the shape [rows, 2] (a, b), got [3, 3]"),
        ([tensor([2, 2], [1, 2, 3])], "shape [2, 2] means 4 values, data has 3"),
        ([tensor([2, 2], [[1, 2], [3]])], "place 1 of axis 0 should be a list of 2 values"),
        ([tensor([2, 2], [[1, 2], 3])], "place 1 of axis 0 should be a list of 2 values"),
        ([tensor([2, 2], [[1, 2]])], "axis 0 should have 2 values"),
        ([tensor([-1, 2], [1, 2])], "shape must be a list of whole numbers"),
        ([tensor([True, 2], [1, 2])], "shape must be a list of whole numbers"),
        ([tensor([1, 2], [1, "x"])], 'input "input-0", value 1: expected FP64, got "x"'),
        ([tensor([1, 2], [1, 300], datatype="UINT8")], "value 1: expected UINT8, got 300"),
        ([tensor([1, 2], [1, 1.5], datatype="INT64")], "value 1: expected INT64, got 1.5"),
        ([tensor([1, 2], [1, 2], datatype="FP128")], "datatype must be one of BOOL, INT8"),
        ([tensor([1, 2], [True, False], datatype="BOOL")], "row 0, column a: expected a number, got true"),
        ([tensor([1, 2], None)], '"data" must be a list'),
        ([tensor([1, 2], [1, 2], parameters={"binary_data_size": 16})], "no header Inference-Header-Content-Length"),
        ([tensor([1, 2], [1, 2], parameters={"content_type": "base64"})], "content_type base64 is one of BYTES"),
        ([tensor([1, 2], [1, 2], parameters={"content_type": "hg_jsonlist"})], "use pd, np, str, base64, or none"),
        ([tensor([1, 2], [1, 2], parameters=[1])], 'input "input-0": parameters must be an object'),
        ([tensor([1, 2], [1, 2], parameters={"a": None})], 'parameter "a" must be a text, a number, true or false'),
        ([tensor([1, 2], [1, 2], parameters={"shared_memory_region": "r"})], "shared memory is not read here"),
        ([tensor([1], [1], "a")], "column b is not there"),
        ([tensor([1], [1], "a"), tensor([1], [1], "c")], 'unknown column "c"'),
        ([tensor([1], [1], "a"), tensor([1], [1], "a")], '"a" is there twice'),
        ([tensor([1], [1], "a"), tensor([2], [1, 2], "b")], "expected the shape [1] or [1, 1] as in"),
        ([tensor([0, 2], [])], "there is no row to predict"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(inputs, part):
    with pytest.raises(BadRequestError) as caught:
        v2.parse({"inputs": inputs}, NUMBERS)
    assert part in str(caught.value)


def test_a_shape_that_promises_too_much_is_too_large():
    with pytest.raises(RequestError) as caught:
        v2.parse({"inputs": [tensor([10**9, 10**9], [])]}, NUMBERS)
    assert caught.value.status == 413


def answers(labels, probabilities=None):
    return Answers(labels, probabilities, "id-1", "m", "m-1")


def test_the_outputs_asked_for_come_in_their_order():
    # given a classifier's question for both outputs, probabilities first
    inputs = [tensor([1], [1], "a"), tensor([1], ["m"], "sex", "BYTES")]
    question = v2.parse({"inputs": inputs, "outputs": [{"name": "predict_proba"}, {"name": "predict"}]}, MIXED)
    # when the answer is formatted
    found = json.loads(v2.format_answers(answers(["yes"], np.array([[0.25, 0.75]])), MIXED, question.outputs))
    # then it has these outputs, in that order, and says who answered
    assert found == {
        "model_name": "m",
        "model_version": "m-1",
        "id": "id-1",
        "outputs": [
            {"name": "predict_proba", "datatype": "FP64", "shape": [1, 2], "data": [0.25, 0.75]},
            {"name": "predict", "datatype": "BYTES", "shape": [1], "data": ["yes"]},
        ],
    }


def test_without_a_wish_all_outputs_come():
    found = json.loads(v2.format_answers(answers([104.0]), LINE, None))
    assert found["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [1], "data": [104.0]}]


@pytest.mark.parametrize(
    "outputs", [[{"name": "transform"}], ["predict"], [{"name": "predict_proba"}], {"name": "predict"}]
)
def test_an_unknown_output_is_refused(outputs):
    with pytest.raises(BadRequestError, match="outputs"):
        v2.parse({"inputs": [tensor([1], [1])], "outputs": outputs}, LINE)


@pytest.mark.parametrize(
    ("classes", "datatype"),
    [
        ([0, 1], "INT64"),
        ([False, True], "BOOL"),
        (["a", "b"], "BYTES"),
        ([0.5, 1], "FP64"),
        ([0, "a"], "BYTES"),
        ([], "FP64"),
    ],
)
def test_the_datatype_of_answers_is_that_of_the_classes(classes, datatype):
    assert v2.label_datatype(classes) == datatype


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "shape", "data", "datatype"]), inner)
    ),
    max_leaves=10,
)
loose_tensors = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b", "x", ""]) | anything,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | anything,
        "datatype": st.sampled_from(["FP64", "INT8", "BYTES", "BOOL"]) | anything,
        "data": st.lists(anything, max_size=6) | anything,
        "parameters": anything,
    },
)


@given(st.lists(loose_tensors | anything, max_size=3), anything)
def test_whatever_comes_is_a_question_or_one_sentence(inputs, outputs):
    try:
        question = v2.parse({"inputs": inputs, "outputs": outputs}, NUMBERS)
    except RequestError as error:
        assert error.status in (400, 413)
        assert "\n" not in str(error)
    else:
        assert len(batch_of(question, NUMBERS).values) == question.rows


@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=2, max_size=2),
        min_size=1,
        max_size=9,
    )
)
def test_flat_and_nested_data_are_the_same(rows):
    flat = v2.parse({"inputs": [tensor([len(rows), 2], [cell for row in rows for cell in row])]}, NUMBERS)
    nested = v2.parse({"inputs": [tensor([len(rows), 2], rows)]}, NUMBERS)
    expected = np.array(rows, dtype=float)
    for question in (flat, nested):
        np.testing.assert_array_equal(batch_of(question, NUMBERS).values, expected)
