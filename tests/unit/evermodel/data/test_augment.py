"""Making more rows of the rows of one fit, or fewer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.augment import augment, check_augment
from evermodel.data.columns import read_column
from evermodel.data.digest import row_hashes
from evermodel.errors import SpecError
from evermodel_api.training import Augment, TrainingSpec

JITTER = Augment.model_validate({"method": "jitter", "columns": ["x"], "scale": 0.1, "times": 2})
OVER, UNDER = Augment(method="oversample"), Augment(method="undersample")
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", None]), st.sampled_from([0.0, 1.0, 2.0])),
    min_size=1,
    max_size=30,
)
STEPS = st.lists(st.sampled_from([JITTER, OVER, UNDER]), max_size=3)


def made(rows, steps, seed=0):
    frame = pd.DataFrame(rows, columns=["x", "c", "y"]).astype({"x": "float64", "c": object})
    hashes = row_hashes(
        [read_column("x", frame["x"]), read_column("c", frame["c"].fillna("none")), read_column("y", frame["y"])]
    )
    return augment(frame[["x", "c"]], frame["y"].to_numpy(dtype=float), hashes, steps, seed)


@settings(deadline=None)
@given(rows=ROWS, steps=STEPS, seed=st.integers(0, 9), data=st.data())
def test_what_is_made_does_not_depend_on_the_order_of_rows(rows, steps, seed, data):
    frame, truth = made(rows, steps, seed)
    other, other_truth = made(data.draw(st.permutations(rows)), steps, seed)
    pd.testing.assert_frame_equal(frame, other)
    assert truth.tolist() == other_truth.tolist()
    assert frame.index.tolist() == list(range(len(truth)))


@settings(deadline=None)
@given(rows=ROWS, steps=STEPS, seed=st.integers(0, 9))
def test_nothing_is_made_but_of_the_rows_that_were_given(rows, steps, seed):
    frame, truth = made(rows, steps, seed)
    given_pairs = {(c or "none", y) for _, c, y in rows}
    assert set(zip(frame["c"].fillna("none"), truth.tolist(), strict=True)) <= given_pairs
    # noise is small beside what a value of another row would be: seven standard deviations of ten percent
    values = np.array([x for x, _, _ in rows], dtype=float)
    furthest = np.abs(frame["x"].to_numpy()[:, None] - values).min(axis=1).max()
    assert furthest <= 7 * 0.1 * max(values.std(), frame["x"].std(ddof=0)) * max(1, len(steps))


@settings(deadline=None)
@given(rows=ROWS, seed=st.integers(0, 9))
def test_classes_are_balanced(rows, seed):
    counts = pd.Series([y for _, _, y in rows]).value_counts()
    for step, wanted in ((OVER, counts.max()), (UNDER, counts.min())):
        frame, truth = made(rows, [step], seed)
        assert pd.Series(truth).value_counts().to_dict() == dict.fromkeys(counts.index, wanted)
        left = pd.Series(list(zip(frame["x"], frame["c"].fillna("none"), truth, strict=True))).value_counts()
        given_rows = pd.Series([(x, c or "none", y) for x, c, y in rows]).value_counts()
        for row, count in given_rows.items():
            if step is UNDER:
                assert left.get(row, 0) <= count, "a row came more often than it was there"
            else:  # each row is repeated as often as any other of its class, or once more
                assert left[row] // count in (wanted // counts[row[2]], wanted // counts[row[2]] + 1)


def test_jitter_adds_copies_with_noise_of_the_columns_own_spread():
    rows = [(x, "a", 0.0) for x in range(2000)]
    frame, truth = made(rows, [JITTER])
    assert len(frame) == len(truth) == 6000
    # the rows themselves stay as they are, in the order of their content
    own = frame["x"].head(2000).to_numpy()
    assert sorted(own) == list(range(2000))
    sd = np.std(np.arange(2000))
    for copy in (1, 2):
        noise = frame["x"].to_numpy()[copy * 2000 : (copy + 1) * 2000] - own
        assert abs(noise.mean()) < 5 * 0.1 * sd / np.sqrt(2000)
        assert noise.std() == pytest.approx(0.1 * sd, rel=0.1)
    # and copies differ, as do columns and seeds
    assert frame["x"][2000:4000].tolist() != frame["x"][4000:].tolist()
    assert made(rows, [JITTER], 1)[0]["x"].tolist() != frame["x"].tolist()
    assert set(frame["c"]) == {"a"}


def test_the_noise_of_a_row_follows_from_its_content():
    # given rows that join without changing the column's spread
    rows = [(x, "a", 0.0) for x in (0, 10)]
    few, _ = made(rows, [JITTER])
    more, _ = made([*rows, (0, "b", 0.0), (10, "b", 0.0)], [JITTER])
    # then the noise of the others stays
    assert set(few["x"]) <= set(more["x"][more["c"] == "a"])


def test_equal_rows_get_noise_of_their_own():
    frame, _ = made([(1, "a", 0.0), (1, "a", 0.0), (2, "a", 0.0)], [JITTER])
    assert frame["x"].nunique() == 2 + 6


def test_missing_numbers_stay_missing_and_a_constant_stays_constant():
    hashes = row_hashes([read_column("n", pd.Series(range(4)))])
    frame = pd.DataFrame({"x": [1.0, np.nan, 3.0, np.nan], "z": [7.0] * 4, "none": [np.nan] * 4})
    step = Augment.model_validate({"method": "jitter", "columns": ["x", "z", "none"]})
    result, _ = augment(frame, np.zeros(4), hashes, [step], 0)
    assert result["x"].isna().sum() == 4
    assert set(result["z"]) == {7.0}
    assert result["none"].isna().all()


def test_no_steps_give_the_rows_in_the_order_of_their_content():
    frame, truth = made([(3, "a", 1.0), (1, "b", 0.0)], [])
    assert sorted(zip(frame["x"], frame["c"], truth, strict=True)) == [(1, "b", 0.0), (3, "a", 1.0)]


@pytest.mark.parametrize(
    ("step", "task", "said"),
    [
        (
            {"method": "jitter", "columns": ["c"]},
            "Classification",
            r"data\.rows\[1\]\.augment\.columns names 'c', which is a category",
        ),
        (
            {"method": "jitter", "columns": ["id"]},
            "Classification",
            r"names 'id', which is no column that the model takes",
        ),
        ({"method": "oversample"}, "Regression", r"data\.rows\[1\]\.augment\.method oversample balances classes"),
    ],
)
def test_what_cannot_be_augmented_is_told_before_any_fit(step, task, said):
    spec = TrainingSpec.model_validate(
        {
            "target": "y",
            "task": task,
            "data": {
                "sources": [{"name": "s", "file": {"uri": "x.csv"}}],
                "rows": [{"dropMissing": {"columns": ["y"]}}, {"augment": step}],
            },
            "algorithms": [{"name": "a", "estimator": "GaussianNB" if task == "Classification" else "Ridge"}],
        }
    )
    columns = [read_column("x", pd.Series([1.0])), read_column("c", pd.Series(["a"]))]
    with pytest.raises(SpecError, match=said) as error:
        check_augment(spec, columns)
    assert error.value.reason == "AugmentInvalid"
    right = spec.model_copy(update={"data": spec.data.model_copy(update={"rows": spec.data.rows[:1]})})
    check_augment(right, columns)
