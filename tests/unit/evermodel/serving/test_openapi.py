"""The OpenAPI document says of each column what the check takes."""

import jsonschema
import pytest

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.serving.check import columns_from_objects
from evermodel.serving.faults import BadRequestError
from evermodel.serving.openapi_schemas import row_schema
from evermodel_api.training import Task

SIGNATURE = Signature(
    task=Task.REGRESSION,
    target="y",
    columns=[
        ColumnSignature(name="age", kind="number", datatype="FP64", min=20.0, max=80.0, takes_missing=False),
        ColumnSignature(name="sex", kind="category", datatype="BYTES", levels=["f", "m"]),
        ColumnSignature(name="stage", kind="category", datatype="INT64", levels=["1", "2"]),
        ColumnSignature(name="smoker", kind="category", datatype="BOOL", levels=["false", "true"]),
    ],
)
GOOD = {"age": 50, "sex": "m", "stage": 1, "smoker": True}


def described(row) -> bool:
    return jsonschema.Draft202012Validator(row_schema(SIGNATURE)).is_valid(row)


@pytest.mark.parametrize(
    "change", [{}, {"age": 50.5}, {"sex": None}, {"sex": "unknown"}, {"stage": "2"}, {"stage": None}, {"smoker": None}]
)
def test_a_row_that_is_described_is_taken(change):
    row = GOOD | change
    assert described(row)
    assert columns_from_objects(SIGNATURE, [row])


@pytest.mark.parametrize(
    "change", [{"age": None}, {"age": "50"}, {"age": True}, {"sex": ["m"]}, {"smoker": 2}, {"more": 1}]
)
def test_a_row_that_is_refused_is_not_described(change):
    row = GOOD | change
    assert not described(row)
    with pytest.raises(BadRequestError):
        columns_from_objects(SIGNATURE, [row])
