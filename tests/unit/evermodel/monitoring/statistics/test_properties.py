"""What holds for all samples, and what odd samples give."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from evermodel.monitoring.statistics import energy, ks, wasserstein
from evermodel.monitoring.statistics.bins import count_between, count_within, decile_edges, width_edges
from evermodel.monitoring.statistics.chi2 import chi2
from evermodel.monitoring.statistics.contrast import contrast
from evermodel.monitoring.statistics.domain_classifier import domain_classifier
from evermodel.monitoring.statistics.false_discovery import benjamini_hochberg
from evermodel.monitoring.statistics.hellinger import hellinger
from evermodel.monitoring.statistics.jensen_shannon import jensen_shannon
from evermodel.monitoring.statistics.kullback_leibler import kullback_leibler
from evermodel.monitoring.statistics.l_infinity import l_infinity
from evermodel.monitoring.statistics.levels import pooled, table
from evermodel.monitoring.statistics.mmd import mmd
from evermodel.monitoring.statistics.psi import psi
from tests.unit.evermodel.monitoring.statistics import samples
from tests.unit.evermodel.monitoring.statistics.null_draws import NUMBERS

OF_COUNTS = [psi, jensen_shannon, hellinger, l_infinity, chi2, kullback_leibler]
SYMMETRIC = [psi, jensen_shannon, hellinger, l_infinity, chi2]
values = st.lists(st.one_of(st.floats(-1e6, 1e6), st.integers(0, 3).map(float)), min_size=1, max_size=40)
counts = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=12)


def by_ks(reference, current):
    return ks.ks(contrast(reference, current), reference.size)


@given(values, values)
def test_the_gap_is_that_of_every_point(left, right):
    a, b = np.sort(np.array(left)), np.sort(np.array(right))
    points = np.concatenate([a, b])
    gaps = np.abs(np.searchsorted(a, points, "right") / a.size - np.searchsorted(b, points, "right") / b.size)
    assert by_ks(a, b).value == pytest.approx(gaps.max(), abs=1e-12)
    assert by_ks(a, b).value == pytest.approx(by_ks(b, a).value, abs=1e-12)
    assert 0.0 <= by_ks(a, b).p <= 1.0


@given(values, values)
def test_areas_are_those_of_scipy_and_symmetric(left, right):
    a, b = np.sort(np.array(left)), np.sort(np.array(right))
    forth, back = contrast(a, b), contrast(b, a)
    assert wasserstein.distance(forth) == pytest.approx(scipy.stats.wasserstein_distance(a, b), rel=1e-9, abs=1e-9)
    assert energy.distance(forth) == pytest.approx(scipy.stats.energy_distance(a, b), rel=1e-6, abs=1e-5)
    assert wasserstein.distance(back) == pytest.approx(wasserstein.distance(forth), rel=1e-9, abs=1e-9)


@given(counts)
def test_comparisons_of_counts_are_bounded_and_symmetric(pairs):
    ref, cur = np.array(pairs, dtype=float).T
    for statistic in OF_COUNTS:
        found = statistic(ref, cur)
        if ref.sum() == 0 or cur.sum() == 0:
            assert math.isnan(found.value)
            continue
        assert found.value >= -1e-12
        assert 0.0 <= found.p <= 1.0
        if statistic in SYMMETRIC:
            assert statistic(cur, ref).value == pytest.approx(found.value, abs=1e-9)
            assert statistic(cur, ref).p == pytest.approx(found.p, abs=1e-9)
        assert statistic(ref[::-1], cur[::-1]).value == pytest.approx(found.value, abs=1e-9)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1024.0), (3.0, 0.5), (-7.0, 1.0)])
def test_neither_unit_nor_zero_of_a_column_matters(name, shift, scale):
    reference, current = samples.a()
    before = NUMBERS[name](reference, current, 0.01)
    after = NUMBERS[name](reference * scale + shift, current * scale + shift, 0.01)
    assert after.value == pytest.approx(before.value, rel=1e-6)
    assert after.p == pytest.approx(before.p, rel=1e-3, abs=1e-12)
    assert after.limit == pytest.approx(before.limit, rel=1e-6)


@pytest.mark.parametrize("name", NUMBERS)
def test_limits_shrink_as_windows_grow(name):
    reference = np.sort(np.random.default_rng(0).normal(size=3000))
    limits = [
        NUMBERS[name](reference, np.sort(np.random.default_rng(n).normal(size=n)), 0.01).limit
        for n in (50, 200, 1000, 5000, 50000)
    ]
    assert all(math.isfinite(limit) and limit > 0 for limit in limits)
    assert limits == sorted(limits, reverse=True)


@pytest.mark.parametrize("statistic", OF_COUNTS[:4])
def test_limits_of_counts_shrink_as_windows_grow(statistic):
    shares, ref = np.array([0.4, 0.3, 0.2, 0.1]), np.array([400.0, 300.0, 200.0, 100.0])
    limits = [statistic(ref, shares * n).limit for n in (50, 200, 1000, 50000)]
    assert limits == sorted(limits, reverse=True)


@given(st.lists(st.floats(0, 1), max_size=30))
def test_benjamini_hochberg(ps):
    expected = scipy.stats.false_discovery_control(ps) if ps else []
    assert benjamini_hochberg(ps) == pytest.approx(list(expected), rel=1e-12)


def test_a_missing_p_counts_for_no_test():
    adjusted = benjamini_hochberg([0.01, math.nan, 0.04])
    assert adjusted[::2] == pytest.approx([0.02, 0.04])
    assert math.isnan(adjusted[1])


@pytest.mark.parametrize("sizes", [(50, 30), (800, 500), (20000, 700)])
@pytest.mark.parametrize("z", [0.5, 0.9, 1.2, 1.63, 2.0, 3.0, 5.0])
def test_the_asymptotic_law_of_ks(sizes, z):
    n = round(sizes[0] * sizes[1] / sum(sizes))
    distance = min(z / math.sqrt(n), 1.0)
    ours, theirs = ks.asymptotic_p(distance, *sizes), scipy.stats.kstwo.sf(distance, n)
    assert ours == pytest.approx(theirs, rel=1e-6 if theirs < 0.01 else 0.05)


@pytest.mark.parametrize(("z", "within"), [(0.9, 1e-3), (1.63, 2e-3), (2.1, 2e-3), (3.0, 1e-2)])
def test_the_law_of_ks_for_large_samples(z, within):
    sizes = (1_000_000, 6_000)
    n = round(sizes[0] * sizes[1] / sum(sizes))
    ours, theirs = ks.asymptotic_p(z / math.sqrt(n), *sizes), scipy.stats.kstwo.sf(z / math.sqrt(n), n)
    assert ours == pytest.approx(theirs, rel=within)


@given(st.integers(1, 25), st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_the_exact_law_of_ks(n, m, seed):
    random = np.random.default_rng(seed)
    a, b = random.normal(size=n), random.normal(0.5, size=m)
    theirs = scipy.stats.ks_2samp(a, b, method="exact")
    assert ks.exact_p(theirs.statistic, n, m) == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize("far", [np.inf, 1e308])
def test_infinities_and_enormous_values_are_far_and_not_endless(far):
    reference = np.linspace(0, 1, 500)
    current = np.sort(np.append(np.linspace(0, 1, 250), [far] * 250))
    assert by_ks(reference, current).value == pytest.approx(0.5, abs=0.01)
    sides = contrast(reference, current)
    for statistic in (wasserstein.wasserstein, energy.energy):
        assert math.isfinite(statistic(sides, 0.29, 0.5, 500).value)


@pytest.mark.parametrize("values", [[np.inf] * 4, [-np.inf, np.inf], [-1e308, 1e308], [5.0]])
def test_odd_references(values):
    reference, current = np.array(values), np.array([0.0, 1.0])
    for name, statistic in NUMBERS.items():
        with np.errstate(all="ignore"):
            found = statistic(reference, current, 0.01) if np.isfinite(values).all() or name == "ks" else None
        assert found is None or math.isfinite(found.value)
    for edges, count in ((decile_edges(reference), count_between), (width_edges(reference), count_within)):
        assert count(edges, current).sum() == 2


def test_an_equal_constant_is_no_drift_and_another_one_is():
    constant = np.full(300, 0.3)

    def by_area(current):
        return wasserstein.wasserstein(contrast(constant, np.full(200, current)), 0.0, 0.3, 300)

    assert by_area(0.1 + 0.2).value < 0.1 < by_area(0.4).value
    assert by_area(0.4).p == 0.0


def test_one_level_on_both_sides_is_the_same():
    for statistic in OF_COUNTS:
        found = statistic(*pooled(*table({"a": 500}, {"a": 20})))
        assert (found.value, found.p) == (0.0, 1.0)


def test_a_level_for_each_row_is_no_drift_by_itself():
    sides = pooled(*table({f"r{i}": 1 for i in range(3000)}, {f"c{i}": 1 for i in range(500)}))
    assert chi2(*sides).p == 1.0
    assert psi(*sides).value == 0.0


def test_one_row_of_a_new_level_has_no_effect():
    assert psi(*pooled(*table({"a": 15000, "b": 5000}, {"a": 150, "b": 49, "new": 1}))).value < 0.1


def test_rows_that_depend_on_each_other_otherwise_are_told_apart():
    # given two columns with the same distributions each, and another dependence
    random = np.random.default_rng(3)
    x, y = random.normal(size=(400, 2)), random.normal(size=400)
    together = np.stack([y, y + 0.3 * random.normal(size=400)], axis=1) / [1.0, math.sqrt(1.09)]
    # when / then both tests of whole rows see it, and a column alone does not
    assert domain_classifier(x, together).value > 0.65
    assert domain_classifier(x, together).p < 1e-6
    assert mmd(x, together).p < 0.01
    assert by_ks(np.sort(x[:, 1]), np.sort(together[:, 1])).p > 0.001


def test_too_few_rows_are_not_compared():
    assert math.isnan(mmd(np.zeros((1, 2)), np.zeros((5, 2))).p)
    assert math.isnan(domain_classifier(np.zeros((10, 2)), np.zeros((500, 2))).p)


def test_equal_constant_rows():
    found = mmd(np.zeros((20, 2)), np.zeros((30, 2)))
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.p == 1.0
