"""Association: equal to the libraries' definitions, and nothing where there is only chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, spearmanr
from sklearn.metrics import mutual_info_score, roc_auc_score

from evermodel.data.eda_statistics import (
    bin_codes,
    centred_ranks,
    chi_squared,
    counts_of,
    cramers_v,
    eta,
    explained,
    folded_auc,
    pearson,
    spearman,
)

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(2, 200))
def test_two_classes_give_the_auc_of_scikit_learn_folded(seed, rows):
    generator = np.random.default_rng(seed)
    values, classes = generator.integers(0, 9, rows).astype(float), generator.integers(0, 2, rows)
    if len(set(classes)) < 2:
        assert folded_auc(values, classes, 2) == 0.5
        return
    expected = roc_auc_score(classes, values)
    assert folded_auc(values, classes, 2) == pytest.approx(max(expected, 1 - expected))
    assert folded_auc(-values, classes, 2) == pytest.approx(folded_auc(values, classes, 2))


def test_more_classes_give_the_mean_over_pairs_each_folded():
    # given three classes, where the middle one lies between the others
    values = np.array([1.0, 2, 3, 4, 5, 6])
    assert folded_auc(values, np.array([0, 0, 1, 1, 2, 2]), 3) == 1.0
    # and where one class lies on both sides of another: 0.5 for this pair, 1 and 1 for the others
    assert folded_auc(np.array([1.0, 3, 2, 2, 9, 9]), np.array([0, 0, 1, 1, 2, 2]), 3) == pytest.approx(2.5 / 3)
    # and where a class of the list has no row
    assert folded_auc(values, np.array([0, 0, 0, 3, 3, 3]), 4) == 1.0


@given(seeds, st.integers(3, 100))
def test_rank_correlation_is_that_of_scipy(seed, rows):
    generator = np.random.default_rng(seed)
    left, right = generator.integers(0, 20, rows).astype(float), generator.normal(size=rows)
    if len(set(left)) > 1:
        assert spearman(left, right) == pytest.approx(float(spearmanr(left, right).statistic), abs=1e-9)


@given(seeds, st.integers(1, 300))
def test_ranks_are_whole_numbers_around_zero(seed, rows):
    ranks = centred_ranks(np.random.default_rng(seed).integers(0, 10, rows).astype(float))
    assert (ranks == np.round(ranks)).all()
    assert ranks.sum() == 0


@given(seeds)
def test_chi_squared_is_that_of_scipy(seed):
    table = np.random.default_rng(seed).integers(1, 50, (3, 4)).astype(float)
    assert chi_squared(table) == pytest.approx(chi2_contingency(table, correction=False).statistic)


@given(seeds)
def test_counts_are_those_of_each_pair(seed):
    generator = np.random.default_rng(seed)
    left, right = generator.integers(0, 3, 50), generator.integers(0, 4, 50)
    table = counts_of(left, right, 3, 4)
    assert table.sum() == 50
    assert table[1, 2] == np.sum((left == 1) & (right == 2))


def test_the_same_thing_twice_is_all_and_a_constant_nothing():
    codes = np.repeat(np.arange(4), 50)
    same = counts_of(codes, codes, 4, 4)
    assert cramers_v(same) == pytest.approx(1.0)
    assert explained(same) == pytest.approx(1.0, abs=0.01)
    assert eta(codes, codes.astype(float)) == pytest.approx(1.0)
    constant = counts_of(codes * 0, codes, 1, 4)
    assert cramers_v(constant) == 0.0
    assert explained(constant) == pytest.approx(0.0)
    assert eta(codes * 0, codes.astype(float)) == 0.0
    assert pearson(codes.astype(float), np.full(200, 0.1)) == 0.0
    assert eta(codes, np.full(200, 0.1)) == 0.0
    # and the largest numbers there are are numbers like others
    assert eta(codes, np.where(codes > 1, 1.7e308, -1.7e308)) == pytest.approx(1.0)
    assert pearson(np.where(codes > 1, 1.7e308, -1.7e308), codes.astype(float)) > 0.8


def test_a_value_of_its_own_in_every_row_says_nothing():
    generator = np.random.default_rng(0)
    own, classes = np.arange(300), generator.integers(0, 2, 300)
    assert cramers_v(counts_of(own, classes, 300, 2)) == 0.0
    assert eta(own, generator.normal(size=300)) == 0.0


def test_what_chance_gives_is_taken_off():
    # given 300 draws of columns that have nothing to do with each other
    generator = np.random.default_rng(1)
    found = []
    for _ in range(300):
        codes, classes = generator.integers(0, 12, 200), generator.integers(0, 3, 200)
        table = counts_of(codes, classes, 12, 3)
        assert mutual_info_score(codes, classes) > 0
        found.append((cramers_v(table), explained(table), eta(codes, generator.normal(size=200))))
    # then they explain next to nothing, although their mutual information is never nothing
    assert np.mean(found, axis=0) == pytest.approx(0.0, abs=0.1)
    assert np.mean([share for _, share, _ in found]) < 0.015


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200), st.integers(2, 16))
def test_bins_keep_the_order_and_equal_values_together(values, bins):
    cells = np.array(values)
    codes, size = bin_codes(cells, bins)
    assert codes.min() >= 0
    assert codes.max() < size <= bins
    order = np.argsort(cells, kind="stable")
    assert (np.diff(codes[order]) >= 0).all()
    assert all(len(set(codes[cells == value].tolist())) == 1 for value in values)


@settings(max_examples=25)
@given(seeds)
def test_association_does_not_depend_on_the_order_of_rows(seed):
    generator = np.random.default_rng(seed)
    values, classes = generator.normal(size=60), generator.integers(0, 3, 60)
    mixed = generator.permutation(60)
    assert folded_auc(values, classes, 3) == folded_auc(values[mixed], classes[mixed], 3)
    assert spearman(values, classes.astype(float)) == pytest.approx(
        spearman(values[mixed], classes[mixed].astype(float))
    )
