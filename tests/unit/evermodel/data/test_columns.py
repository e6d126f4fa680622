"""What raw columns become."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from evermodel.artifact.frame import category_text
from evermodel.data.columns import read_column
from evermodel.errors import DataError, SpecError

NA = pd.NA


def read(values, dtype=None, **more: bool):
    return read_column("column", pd.Series(values, dtype=dtype), **more)


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "datatype", "cells"),
    [
        ([1, 2], "int64", "number", "INT64", [1.0, 2.0]),
        ([1, 2], "uint8", "number", "INT64", [1.0, 2.0]),
        ([1, NA], "Int64", "number", "FP64", [1.0, None]),
        ([1.5, np.nan], "float32", "number", "FP64", [1.5, None]),
        ([1.5, NA], "Float64", "number", "FP64", [1.5, None]),
        ([-0.0, 1], "float64", "number", "FP64", [0.0, 1.0]),
        ([True, False], "bool", "category", "BOOL", ["true", "false"]),
        ([True, NA], "boolean", "category", "BOOL", ["true", None]),
        ([True, None], object, "category", "BOOL", ["true", None]),
        (["a", None], "str", "category", "BYTES", ["a", None]),
        (["a", NA], "string", "category", "BYTES", ["a", None]),
        (["a", np.nan, None], object, "category", "BYTES", ["a", None, None]),
        (["", " "], object, "category", "BYTES", ["", " "]),
        (["b", "a"], "category", "category", "BYTES", ["b", "a"]),
        ([3, 1], "category", "number", "INT64", [3.0, 1.0]),
        ([Decimal("1.50"), None], object, "number", "FP64", [1.5, None]),
        ([1, 2.5], object, "number", "FP64", [1.0, 2.5]),
        ([1, 10**30], object, "number", "INT64", [1.0, 1e30]),
        ([None, None], object, "number", "FP64", [None, None]),
        ([np.nan, np.nan], "float64", "number", "FP64", [None, None]),
    ],
)
def test_every_type_becomes_a_number_or_a_category(values, dtype, kind, datatype, cells):
    column = read(values, dtype)
    assert (column.kind, column.datatype) == (kind, datatype)
    assert [None if pd.isna(cell) else cell for cell in column.cells] == cells
    assert column.missing.tolist() == [cell is None for cell in cells]
    assert column.cells.dtype == (np.float64 if kind == "number" else object)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 24, tzinfo=UTC),
        date(2026, 11, 24),
        timedelta(hours=1),
        pd.Timestamp("2026-11-24"),
        pd.Period("2026-11"),
    ],
)
def test_moments_are_no_features(value):
    for dtype in (None, object):
        with pytest.raises(SpecError, match=r"holds dates or times, .* or add it to data\.exclude") as error:
            read([value, value], dtype)
        assert error.value.reason == "ColumnNotAFeature"


@pytest.mark.parametrize("value", [uuid4(), {"a": 1}, [1, 2], b"bytes", 1j])
def test_other_values_are_no_features(value):
    with pytest.raises(SpecError, match=f"holds values of the type {type(value).__name__}"):
        read([value, value], object)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, "a"], "mixes numbers and text (such as 1, 'a')"),
        ([True, "a"], "mixes booleans and text (such as True, 'a')"),
        ([True, 1], "mixes booleans and numbers (such as True, 1)"),
        ([True, 1, "a"], "mixes booleans and numbers and text"),
    ],
)
def test_mixed_types_are_told_with_examples(values, said):
    with pytest.raises(DataError) as error:
        read(values, object)
    assert error.value.reason == "MixedTypes"
    assert f"the column 'column' {said}" in str(error.value)
    assert "or add it to data.exclude" in str(error.value)


def test_a_target_is_named_as_one_and_not_to_be_excluded():
    for values in ([1, "a"], [np.inf, 1.0], [date(2026, 11, 24)]):
        with pytest.raises((DataError, SpecError), match="the target 'column'") as error:
            read(values, object, is_target=True)
        assert "exclude" not in str(error.value)


def test_infinite_values_are_counted():
    with pytest.raises(DataError, match="holds 2 infinite values") as error:
        read([np.inf, -np.inf, 1.0])
    assert error.value.reason == "InfiniteValues"


def test_numbers_told_apart_are_the_text_that_json_gives_too():
    assert read([3, 1.5, None]).as_category().cells.tolist() == ["3", "1.5", None]
    assert [category_text(v) for v in (3, 3.0, Decimal("3.0"), np.int64(3), np.float32(3))] == ["3"] * 5
    column = read(["a"])
    assert column.as_category() is column
