"""Which rows are for the test."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.columns import read_column
from evermodel.data.dataset import make_dataset
from evermodel.data.digest import row_hashes
from evermodel.data.split import (
    held_out_rows,
    hold_out_groups,
    hold_out_latest,
    hold_out_rows,
    split_kind,
)
from evermodel.errors import DataError
from evermodel_api.training import TrainingSpec

CONTENTS = st.lists(st.integers(0, 30), min_size=2, max_size=80).filter(lambda rows: len(set(rows)) > 1)
SHARES = st.floats(0.05, 0.5)


def hashed(contents):
    return row_hashes([read_column("content", pd.Series(list(contents)))])


def no_strata(contents):
    return np.zeros(len(contents))


def spec_of(task="Classification", **split):
    return TrainingSpec.model_validate(
        {
            "target": "y",
            "task": task,
            "data": {"sources": [{"name": "s", "file": {"uri": "x.csv"}}], "split": split},
            "algorithms": [{"name": "a", "estimator": "GaussianNB" if task == "Classification" else "Ridge"}],
        }
    )


@settings(deadline=None)
@given(contents=CONTENTS, share=SHARES, seed=st.integers(0, 99), data=st.data())
def test_sides_follow_from_content_alone_and_equal_rows_share_theirs(contents, share, seed, data):
    order = data.draw(st.permutations(range(len(contents))))
    sides = hold_out_rows(hashed(contents), no_strata(contents), share, seed)
    shuffled = hold_out_rows(hashed([contents[i] for i in order]), no_strata(contents), share, seed)
    assert shuffled.tolist() == [sides[i] for i in order]
    side_of = dict(zip(contents, sides.tolist(), strict=True))
    assert [side_of[content] for content in contents] == sides.tolist()
    assert 0 < sides.sum() < len(sides)


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(2, 60), min_size=1, max_size=4),
    share=SHARES,
    seed=st.integers(0, 99),
)
def test_each_class_gives_its_share(sizes, share, seed):
    strata = np.repeat(np.arange(len(sizes), dtype=float), sizes)
    sides = hold_out_rows(hashed(range(len(strata))), strata, share, seed)
    for stratum, size in enumerate(sizes):
        held_out = sides[strata == stratum].sum()
        assert 0 < held_out < size
        assert abs(held_out - np.clip(share * size, 1, size - 1)) <= 1


@settings(deadline=None)
@given(rows=st.integers(100, 400), more=st.integers(1, 20), seed=st.integers(0, 99))
def test_rows_that_join_move_few_others(rows, more, seed):
    before = hold_out_rows(hashed(range(rows)), no_strata(range(rows)), 0.2, seed)
    after = hold_out_rows(hashed(range(rows + more)), no_strata(range(rows + more)), 0.2, seed)
    # the border moves by no more ranks than rows came
    assert (before != after[:rows]).sum() <= more


def test_another_seed_holds_out_other_rows():
    sides = [hold_out_rows(hashed(range(200)), no_strata(range(200)), 0.2, seed) for seed in (1, 1, 2)]
    assert (sides[0] == sides[1]).all()
    assert (sides[0] != sides[2]).sum() > 20


@settings(deadline=None)
@given(contents=CONTENTS, share=SHARES, seed=st.integers(0, 99), data=st.data())
def test_a_group_is_on_one_side(contents, share, seed, data):
    order = data.draw(st.permutations(range(len(contents))))
    sides = hold_out_groups(hashed(contents), share, seed)
    assert hold_out_groups(hashed([contents[i] for i in order]), share, seed).tolist() == [sides[i] for i in order]
    assert not {c for c, s in zip(contents, sides, strict=True) if s} & {
        c for c, s in zip(contents, sides, strict=True) if not s
    }
    assert 0 < sides.sum() < len(sides)


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=40), share=SHARES, seed=st.integers(0, 99))
def test_groups_come_as_near_to_the_share_as_one_group_may_be_off(sizes, share, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    sides = hold_out_groups(hashed(groups), share, seed)
    # no group that is left could be added, alone, to come nearer, unless nothing fitted at all
    wanted = share * len(groups)
    miss = abs(sides.sum() - wanted)
    left = [size for group, size in enumerate(sizes) if not sides[groups == group].any()]
    assert left
    one = len(set(groups[sides])) == 1
    assert one or all(abs(sides.sum() + size - wanted) >= miss for size in left)
    assert miss <= max(sizes)


def test_a_group_that_is_too_large_is_passed_over():
    # given one group with most of the rows, and whatever chance deals first
    groups = [0] * 80 + list(range(1, 21))
    for seed in range(10):
        sides = hold_out_groups(hashed(groups), 0.1, seed)
        assert sides.sum() == 10
    assert hold_out_groups(hashed([0] * 60 + [1] * 40), 0.1, 0).sum() == 40


@settings(deadline=None)
@given(
    moments=st.lists(st.integers(0, 12), min_size=2, max_size=60).filter(lambda moments: len(set(moments)) > 1),
    share=SHARES,
    data=st.data(),
)
def test_the_test_is_the_latest_rows(moments, share, data):
    # given rows of few moments, some of them equal
    contents = [moment * 100 + data.draw(st.integers(0, 3)) for moment in moments]
    order = data.draw(st.permutations(range(len(moments))))
    sides = hold_out_latest(np.array(moments), hashed(contents), share)
    shuffled = hold_out_latest(np.array(moments)[list(order)], hashed([contents[i] for i in order]), share)
    # then sides follow from content, no row that is held out is earlier, and equal rows share a side
    assert shuffled.tolist() == [sides[i] for i in order]
    assert 0 < sides.sum() < len(sides)
    assert np.array(moments)[sides].min() >= np.array(moments)[~sides].max()
    side_of = dict(zip(contents, sides.tolist(), strict=True))
    assert [side_of[content] for content in contents] == sides.tolist()
    # and the share is met as well as equal rows allow
    assert abs(sides.sum() - share * len(sides)) <= max(1, pd.Series(contents).value_counts().max())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda h, s: hold_out_rows(h, s, 0.2, 0, ["ill", "well"]), "the class 'well' has 1 distinct row"),
        (lambda h, s: hold_out_rows(h[4:], s[4:], 0.2, 0), "the data has 1 distinct row"),
        (lambda h, _: hold_out_groups(h[4:], 0.2, 0), "all rows have the same value"),
        (lambda h, s: hold_out_latest(s[4:], h[4:], 0.2), "all rows have the same moment"),
    ],
)
def test_too_few_rows_are_told(call, said):
    strata = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    with pytest.raises(DataError, match=said) as error:
        call(hashed([1, 2, 3, 4, 9, 9]), strata)
    assert error.value.reason == "TooFewRows"


@pytest.mark.parametrize(
    ("split", "task", "kind"),
    [
        ({}, "Classification", "Stratified"),
        ({}, "Regression", "Random"),
        ({"kind": "Random"}, "Classification", "Random"),
        ({"kind": "Stratified"}, "Classification", "Stratified"),
        ({"kind": "Group", "by": "who"}, "Regression", "Group"),
        ({"kind": "Time", "by": "at"}, "Classification", "Time"),
    ],
)
def test_a_split_is_made_as_the_spec_says(split, task, kind):
    # given 40 rows of 10 people over 40 days, of which one in four is of the second class
    n = np.arange(40)
    frame = pd.DataFrame(
        {"x": n * 1.5, "who": n % 10, "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(n, "D"), "y": (n % 4 == 0) * 1}
    )
    spec = spec_of(task, **split)
    dataset = make_dataset(frame, spec)
    # when they are divided
    sides = held_out_rows(dataset, spec)
    test, training = dataset.raw(sides), dataset.raw(~sides)
    # then a fifth is held out, as the kind says
    assert split_kind(spec) == kind
    assert len(test) == 8
    if kind == "Stratified":
        assert test["y"].sum() == 2
    if kind == "Group":
        assert not set(test["who"]) & set(training["who"])
    if kind == "Time":
        assert test["at"].min() > training["at"].max()
