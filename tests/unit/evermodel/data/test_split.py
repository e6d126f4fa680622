"""Which rows are for the test: decided by content, so that it stays from run to run."""

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.split import fold_numbers, held_out_rows
from evermodel.errors import DataError

CONTENTS = st.lists(st.integers(0, 60), min_size=10, max_size=120)


def hashed(contents):
    return np.array([sha256(str(content).encode()).digest() for content in contents], dtype="S32")


def no_strata(contents):
    return np.zeros(len(contents))


@settings(deadline=None)
@given(contents=CONTENTS, seed=st.integers(0, 99), data=st.data())
def test_a_row_has_one_side_whatever_the_order_and_however_often_it_comes(contents, seed, data):
    if len(set(contents)) < 2:
        contents = [*contents, 98, 99]
    order = data.draw(st.permutations(range(len(contents))))
    sides = held_out_rows(hashed(contents), no_strata(contents), 0.2, seed)
    shuffled = held_out_rows(hashed([contents[i] for i in order]), no_strata(contents), 0.2, seed)
    assert shuffled.tolist() == [sides[i] for i in order]
    assert all(len({bool(sides[i]) for i, c in enumerate(contents) if c == one}) == 1 for one in set(contents))
    assert 0 < sides.sum() < len(sides)


@settings(deadline=None)
@given(rows=st.integers(50, 400), share=st.floats(0.05, 0.5), seed=st.integers(0, 2**32 - 1), weights=st.integers(1, 9))
def test_the_share_is_kept_in_every_stratum(rows, share, seed, weights):
    strata = (np.arange(rows) % (weights + 1) == 0).astype(float)
    held_out = held_out_rows(hashed(range(rows)), strata, share, seed)
    for stratum in (0.0, 1.0):
        inside = strata == stratum
        if inside.sum() >= 2:
            wanted = min(max(share * inside.sum(), 1), inside.sum() - 1)
            assert abs(held_out[inside].sum() - wanted) <= 1


@settings(deadline=None)
@given(rows=st.integers(100, 400), more=st.integers(1, 20), seed=st.integers(0, 99))
def test_rows_that_join_move_few_others(rows, more, seed):
    before = held_out_rows(hashed(range(rows)), no_strata(range(rows)), 0.2, seed)
    after = held_out_rows(hashed(range(rows + more)), no_strata(range(rows + more)), 0.2, seed)
    # the border moves by no more ranks than rows came
    assert (before != after[:rows]).sum() <= more


def test_another_seed_holds_out_other_rows():
    sides = [held_out_rows(hashed(range(200)), no_strata(range(200)), 0.2, seed) for seed in (1, 1, 2)]
    assert (sides[0] == sides[1]).all()
    assert (sides[0] != sides[2]).sum() > 20


@settings(deadline=None)
@given(contents=CONTENTS, folds=st.integers(2, 5), seed=st.integers(0, 99), data=st.data())
def test_folds_hold_equal_rows_together_in_any_order_and_are_of_like_size(contents, folds, seed, data):
    contents = [*contents, *range(100, 100 + folds)]
    order = data.draw(st.permutations(range(len(contents))))
    numbers = fold_numbers(hashed(contents), no_strata(contents), folds, seed)
    shuffled = fold_numbers(hashed([contents[i] for i in order]), no_strata(contents), folds, seed)
    assert shuffled.tolist() == [numbers[i] for i in order]
    fold_of = dict(zip(contents, numbers.tolist(), strict=True))
    assert [fold_of[content] for content in contents] == numbers.tolist()
    sizes = np.bincount(list(fold_of.values()), minlength=folds)
    assert sizes.max() - sizes.min() <= 1


def test_the_fold_of_a_row_does_not_follow_from_its_side():
    # given rows that are not held out with the same seed
    hashes = hashed(range(1000))
    kept = hashes[~held_out_rows(hashes, no_strata(hashes), 0.5, 3)]
    # then the folds are of like size among them
    assert np.bincount(fold_numbers(kept, no_strata(kept), 5, 3)).tolist() == [len(kept) // 5] * 5


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda h, s: held_out_rows(h, s, 0.2, 0, ["ill", "well"]), "the class 'well' has 1 distinct row"),
        (lambda h, s: held_out_rows(h[4:], s[4:], 0.2, 0), "the data has 1 distinct row"),
        (
            lambda h, s: fold_numbers(h, s, 3, 0, ["ill", "well"]),
            "the class 'well' has 1 distinct training rows, and 3",
        ),
    ],
)
def test_too_few_rows_are_told_with_their_class(call, said):
    strata = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    with pytest.raises(DataError, match=said) as error:
        call(hashed([1, 2, 3, 4, 9, 9]), strata)
    assert error.value.reason == "TooFewRows"
