"""Cleaning that drops or merges rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.rows import clean_rows
from evermodel.errors import DataError
from evermodel_api.training import RowStep

VISITS = pd.DataFrame(
    {
        "patient": ["a", "b", "a", "b", "a"],
        "at": pd.to_datetime(["2026-01-03", "2026-01-01", "2026-01-01", None, "2026-01-02"]),
        "value": [1, 2, 3, 4, None],
    }
)


def cleaned(*steps: dict):
    return clean_rows(VISITS, [RowStep.model_validate(step) for step in steps])["value"].tolist()


def test_the_newest_of_equal_rows_stays_where_it_was():
    assert cleaned({"dedupe": {"keys": ["patient"], "by": "at"}}) == [1, 2]


def test_the_oldest_of_equal_rows_stays_and_a_row_without_a_time_is_the_oldest():
    assert cleaned({"dedupe": {"keys": ["patient"], "by": "at", "keep": "first"}}) == [3, 4]


def test_without_an_order_the_source_gives_it():
    assert cleaned({"dedupe": {"keys": ["patient"], "keep": "first"}}) == [1, 2]
    assert pd.isna(cleaned({"dedupe": {"keys": ["patient"]}})).tolist() == [False, True]


def test_steps_are_done_in_order():
    drop, merge = {"dropMissing": {"columns": ["value"]}}, {"dedupe": {"keys": ["patient"]}}
    assert cleaned(drop, merge) == [3, 4]
    assert cleaned(merge, drop) == [4]


def test_what_cannot_be_ordered_is_told():
    frame = VISITS.assign(at=["x", 1, "y", 2, None])
    with pytest.raises(DataError, match=r"data\.rows\[0\]\.dedupe\.by: the column 'at' cannot be ordered") as error:
        clean_rows(frame, [RowStep.model_validate({"dedupe": {"keys": ["patient"], "by": "at"}})])
    assert error.value.reason == "MixedTypes"


@pytest.mark.parametrize("key", [[1, 2], {"a": 1}])
def test_keys_that_cannot_be_compared_are_told(key):
    frame = VISITS.assign(key=[key] * 5)
    with pytest.raises(DataError, match=r"data\.rows\[0\]\.dedupe\.keys") as error:
        clean_rows(frame, [RowStep.model_validate({"dedupe": {"keys": ["key", "patient"]}})])
    assert error.value.reason == "MixedTypes"


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=20
    ),
    keep=st.sampled_from(["first", "last"]),
    data=st.data(),
)
def test_which_row_stays_does_not_depend_on_the_order_of_the_source(rows, keep, data):
    # given rows of few keys and moments, so that many are tied
    def left(listed):
        frame = pd.DataFrame(listed, columns=["key", "at", "value"], dtype=object)
        step = RowStep.model_validate({"dedupe": {"keys": ["key"], "by": "at", "keep": keep}})
        kept = clean_rows(frame, [step])
        return sorted(map(repr, kept.itertuples(index=False, name=None)))

    assert left(rows) == left(data.draw(st.permutations(rows)))
    # and one row of each key stays
    assert len(left(rows)) == len({key for key, _, _ in rows})


def test_ties_between_rows_with_lists_are_broken_too():
    step = RowStep.model_validate({"dedupe": {"keys": ["key"], "by": "at"}})
    frame = pd.DataFrame({"key": ["a", "a"], "at": [1, 1], "value": [[1], [2]]})
    one, other = clean_rows(frame, [step]), clean_rows(frame.iloc[::-1], [step])
    assert one["value"].tolist() == other["value"].tolist()


def test_rows_are_not_copied_when_all_are_left():
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [1, 2]}, index=[5, 5])
    step = RowStep.model_validate({"dropMissing": {"columns": ["x"]}})
    kept = clean_rows(frame, [step])
    assert np.shares_memory(kept["x"].to_numpy(), frame["x"].to_numpy())
    assert kept.index.tolist() == [0, 1]


def test_no_rows_are_told_apart_from_none_that_are_left():
    with pytest.raises(DataError, match="the source gave no rows"):
        clean_rows(VISITS.head(0), [])
    with pytest.raises(DataError, match=r"data\.rows\[1\] left none of 5 rows") as error:
        clean_rows(
            VISITS.assign(nothing=None),
            [RowStep.model_validate({"dropMissing": {"columns": [name]}}) for name in ("value", "nothing")],
        )
    assert error.value.reason == "NoRows"


def test_augment_is_no_cleaning():
    left = cleaned({"augment": {"method": "oversample"}})
    assert left == pytest.approx(VISITS["value"].tolist(), nan_ok=True)
