"""Rows as the model takes them."""

import numpy as np
import pandas as pd
import pytest

from evermodel.artifact.build import column_signature
from evermodel.artifact.frame import estimator_frame, frame_from_rows, model_frame
from evermodel.artifact.profiling import build_baseline
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.errors import DataError

SIGNATURE = Signature(
    task="Regression",
    target="y",
    columns=[
        ColumnSignature(name="n", kind="number", datatype="FP64"),
        ColumnSignature(name="c", kind="category", datatype="BYTES"),
    ],
)


def test_cells_of_json_become_numbers_and_text():
    frame = frame_from_rows(SIGNATURE, [[1, "a"], [None, None], [2.5, 3], [True, True], [0, 3.0]])
    assert frame["n"].tolist()[::2] == [1.0, 2.5, 0.0]
    assert np.isnan(frame["n"][1])
    assert frame["n"].dtype == np.float64
    assert [None if pd.isna(cell) else cell for cell in frame["c"]] == ["a", None, "3", "true", "3"]


def test_no_rows_are_a_frame_too():
    assert frame_from_rows(SIGNATURE, []).shape == (0, 2)


@pytest.mark.parametrize(
    ("rows", "reason", "said"),
    [
        ([[1, "a"], [1]], "RowShape", "row 1: expected 2 values (n, c), got 1"),
        ([[1, "a", 2]], "RowShape", "row 0: expected 2 values (n, c), got 3"),
        ([[1, "a"], ["one", "a"]], "NumberExpected", "row 1, column 'n': expected a number, got 'one'"),
        ([["1", "a"], ["x", "a"]], "NumberExpected", "row 0, column 'n': expected a number, got '1'"),
    ],
)
def test_a_wrong_row_is_told_with_its_place(rows, reason, said):
    with pytest.raises(DataError) as error:
        frame_from_rows(SIGNATURE, rows)
    assert error.value.reason == reason
    assert str(error.value).startswith(said)


def test_columns_of_a_frame_are_found_by_name():
    raw = pd.DataFrame({"more": [1, 2], "c": ["a", None], "n": pd.array([1, None], dtype="Int64")}, index=[7, 8])
    frame = model_frame(SIGNATURE, raw)
    assert frame.columns.tolist() == ["n", "c"]
    assert frame.index.tolist() == [7, 8]
    assert np.isnan(frame.loc[8, "n"])
    with pytest.raises(DataError, match=r"the data lacks the column\(s\) n; it has more, c"):
        model_frame(SIGNATURE, raw[["more", "c"]])
    with pytest.raises(DataError, match="row 1, column 'n': expected a number, got 'x'"):
        model_frame(SIGNATURE, raw.assign(n=[None, "x"]))


@pytest.mark.parametrize("cells", [[None, "a"], [None, None], ["b", "a"]])
def test_scikit_learn_is_given_nan_for_a_missing_category_and_the_frame_stays_as_it_is(cells):
    frame = pd.DataFrame({"n": [1.0, 2.0], "c": pd.Series(cells, dtype=object)})
    before = frame.copy(deep=True)
    taken = estimator_frame(SIGNATURE, frame)
    assert [isinstance(cell, float) and np.isnan(cell) for cell in taken["c"]] == [cell is None for cell in cells]
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("scale", [1.0, 1e200])
def test_the_profile_of_numbers_is_made_of_numbers(scale):
    # given values, also such whose squares are no numbers
    values = np.array([3.0, np.nan, 1.0, 2.0]) * scale
    columns = [column_signature("n", "number", "FP64", values)]
    signature = Signature(task="Regression", target="y", columns=columns)
    # when they are profiled
    profile = build_baseline(signature, pd.DataFrame({"n": values}), {}).columns["n"]
    # then it is what it would be on another scale
    assert (profile.n, profile.missing) == (3, 1)
    assert np.array([profile.mean, profile.sd, profile.min, profile.max]) / scale == pytest.approx(
        [2, (2 / 3) ** 0.5, 1, 3]
    )
    assert profile.quantiles.tolist() == [1.0 * scale, 2.0 * scale, 3.0 * scale]
    assert (columns[0].min, columns[0].max, columns[0].missing) == (scale, 3 * scale, True)


def test_the_profile_of_many_numbers_is_their_quantiles_and_of_none_is_empty():
    signature = Signature(task="Regression", target="y", columns=[column_signature("n", "number", "FP64", np.empty(0))])
    many = np.random.default_rng(0).permutation(25_000).astype(float)
    profile = build_baseline(signature, pd.DataFrame({"n": many}), {}).columns["n"]
    quantiles = profile.quantiles
    assert (profile.n, len(quantiles), quantiles[0], quantiles[-1]) == (25_000, 10_000, 0.0, 24_999.0)
    assert np.all(np.diff(quantiles) >= 0)
    none = build_baseline(signature, pd.DataFrame({"n": [np.nan, np.nan]}), {}).columns["n"]
    assert (none.n, none.missing, none.dump()["quantiles"]) == (0, 2, "")


def test_the_profile_of_categories_counts_them():
    cells = np.array(["b", None, "a", "b"], dtype=object)
    columns = [column_signature("c", "category", "BYTES", cells)]
    assert columns[0].levels == ["a", "b"]
    signature = Signature(task="Regression", target="y", columns=columns)
    profile = build_baseline(signature, pd.DataFrame({"c": cells}), {"rmse": 1.0}).columns["c"]
    assert (profile.n, profile.missing, profile.counts) == (3, 1, {"a": 1, "b": 2})
