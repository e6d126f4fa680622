"""The statistics against published definitions, against scipy, and under the null hypothesis."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from evermodel.monitoring import stats

FIXTURE_C = ({"a": 500, "b": 300, "c": 150, "d": 50}, {"a": 220, "b": 160, "c": 60, "e": 60})
FIXTURE_C2 = ({"a": 500, "b": 300, "c": 150, "d": 50}, {"a": 220, "b": 160, "c": 90, "d": 30})


def fixture_a():
    reference = np.array([((i * 7919) % 1009) / 1009 for i in range(800)])
    current = np.array([(((i * 6007) % 997) / 997) ** 2 for i in range(500)])
    return np.sort(reference), np.sort(current)


def fixture_b():
    reference = np.array([((i * 7919) % 100003) / 100003 for i in range(20000)])
    current = np.array([((i * 6007) % 100003) / 100003 + 0.05 for i in range(5000)])
    return np.sort(reference), np.sort(current)


def ks(reference, current):
    return stats.ks(stats.cdf_gap(reference, current), reference.size, current.size)


def wasserstein(reference, current):
    gap = stats.cdf_gap(reference, current)
    return stats.wasserstein(gap, reference.std(), reference.mean(), reference.size, current.size)


class TestReferenceValues:
    def test_ks_of_two_small_samples(self):
        result = ks(*fixture_a())
        assert result.value == pytest.approx(0.2745, abs=1e-12)
        assert (result.n_ref, result.n_cur) == (800, 500)
        expected = scipy.stats.ks_2samp(*fixture_a(), method="asymp").pvalue
        assert result.p == pytest.approx(expected, rel=1e-9)
        assert math.log10(result.p) == pytest.approx(math.log10(6.7516796811651145e-21), abs=0.5)

    def test_ks_of_two_large_samples(self):
        result = ks(*fixture_b())
        assert result.value == pytest.approx(0.0506, abs=1e-9)
        assert result.p == pytest.approx(2.4332857531041957e-09, rel=1e-9)

    @pytest.mark.parametrize(
        ("samples", "expected"), [(fixture_a, 0.6186121971247078), (fixture_b, 0.17290183461358377)]
    )
    def test_wasserstein_in_standard_deviations(self, samples, expected):
        assert wasserstein(*samples()).value == pytest.approx(expected, abs=1e-9)

    @pytest.mark.parametrize(
        ("tables", "value", "p"),
        [
            (FIXTURE_C, 150.0776397515528, 1.9592505051064241e-31),
            (FIXTURE_C2, 5.434782608695652, 0.1425917937441192),
        ],
    )
    def test_chi2_of_homogeneity(self, tables, value, p):
        result = stats.chi2(*stats.table(*tables))
        assert result.value == pytest.approx(value, rel=1e-9)
        assert result.p == pytest.approx(p, rel=1e-9)

    @pytest.mark.parametrize(("samples", "expected"), [(fixture_a, 0.42811111523196), (fixture_b, 0.05496453070218)])
    def test_psi_over_the_reference_deciles(self, samples, expected):
        reference, current = samples()
        edges = np.quantile(reference, np.linspace(0.1, 0.9, 9))
        counts = [
            np.bincount(np.searchsorted(edges, sample, side="left"), minlength=10).astype(float)
            for sample in (reference, current)
        ]
        assert stats.psi(*counts).value == pytest.approx(expected, abs=1e-9)


class TestAgainstScipy:
    @pytest.mark.parametrize("sizes", [(50, 30), (800, 500), (20000, 700)])
    @pytest.mark.parametrize("z", [0.5, 0.9, 1.2, 1.63, 2.0, 3.0, 5.0])
    def test_the_law_of_ks(self, sizes, z):
        n = round(sizes[0] * sizes[1] / sum(sizes))
        distance = min(z / math.sqrt(n), 1.0)
        ours, theirs = stats.ks_p(distance, *sizes), scipy.stats.kstwo.sf(distance, n)
        assert ours == pytest.approx(theirs, rel=1e-6 if theirs < 0.01 else 0.05)

    @pytest.mark.parametrize(("z", "within"), [(0.9, 1e-3), (1.63, 2e-3), (2.1, 2e-3), (3.0, 1e-2)])
    def test_the_law_of_ks_for_large_samples(self, z, within):
        sizes = (1_000_000, 6_000)
        n = round(sizes[0] * sizes[1] / sum(sizes))
        ours, theirs = stats.ks_p(z / math.sqrt(n), *sizes), scipy.stats.kstwo.sf(z / math.sqrt(n), n)
        assert ours == pytest.approx(theirs, rel=within)

    @given(st.lists(st.floats(0, 1), max_size=30))
    def test_benjamini_hochberg(self, ps):
        expected = scipy.stats.false_discovery_control(ps) if ps else []
        assert stats.benjamini_hochberg(ps) == pytest.approx(list(expected), rel=1e-12)

    def test_a_missing_p_counts_for_no_test(self):
        adjusted = stats.benjamini_hochberg([0.01, math.nan, 0.04])
        assert adjusted[::2] == pytest.approx([0.02, 0.04])
        assert math.isnan(adjusted[1])

    def test_wasserstein(self):
        reference, current = np.sort(np.random.default_rng(1).normal(0, 3, 400)), np.sort(np.arange(30.0))
        expected = scipy.stats.wasserstein_distance(reference, current) / reference.std()
        assert wasserstein(reference, current).value == pytest.approx(expected, rel=1e-9)


class TestOddSamples:
    def test_infinities_are_far_and_not_endless(self):
        reference = np.linspace(0, 1, 500)
        current = np.sort(np.append(np.linspace(0, 1, 250), [np.inf] * 250))
        assert ks(reference, current).value == pytest.approx(0.5, abs=0.01)
        assert math.isfinite(wasserstein(reference, current).value)

    def test_nothing_but_infinities(self):
        reference, current = np.linspace(0, 1, 500), np.full(100, np.inf)
        assert ks(reference, current).value == 1.0
        assert wasserstein(reference, current).value == pytest.approx(0.5 / reference.std(), rel=0.01)

    def test_enormous_values(self):
        gap = stats.cdf_gap(np.array([-1e308, 1e308]), np.array([1e308, 1e308]))
        assert math.isfinite(stats.wasserstein(gap, 1.0, 0.0, 2, 2).value)

    @pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
    def test_the_unit_of_a_column_does_not_matter(self, unit):
        reference, current = fixture_a()
        assert wasserstein(reference * unit, current * unit).value == pytest.approx(0.6186121971247078, rel=1e-9)

    def test_an_equal_constant_is_no_drift_and_another_one_is(self):
        constant = np.full(300, 0.3)
        same = wasserstein(constant, np.full(200, 0.1 + 0.2))
        other = wasserstein(constant, np.full(200, 0.4))
        assert same.value < 0.1 < other.value

    def test_empty_tables(self):
        nothing = stats.table({}, {})
        half = stats.table({"a": 5}, {})
        assert math.isnan(stats.chi2(*nothing).p)
        assert math.isnan(stats.chi2(*half).p)
        assert math.isnan(stats.psi(*half).value)

    def test_one_level_on_both_sides_is_the_same(self):
        result = stats.chi2(*stats.table({"a": 500}, {"a": 20}))
        assert (result.value, result.p) == (0.0, 1.0)

    def test_a_level_for_each_row_is_no_drift_by_itself(self):
        reference = {f"r{i}": 1 for i in range(3000)}
        current = {f"c{i}": 1 for i in range(500)}
        tables = stats.table(reference, current)
        assert stats.chi2(*tables).p == 1.0
        assert stats.psi(*tables).value == 0.0

    def test_one_row_of_a_new_level_has_no_effect(self):
        tables = stats.table({"a": 15000, "b": 5000}, {"a": 150, "b": 49, "new": 1})
        assert stats.psi(*tables).value < 0.1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_both_distances_are_symmetric_and_bounded(left, right):
    a, b = np.sort(np.array(left)), np.sort(np.array(right))
    assert ks(a, b).value == pytest.approx(ks(b, a).value)
    assert 0.0 <= ks(a, b).value <= 1.0
    assert 0.0 <= ks(a, b).p <= 1.0
    forth, back = stats.cdf_gap(a, b), stats.cdf_gap(b, a)
    assert stats.wasserstein(forth, 1.0, 0.0, 1, 1).value == pytest.approx(
        stats.wasserstein(back, 1.0, 0.0, 1, 1).value
    )


def binomial_bounds(draws, rate):
    """Bounds that a true rate leaves once in 10,000 times on either side."""
    return scipy.stats.binom.ppf([1e-4, 1 - 1e-4], draws, rate)


@pytest.mark.parametrize("size", [50, 200, 1000, 10000])
def test_ks_holds_its_level_when_nothing_changed(size):
    draw, draws = np.random.default_rng(size), 300
    reference = np.sort(draw.normal(size=5000))
    alarms = sum(ks(reference, np.sort(draw.normal(size=size))).p <= 0.05 for _ in range(draws))
    _, upper = binomial_bounds(draws, 0.05)
    assert alarms <= upper


@pytest.mark.parametrize("size", [50, 200, 1000, 50000])
def test_chi2_holds_its_level_when_nothing_changed(size):
    draw, draws, shares = np.random.default_rng(size), 500, [0.4, 0.3, 0.2, 0.1]
    alarms = 0
    for _ in range(draws):
        reference, current = draw.multinomial(1000, shares).astype(float), draw.multinomial(size, shares).astype(float)
        alarms += stats.chi2(reference, current).p <= 0.05
    lower, upper = binomial_bounds(draws, 0.05)
    assert lower <= alarms <= upper
