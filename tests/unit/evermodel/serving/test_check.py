"""Values are held against the signature: what fits comes out clean, what does not is told by row and column."""

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.serving.check import columns_from_objects, columns_from_rows, rows_of_numbers, show
from evermodel.serving.faults import BadRequestError, RequestError, TooLargeError
from evermodel_api.training import Task

AGE = ColumnSignature(name="age", kind="number", datatype="FP64", min=20.0, max=80.0)
SEX = ColumnSignature(name="sex", kind="category", datatype="BYTES", levels=["female", "male"])
SMOKER = ColumnSignature(name="smoker", kind="category", datatype="BOOL", levels=["false", "true"])
STAGE = ColumnSignature(name="stage", kind="category", datatype="INT64", levels=["1", "2"])
SIGNATURE = Signature(task=Task.REGRESSION, target="y", columns=[AGE, SEX, SMOKER, STAGE])
ONE = Signature(task=Task.REGRESSION, target="y", columns=[AGE])

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


def test_rows_in_order_become_clean_columns():
    # given rows in the signature's order, with a missing value in each column
    rows = [[50, "male", True, 1], [61.5, "other", False, 2.0], [None, None, None, None]]
    # when they are checked
    columns = columns_from_rows(SIGNATURE, rows)
    # then numbers are numbers, categories are the text of training, and None is missing
    assert columns == [[50, 61.5, None], ["male", "other", None], ["true", "false", None], ["1", "2", None]]


def test_objects_are_taken_in_any_order_of_their_names():
    # given a row by name in another order
    row = {"stage": "2", "smoker": "true", "age": 50, "sex": "male"}
    # when it is checked, then it is the row by position
    assert columns_from_objects(SIGNATURE, [row]) == columns_from_rows(SIGNATURE, [[50, "male", True, 2]])


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([[50, "male", True, 1], ["abc", "male", True, 1]], 'row 1, column age: expected a number, got "abc"'),
        ([["84", "male", True, 1]], 'row 0, column age: expected a number, got "84"'),
        ([[True, "male", True, 1]], "row 0, column age: expected a number, got true"),
        ([[50, ["male"], True, 1]], 'row 0, column sex: expected a category (text), got ["male"]'),
        ([[50, "male", 2, 1]], "row 0, column smoker: expected true or false, got 2"),
        ([[50, "male"]], "row 0: expected 4 values (age, sex, smoker, stage), got 2"),
        ([50], "row 0: expected a list of 4 values or an object by column name, got 50"),
        ([], "there is no row to predict; send at least one"),
    ],
)
def test_a_wrong_value_is_told_by_row_and_column(rows, sentence):
    with pytest.raises(BadRequestError) as caught:
        columns_from_rows(SIGNATURE, rows)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (
            {"agee": 1, "sex": "m", "smoker": True, "stage": 1},
            'unknown column "agee"; the columns are age, sex, smoker, stage',
        ),
        ({"age": 1, "sex": "m"}, "column smoker, stage is not there; send a value, or null where it is not known"),
    ],
)
def test_wrong_names_are_told(row, part):
    with pytest.raises(BadRequestError, match="row 0") as caught:
        columns_from_objects(SIGNATURE, [row])
    assert part in str(caught.value)


def test_a_mix_of_objects_and_lists_is_told():
    with pytest.raises(BadRequestError, match="row 1: expected an object by column name as in row 0"):
        columns_from_objects(ONE, [{"age": 1}, [2]])


def test_a_model_of_one_column_takes_bare_values():
    assert columns_from_rows(ONE, [50, [51], None]) == [[50, 51, None]]


def test_too_many_rows_are_too_large():
    with pytest.raises(TooLargeError, match="10000"):
        columns_from_rows(ONE, [[1]] * 10_001)
    # and a server may be told to take fewer
    with pytest.raises(TooLargeError, match="limit is 2"):
        columns_from_rows(ONE, [[1]] * 3, limit=2)


@pytest.mark.parametrize(("text", "number"), [("84", 84.0), (" -1.5e2 ", -150.0), (".5", 0.5), ("", None)])
def test_numbers_are_read_from_text_where_values_are_text(text, number):
    assert columns_from_rows(ONE, [[text]], text=True) == [[number]]


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "0x10", "1e999", "٣", "1,5", "abc", "1 2"])
def test_what_only_python_calls_a_number_is_refused(text):
    with pytest.raises(BadRequestError, match="expected a number"):
        columns_from_rows(ONE, [[text]], text=True)


def test_a_number_as_text_finds_the_level_that_training_saw():
    # given a path in which the level 2 is written 2.0, and one that training never saw
    rows = [["50", "male", "1", "2.0"], ["50", "male", "0", "third"]]
    # when it is read, then the known level is found and the unknown one is kept for the pipeline
    assert columns_from_rows(SIGNATURE, rows, text=True)[2:] == [["true", "false"], ["2", "third"]]


@given(st.lists(st.lists(json_values, min_size=4, max_size=4) | json_values, max_size=6), st.booleans())
def test_anything_that_json_can_say_is_clean_or_refused(rows, text):
    # given any JSON rows, when they are checked
    try:
        columns = columns_from_rows(SIGNATURE, rows, text=text)
    except RequestError as error:
        # then either one sentence says what is wrong
        assert error.status in (400, 413)
        assert "\n" not in str(error)
        return
    # or all cells are what the model takes
    assert [len(column) for column in columns] == [len(rows)] * 4
    for cell in columns[0]:
        assert cell is None or (type(cell) in (int, float) and math.isfinite(cell))
    assert all(cell is None or isinstance(cell, str) for column in columns[1:] for cell in column)


@pytest.mark.parametrize("depth", [60, 990, 1020])
def test_what_is_nested_as_deep_as_json_may_be_is_shown_in_part(depth):
    value: object = []
    for _ in range(depth):
        value = [value, 1]
    assert show(value) == "[" * 59 + "…"


def test_what_is_long_is_read_no_further_than_it_is_shown():
    assert show(list(range(10**6))) == json.dumps(list(range(100)))[:59] + "…"
    assert show({"a": [1, None, "ö"]}) == '{"a": [1, null, "ö"]}'


PAIR = Signature(
    task=Task.REGRESSION,
    target="y",
    columns=[
        ColumnSignature(name="a", kind="number", datatype="FP64", takes_missing=True),
        ColumnSignature(name="b", kind="number", datatype="INT64"),
    ],
)
cells = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.booleans()


@given(st.lists(st.lists(cells | st.text(max_size=2), min_size=1, max_size=3), max_size=5))
def test_a_matrix_is_what_cell_by_cell_would_be(rows):
    # given rows of JSON, when they are taken as one matrix
    try:
        matrix = rows_of_numbers(PAIR, rows, 4)
    except RequestError as error:
        # then what is refused is refused cell by cell too, with the same words
        with pytest.raises(type(error), match=re.escape(str(error))):
            columns_from_rows(PAIR, rows, limit=4)
        return
    # and what is taken is the same; what is no matrix of numbers is left to who looks at cells
    if matrix is not None:
        expected = np.array(columns_from_rows(PAIR, rows, limit=4), dtype=float).T
        np.testing.assert_array_equal(matrix, expected)
        assert matrix.flags.c_contiguous
