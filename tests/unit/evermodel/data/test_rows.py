"""Cleaning that drops or merges rows."""

import pandas as pd
import pytest

from evermodel.data.dataset import make_dataset
from evermodel.data.rows import clean_rows
from evermodel.errors import DataError
from evermodel_api.training import RowStep, TrainingSpec

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


def test_a_dataset_is_ordered_by_content_and_keeps_all_columns_for_the_champion():
    spec = TrainingSpec.model_validate(
        {
            "target": "y",
            "task": "Regression",
            "data": {"sources": [{"name": "s", "file": {"uri": "x.csv"}}], "exclude": ["id"]},
            "algorithms": [{"name": "a", "estimator": "LinearRegression"}],
        }
    )
    frame = pd.DataFrame({"id": [1, 2, 3, 4], "x": [1.0, 2.0, 3.0, 4.0], "y": [5, 6, 7, 8]})
    one, other = make_dataset(frame, spec), make_dataset(frame.iloc[::-1].assign(id=9), spec)
    assert one.digest == other.digest
    assert [column.name for column in one.columns] == ["x"]
    assert one.columns[0].cells.tolist() == other.columns[0].cells.tolist() == one.raw["x"].tolist()
    assert sorted(one.raw["id"]) == [1, 2, 3, 4]
    assert (one.target.cells == one.raw["y"].to_numpy()).all()
    assert len(one) == 4
