"""What raw columns become."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from evermodel.artifact.frame import category_text
from evermodel.data.columns import as_moments, read_column
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
        ([True, False], "category", "category", "BOOL", ["true", "false"]),
        (["b", None], "category", "category", "BYTES", ["b", None]),
        ([None, None], "category", "number", "FP64", [None, None]),
        ([None, None], "str", "number", "FP64", [None, None]),
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
    ("values", "texts"),
    [
        ([datetime(2026, 11, 24, 7, tzinfo=UTC), None], ["2026-11-24T07:00:00Z", None]),
        ([datetime(2026, 11, 24, 7, tzinfo=timezone(timedelta(hours=7)))], ["2026-11-24T00:00:00Z"]),
        ([date(2026, 11, 24)], ["2026-11-24T00:00:00Z"]),
        ([pd.Timestamp("2026-11-24T07:30:00.25"), pd.NaT], ["2026-11-24T07:30:00.250000Z", None]),
        ([pd.Timestamp("0001-01-01"), pd.Timestamp("9999-12-31")], ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"]),
    ],
)
def test_dates_become_moments_in_utc(values, texts):
    for dtype in (None, object):
        column = read(values, dtype)
        assert (column.kind, column.datatype) == ("moment", "BYTES")
        assert column.cells.tolist() == texts
        assert column.missing.tolist() == [text is None for text in texts]


@pytest.mark.parametrize("value", [timedelta(hours=1), time(7), pd.Period("2026-11")])
def test_spans_and_times_of_the_day_are_no_features(value):
    with pytest.raises(SpecError, match=r"holds dates or times, .* or add it to data\.exclude") as error:
        read([value, value])
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


def test_a_column_gives_the_cells_of_the_rows_that_are_asked_for():
    # given rows in another order than the source's
    for values, cells in (([3, 1, 2, 1], [3.0, 1.0, 2.0, 1.0]), (["c", "a", None, "a"], ["c", "a", None, "a"])):
        column = read(values).ordered(np.array([3, 0, 2, 1]))
        assert len(column) == 4
        assert column.cells.tolist() == [cells[i] for i in (3, 0, 2, 1)]
        # then masks and positions are of the rows in that order
        assert column.at(np.array([True, False, True, False])).tolist() == [cells[3], cells[2]]
        assert column.at(np.array([1, 1])).tolist() == [cells[0], cells[0]]
        assert column.ordered(np.array([1, 0, 2, 3])).cells.tolist() == [cells[i] for i in (0, 3, 2, 1)]


def test_numbers_are_not_copied_until_they_are_asked_for():
    values = np.arange(5.0)
    column = read_column("n", pd.Series(values, copy=False))
    assert np.shares_memory(column.stored.values, values)
    assert not np.shares_memory(column.cells, values)


def test_text_that_is_taken_as_dates_becomes_moments():
    column = as_moments(read(["2026-11-24", None, "2026-11-24 07:30+07:00"]), "pipeline.prepare[0]")
    assert (column.kind, column.cells.tolist()) == ("moment", ["2026-11-24T00:00:00Z", None, "2026-11-24T00:30:00Z"])


@pytest.mark.parametrize("text", ["now", "today", "24.11.2026", "12", "", "2026-13-01", "soon"])
def test_text_that_is_no_date_is_told_with_its_number(text):
    with pytest.raises(
        DataError, match=r"pipeline\.prepare\[0\] takes the column 'column' as dates, and 2 of"
    ) as error:
        as_moments(read(["2026-11-24", text, text]), "pipeline.prepare[0]")
    assert error.value.reason == "NotADate"


def test_numbers_and_truths_that_are_taken_as_dates_stay_what_they_are():
    # the plan of the pipeline says what it needs instead
    for values in ([1, 2], [True, False]):
        column = read(values)
        assert as_moments(column, "pipeline.prepare[0]") is column
