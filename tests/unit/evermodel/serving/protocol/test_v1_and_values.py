"""The short forms: `instances` and values in a path."""

import json

import numpy as np
import pytest

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.serving.faults import BadRequestError
from evermodel.serving.protocol import v1, values
from evermodel.serving.protocol.answers import Answers
from evermodel.serving.protocol.body import read_id, read_object
from evermodel_api.training import Task

COLUMNS = [
    ColumnSignature(name="age", kind="number", datatype="FP64"),
    ColumnSignature(name="note", kind="category", datatype="BYTES"),
]
SIGNATURE = Signature(task=Task.CLASSIFICATION, target="y", columns=COLUMNS, classes=[0, 1])


@pytest.mark.parametrize("key", ["instances", "inputs"])
@pytest.mark.parametrize("rows", [[[5, "a"], [None, "b"]], [{"note": "a", "age": 5}, {"age": None, "note": "b"}]])
def test_instances_are_rows_or_objects(key, rows):
    assert v1.parse({key: rows}, SIGNATURE).columns == [[5, None], ["a", "b"]]


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ({}, 'the body has no "instances"'),
        ({"instances": 3}, "instances: expected a list of rows, got 3"),
        ({"instances": []}, "there is no row"),
        ({"instances": [{"age": 1, "note": "x"}, [1, "x"]]}, "row 1: expected an object"),
        ({"instances": [[1, "x"], {"age": 1, "note": "x"}]}, "row 1: expected a list of 2 values"),
    ],
)
def test_wrong_instances_are_told(document, part):
    with pytest.raises(BadRequestError) as caught:
        v1.parse(document, SIGNATURE)
    assert part in str(caught.value)


def test_values_in_a_path_may_hold_an_encoded_comma_or_be_missing():
    assert values.parse("84,a%2Cb%2Fc", SIGNATURE).columns == [[84.0], ["a,b/c"]]
    assert values.parse(",", SIGNATURE).columns == [[None], [None]]


def test_a_wrong_number_of_values_names_the_columns():
    with pytest.raises(BadRequestError, match=r"expected 2 values \(age, note\), got 3"):
        values.parse("1,2,3", SIGNATURE)


def test_answers_say_who_gave_them():
    answers = Answers([1], np.array([[0.25, 0.75]]), "id-1", "m", "m-3")
    about = {"model_name": "m", "model_version": "m-3", "id": "id-1"}
    assert json.loads(v1.format_answers(answers)) == {"predictions": [1], "probabilities": [[0.25, 0.75]], **about}
    assert json.loads(values.format_answers(answers)) == {"prediction": 1, "probabilities": [0.25, 0.75], **about}


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b'{"a": 1e999}', b"[]", b"3", b"\xff\xfe"])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(BadRequestError, match="the body"):
        read_object(body)


@pytest.mark.parametrize(
    ("document", "found"), [({}, None), ({"id": None}, None), ({"id": ""}, None), ({"id": "a-1"}, "a-1")]
)
def test_ids_are_taken(document, found):
    assert read_id(document) == found


@pytest.mark.parametrize("value", [3, "two words", "x" * 129, "é", "a\nb", ["a"]])
def test_ids_that_cannot_be_echoed_are_refused(value):
    with pytest.raises(BadRequestError, match="an id is 1 to 128 printable ASCII characters"):
        read_id({"id": value})
