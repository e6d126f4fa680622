"""Holding rows against data.schema."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.columns import read_column
from evermodel.data.schema import check_rows
from evermodel.errors import DataError, SpecError
from evermodel_api.training import DataSchema


def schema(columns, **on_fail):
    return DataSchema.model_validate({"columns": columns, "onFail": {"maxRatio": 1} | on_fail})


def checked(values, dtype=object, /, **column):
    frame = pd.DataFrame({"c": pd.Series(values, dtype=dtype)})
    return check_rows(frame, schema({"c": column}))


@pytest.mark.parametrize(
    ("kind", "value", "right"),
    [
        ("int", 42, 42),
        ("int", "42", 42),
        ("int", " +42 ", 42),
        ("int", "1.0", 1),
        ("int", "1e3", 1000),
        ("int", 1.0, 1),
        ("int", Decimal("7.0"), 7),
        ("int", np.int8(-3), -3),
        ("int", 2**53 - 1, 2**53 - 1),
        ("number", "1.5", 1.5),
        ("number", "-.5e-3", -0.0005),
        ("number", 3, 3.0),
        ("number", Decimal("1.50"), 1.5),
        ("bool", True, True),
        ("bool", "true", True),
        ("bool", "FALSE", False),
        ("bool", 1, True),
        ("bool", 0.0, False),
        ("bool", "0", False),
        ("bool", np.True_, True),
        ("category", "a", "a"),
        ("category", "", ""),
        ("category", 3.0, "3"),
        ("category", 1.5, "1.5"),
        ("category", True, "true"),
        ("category", date(2026, 11, 24), "2026-11-24T00:00:00"),
        ("date", "2026-11-24", pd.Timestamp("2026-11-24", tz="UTC")),
        ("date", "2026-11-24T07:30:00+07:00", pd.Timestamp("2026-11-24T00:30", tz="UTC")),
        ("date", date(2026, 11, 24), pd.Timestamp("2026-11-24", tz="UTC")),
        ("date", datetime(2026, 11, 24, 7, tzinfo=UTC), pd.Timestamp("2026-11-24T07:00", tz="UTC")),
        ("date", pd.Timestamp("2026-11-24"), pd.Timestamp("2026-11-24", tz="UTC")),
    ],
)
def test_a_value_of_another_form_is_turned(kind, value, right):
    # given the value beside one that is missing, and alone
    for values in ([value, None], [value]):
        result = checked(values, type=kind)
        # then it is what the type says, and nothing is set aside
        assert result.wrong.empty
        assert result.right["c"].iloc[0] == right
        assert pd.isna(result.right["c"].iloc[1:]).all()


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("int", 1.5, "1.5 is not a whole number up to 2^53"),
        ("int", "1.5", "'1.5' is not a whole number up to 2^53"),
        ("int", True, "true is not a whole number up to 2^53"),
        ("int", "9007199254740993", "'9007199254740993' is not a whole number up to 2^53"),
        ("int", "", "'' is not a whole number up to 2^53"),
        ("int", np.inf, "inf is not a whole number up to 2^53"),
        ("number", "x", "'x' is not a finite number"),
        ("number", "nan", "'nan' is not a finite number"),
        ("number", "1e999", "'1e999' is not a finite number"),
        ("number", "0x10", "'0x10' is not a finite number"),
        ("number", "1_000", "'1_000' is not a finite number"),
        ("number", "1,5", "'1,5' is not a finite number"),
        ("number", False, "false is not a finite number"),
        ("number", -np.inf, "-inf is not a finite number"),
        ("number", [1], "[1] is not a finite number"),
        ("bool", "yes", "'yes' is not true or false"),
        ("bool", 2, "2 is not true or false"),
        ("category", [1, 2], "[1, 2] is not a category"),
        ("category", {"a": 1}, "{'a': 1} is not a category"),
        ("date", "now", "'now' is not a date in ISO 8601"),
        ("date", "24.11.2026", "'24.11.2026' is not a date in ISO 8601"),
        ("date", 20261124, "20261124 is not a date in ISO 8601"),
    ],
)
def test_a_value_that_cannot_be_turned_is_told_as_it_came(kind, value, said):
    result = checked([value, None], type=kind)
    assert result.wrong["_wrong"].tolist() == [f"c: {said}"]
    assert result.wrong["c"].tolist() == [value] or result.wrong["c"].iloc[0] is value
    assert len(result.right) == 1


@pytest.mark.parametrize(
    ("kind", "dtype", "made"),
    [
        ("int", "int8", "int64"),
        ("int", "float64", "int64"),
        ("int", "Int64", "int64"),
        ("int", "str", "int64"),
        ("number", "int64", "float64"),
        ("number", "Float64", "float64"),
        ("number", "str", "float64"),
        ("category", "str", "str"),
        ("category", "int64", "str"),
        ("category", "category", "str"),
        ("bool", "int64", "bool"),
        ("date", "datetime64[ns]", "datetime64[us, UTC]"),
        ("date", "datetime64[s, Asia/Bangkok]", "datetime64[us, UTC]"),
    ],
)
def test_the_right_rows_have_the_declared_type_whatever_the_source_had(kind, dtype, made):
    result = checked([1, 0, 1], dtype, type=kind)
    assert str(result.right["c"].dtype) == made
    assert len(result.right) == 3
    read_column("c", result.right["c"])  # a model's columns take it


def test_missing_whole_numbers_and_truths_stay_missing():
    assert checked([1, None], "float64", type="int").right["c"].tolist() == [1, pd.NA]
    assert checked([1, None], "float64", type="bool").right["c"].tolist() == [True, pd.NA]


def test_where_the_missing_are_set_aside_the_type_has_none():
    result = checked([1, None, "x"], type="int", missing=False)
    assert result.right["c"].dtype == np.int64
    assert result.wrong["_wrong"].tolist() == ["c: is missing", "c: 'x' is not a whole number up to 2^53"]


def test_every_fault_of_a_row_is_named_in_the_order_of_the_schema():
    # given rows with several faults, and columns that the schema does not name
    frame = pd.DataFrame(
        {
            "id": [10, 11, 12, 13],
            "sex": ["male", "x", None, "female"],
            "age": [130, -3, 5, 40],
        },
        index=[7, 7, 8, 9],
    )
    rule = schema(
        {"age": {"type": "int", "min": 0, "max": 120}, "sex": {"type": "category", "values": ["male", "female"]}}
    )
    # when they are checked
    result = check_rows(frame, rule)
    # then wrong rows are set aside whole, as they came, and right ones are counted anew
    assert result.wrong.to_dict("list") == {
        "id": [10, 11],
        "sex": ["male", "x"],
        "age": [130, -3],
        "_wrong": ["age: 130 is above 120", "age: -3 is below 0; sex: 'x' is not among male, female"],
    }
    assert result.right["id"].tolist() == [12, 13]
    assert result.right.index.tolist() == [0, 1]
    # and the rows that were given are as they were
    assert frame["age"].tolist() == [130, -3, 5, 40]


def test_what_is_of_a_wrong_type_has_no_second_fault():
    for kind in ("int", "number"):
        result = checked(["x", "inf", None], type=kind, min=1, max=2)
        assert [said.count(";") for said in result.wrong["_wrong"]] == [0, 0]
    assert checked([[1]], type="category", values=["a"]).wrong["_wrong"].tolist() == ["c: [1] is not a category"]


def test_limits_themselves_are_right():
    result = checked([0, 0.5, 1], type="number", min=0, max=1)
    assert result.wrong.empty
    assert list(result.wrong.columns) == ["c", "_wrong"]


def test_a_long_value_and_a_long_list_are_cut():
    result = checked(["y" * 500], type="category", values=[str(i) for i in range(30)])
    (said,) = result.wrong["_wrong"]
    assert len(said) < 200
    assert said.endswith("9 and 20 more")


def test_too_many_wrong_rows_are_told_by_what_is_commonest():
    # given 4 of 10 wrong rows
    frame = pd.DataFrame({"age": [-1, -2, -3, 500, 1, 2, 3, 4, 5, 6], "sex": ["x"] + ["m"] * 9})
    columns = {"age": {"type": "int", "min": 0, "max": 99}, "sex": {"type": "category", "values": ["m"]}}
    # when as many are allowed, and when fewer are
    assert len(check_rows(frame, schema(columns, maxRatio=0.4)).wrong) == 4
    with pytest.raises(DataError) as error:
        check_rows(frame, schema(columns, maxRatio=0.39))
    # then the faults are counted, with an example of each
    assert error.value.reason == "SchemaViolated"
    assert str(error.value) == (
        "4 of 10 rows (40.00%) do not fit data.schema, and onFail.maxRatio allows 39.00%: 3 x age: -1 is below 0; "
        "1 x age: 500 is above 99; 1 x sex: 'x' is not among m; mend the source, correct data.schema, or allow more"
    )


def test_fail_ends_at_the_first_wrong_row():
    frame = pd.DataFrame({"age": [1, 2, -3, -4], "sex": ["m", "m", "x", "m"]})
    columns = {"age": {"type": "int", "min": 0}, "sex": {"type": "category", "values": ["m"]}}
    with pytest.raises(
        DataError, match=r"2 of 4 rows .* the first is row 2.*age: -3 is below 0; sex: 'x' is not"
    ) as error:
        check_rows(frame, schema(columns, action="Fail"))
    assert error.value.reason == "SchemaViolated"
    assert len(check_rows(frame.head(2), schema(columns, action="Fail")).right) == 2


def test_a_column_that_is_not_there_is_the_specs_fault():
    with pytest.raises(SpecError, match=r"data\.schema\.columns names the column 'age'") as error:
        check_rows(pd.DataFrame({"c": [1]}), schema({"age": {"type": "int"}}))
    assert error.value.reason == "ColumnMissing"


VALUES = st.none() | st.booleans() | st.integers(-200, 200) | st.floats(-5, 5) | st.text("0129.-ae", max_size=4)
KINDS = st.sampled_from(["int", "number", "category", "bool", "date"])


@settings(deadline=None, max_examples=40)
@given(values=st.lists(VALUES, min_size=1, max_size=20), kind=KINDS, missing=st.booleans(), data=st.data())
def test_whatever_comes_is_right_or_wrong_by_itself(values, kind, missing, data):
    # given values of any kinds
    together = checked(values, type=kind, missing=missing)
    # then none is lost, and what a row is does not depend on the rows beside it
    assert len(together.right) + len(together.wrong) == len(values)
    alone = [checked([value], type=kind, missing=missing) for value in values]
    assert [said for one in alone for said in one.wrong["_wrong"]] == together.wrong["_wrong"].tolist()
    rights = [one.right["c"].iloc[0] for one in alone if len(one.right)]
    for one, other in zip(rights, together.right["c"], strict=True):
        assert pd.isna(one) if pd.isna(other) else one == other
    # and right rows are right again
    again = check_rows(together.right, schema({"c": {"type": kind, "missing": missing}}))
    assert again.wrong.empty
    pd.testing.assert_frame_equal(again.right, together.right)
    # and every right column is one that can be read
    read_column("c", together.right["c"])
