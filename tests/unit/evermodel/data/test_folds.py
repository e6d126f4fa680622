"""Which rows candidates are validated on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.folds import cv_kind, fold_numbers, make_folds, stratified_folds
from evermodel.data.split import hold_out_rows
from evermodel.errors import DataError
from tests.unit.evermodel.data.test_split import hashed, no_strata, spec_of

CONTENTS = st.lists(st.integers(0, 30), min_size=2, max_size=80)
FOLDS = st.integers(2, 5)


@settings(deadline=None)
@given(contents=CONTENTS, folds=FOLDS, seed=st.integers(0, 99), data=st.data())
def test_folds_hold_equal_rows_together_in_any_order_and_are_of_like_size(contents, folds, seed, data):
    contents = [*contents, *range(100, 100 + folds)]
    order = data.draw(st.permutations(range(len(contents))))
    numbers = fold_numbers(hashed(contents), no_strata(contents), folds, seed)
    shuffled = fold_numbers(hashed([contents[i] for i in order]), no_strata(contents), folds, seed)
    assert shuffled.tolist() == [numbers[i] for i in order]
    fold_of = dict(zip(contents, numbers.tolist(), strict=True))
    assert [fold_of[content] for content in contents] == numbers.tolist()
    rows = np.bincount(numbers, minlength=folds)
    assert rows.min() > 0
    largest = max(contents.count(content) for content in contents)
    if largest * folds <= len(contents):  # else one content fills a fold by itself
        assert rows.max() - rows.min() <= 2 * largest


@settings(deadline=None)
@given(rows=st.integers(10, 80), folds=FOLDS, kind=st.sampled_from(["KFold", "StratifiedKFold", "GroupKFold"]))
def test_each_row_is_validated_once_and_never_by_a_fit_that_saw_it(rows, folds, kind):
    strata = np.arange(rows) % 2.0
    parts = make_folds(kind, folds, 3, hashes=hashed(range(rows)), strata=strata, groups=hashed(np.arange(rows) // 2))
    assert len(parts) == folds
    for training, validation in parts:
        assert (training != validation).all()
        assert validation.any()
        assert training.any()
    assert (np.sum([validation for _, validation in parts], axis=0) == 1).all()


def test_the_fold_of_a_row_does_not_follow_from_its_side():
    # given rows that are not held out with the same seed
    hashes = hashed(range(1000))
    kept = hashes[~hold_out_rows(hashes, no_strata(hashes), 0.5, 3)]
    # then the folds are of like size among them
    assert np.bincount(fold_numbers(kept, no_strata(kept), 5, 3)).tolist() == [len(kept) // 5] * 5


def test_strata_keep_their_shares():
    strata = np.array([0.0] * 80 + [1.0] * 20)
    for _, validation in stratified_folds(hashed(range(100)), strata, 5, 0):
        assert validation[strata == 0].sum() == 16
        assert validation[strata == 1].sum() == 4


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=5, max_size=30), folds=FOLDS, seed=st.integers(0, 9), data=st.data())
def test_a_group_is_in_one_fold_and_folds_are_near_in_size(sizes, folds, seed, data):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    order = data.draw(st.permutations(range(len(groups))))
    parts = make_folds("GroupKFold", folds, seed, hashes=hashed(range(len(groups))), groups=hashed(groups))
    others = make_folds("GroupKFold", folds, seed, hashes=hashed(order), groups=hashed(groups[list(order)]))
    for (training, validation), (_, shuffled) in zip(parts, others, strict=True):
        assert not set(groups[training]) & set(groups[validation])
        assert shuffled.tolist() == [validation[i] for i in order]
    counts = [int(validation.sum()) for _, validation in parts]
    assert max(counts) - min(counts) <= max(sizes)


@settings(deadline=None)
@given(moments=st.lists(st.integers(0, 20), min_size=6, max_size=60), folds=FOLDS, data=st.data())
def test_in_time_nothing_later_is_learnt_from(moments, folds, data):
    # given rows of few moments, all different
    moments = np.array(moments)
    hashes = hashed(range(len(moments)))
    order = np.array(data.draw(st.permutations(range(len(moments)))))
    parts = make_folds("TimeSeriesSplit", folds, 0, hashes=hashes, moments=moments)
    # then no row is fitted on that is later than one it is measured on, and more is learnt from each time
    seen = 0
    for training, validation in parts:
        assert moments[training].max() <= moments[validation].min()
        assert not (training & validation).any()
        assert training.sum() > seen
        seen = int(training.sum())
    assert (parts[-1][0] | parts[-1][1]).all(), "the last fold is validated on the latest rows"
    # and parts are of like size
    counts = [int(validation.sum()) for _, validation in parts]
    assert max(counts) - min(counts) <= 2
    # and the order of rows does not matter
    shuffled = make_folds("TimeSeriesSplit", folds, 0, hashes=hashes[order], moments=moments[order])
    for one, other in zip(parts, shuffled, strict=True):
        assert (other[0] == one[0][order]).all()
        assert (other[1] == one[1][order]).all()


@settings(deadline=None)
@given(
    contents=st.lists(st.integers(0, 9), min_size=10, max_size=60).filter(lambda c: len(set(c)) > 4),
    folds=st.integers(2, 4),
)
def test_in_time_equal_rows_stay_together(contents, folds):
    moments = np.array(contents) // 3
    for training, validation in make_folds("TimeSeriesSplit", folds, 0, hashes=hashed(contents), moments=moments):
        assert not set(np.array(contents)[training]) & set(np.array(contents)[validation])
        assert validation.any()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("StratifiedKFold", "the class 'well' has 1 distinct training rows, and 3"),
        ("KFold", "the data has 2 distinct training rows, and 3"),
        ("GroupKFold", "the training rows are of 2 groups, and 3 folds"),
        ("TimeSeriesSplit", "there are 2 distinct training rows in time, and 3 folds need at least 4"),
    ],
)
def test_too_few_rows_are_told(kind, said):
    contents = [1, 1, 2, 2] if kind != "StratifiedKFold" else [1, 2, 3, 4]
    with pytest.raises(DataError, match=said) as error:
        make_folds(
            kind,
            3,
            0,
            hashes=hashed(contents),
            strata=np.array([0.0, 0.0, 0.0, 1.0]),
            groups=hashed(contents),
            moments=np.array(contents),
            classes=["ill", "well"],
        )
    assert error.value.reason == "TooFewRows"


@pytest.mark.parametrize(
    ("split", "task", "cv", "kind"),
    [
        ({}, "Classification", {}, "StratifiedKFold"),
        ({}, "Classification", None, "StratifiedKFold"),
        ({"kind": "Random"}, "Classification", {"folds": 3}, "StratifiedKFold"),
        ({}, "Classification", {"kind": "KFold"}, "KFold"),
        ({}, "Regression", {}, "KFold"),
        ({"kind": "Group", "by": "who"}, "Classification", {}, "GroupKFold"),
        ({"kind": "Time", "by": "at"}, "Regression", {}, "TimeSeriesSplit"),
    ],
)
def test_folds_fit_the_split_where_the_spec_says_nothing(split, task, cv, kind):
    spec = spec_of(task, **split)
    validation = type(spec.validation).model_validate({} if cv is None else {"cv": cv})
    assert cv_kind(spec.model_copy(update={"validation": validation})) == kind
