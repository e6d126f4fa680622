"""Each statistic against values that other libraries gave for the same samples, to 1e-9."""

import numpy as np
import pytest

from evermodel.monitoring.statistics import (
    energy,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    psi,
    wasserstein,
)
from evermodel.monitoring.statistics.bins import count_between, count_within, decile_edges, width_edges
from evermodel.monitoring.statistics.chi2 import chi2
from evermodel.monitoring.statistics.contrast import contrast
from evermodel.monitoring.statistics.divergence import shares
from evermodel.monitoring.statistics.ks import asymptotic_p, exact_p, ks
from evermodel.monitoring.statistics.l_infinity import l_infinity
from evermodel.monitoring.statistics.levels import pooled, table
from evermodel.monitoring.statistics.mmd import mmd
from tests.unit.evermodel.monitoring.statistics import samples

EXACT = {"rel": 1e-9, "abs": 0}


@pytest.mark.parametrize(
    ("pair", "d", "p"),
    [(samples.a, 0.2745, 6.7516796811651145e-21), (samples.b, 0.0506, 2.4332857531041957e-09)],
    ids=["A", "B"],
)
def test_ks(pair, d, p):
    reference, current = pair()
    found = ks(contrast(reference, current), reference.size)
    assert found.value == pytest.approx(d, abs=1e-9)
    assert found.p == pytest.approx(p, **EXACT)
    assert (found.n_ref, found.n_cur) == (reference.size, current.size)


def test_the_laws_of_ks_agree_where_both_hold():
    assert exact_p(0.1, 800, 500) == pytest.approx(asymptotic_p(0.1, 800, 500), rel=0.02)


@pytest.mark.parametrize(
    ("pair", "raw", "normed"),
    [
        (samples.a, 0.1788520367730706, 0.6186121971247078),
        (samples.b, 0.049910885673429814, 0.17290183461358377),
    ],
    ids=["A", "B"],
)
def test_wasserstein(pair, raw, normed):
    reference, current = pair()
    sides = contrast(reference, current)
    assert wasserstein.distance(sides) == pytest.approx(raw, **EXACT)
    assert wasserstein.normed(sides, reference.std(), reference.mean()) == pytest.approx(normed, **EXACT)


@pytest.mark.parametrize(
    ("pair", "value"), [(samples.a, 0.27711230136566295), (samples.b, 0.06998510224114798)], ids=["A", "B"]
)
def test_energy_distance(pair, value):
    assert energy.distance(contrast(*pair())) == pytest.approx(value, **EXACT)


def sturges(values, both):
    """Shares in the bins of Sturges' rule."""
    return np.histogram(values, np.histogram_bin_edges(both, "sturges"))[0] / values.size


def evidently_fill(r, c):
    """Zero shares as Evidently fills them."""
    least = min(r[r > 0].min(), c[c > 0].min())
    fill = least / 1e6 if least <= 1e-4 else 1e-4
    return np.where(r == 0, fill, r), np.where(c == 0, fill, c)


def binned(pair):
    reference, current = pair()
    both = np.concatenate([reference, current])
    return sturges(reference, both), sturges(current, both)


def of_levels(tables):
    ref, cur = table(*tables)
    return shares(ref), shares(cur)


@pytest.mark.parametrize(
    ("r", "c", "js", "of_psi", "kl"),
    [
        (*binned(samples.a), 0.23227295766917924, 0.45296796223117075, 0.20301260125070997),
        (*binned(samples.b), 0.129181562237508, 0.14487079375928763, 0.07262914246441103),
        (*of_levels(samples.C), 0.2467224821631786, 1.1758642359735916, 0.38800925842249223),
    ],
    ids=["A", "B", "C"],
)
def test_divergences_of_given_shares(r, c, js, of_psi, kl):
    assert jensen_shannon.distance(r, c, base=np.e) == pytest.approx(js, **EXACT)
    assert psi.divergence(*evidently_fill(r, c)) == pytest.approx(of_psi, **EXACT)
    again = [shares(side) for side in evidently_fill(r, c)]  # scipy's entropy divides by the sum
    assert kullback_leibler.divergence(*again) == pytest.approx(kl, **EXACT)


@pytest.mark.parametrize(
    ("pair", "bins", "js", "of_hellinger"),
    [
        (samples.a, 11, 0.2739166733891655, 0.23048806366417282),
        (samples.b, 16, 0.19639226023817, 0.18692415514743732),
    ],
    ids=["A", "B"],
)
def test_distances_over_bins_of_the_reference(pair, bins, js, of_hellinger):
    reference, current = pair()
    edges = width_edges(reference)
    assert edges == pytest.approx(np.histogram_bin_edges(reference, "doane"), rel=1e-12)
    counts = count_within(edges, reference), count_within(edges, current)
    assert edges.size == bins + 1
    assert jensen_shannon.jensen_shannon(*counts).value == pytest.approx(js, **EXACT)
    assert hellinger.hellinger(*counts).value == pytest.approx(of_hellinger, **EXACT)


def test_distances_over_levels():
    counts = table(*samples.C)
    assert jensen_shannon.jensen_shannon(*counts).value == pytest.approx(0.29634390207760886, **EXACT)
    assert hellinger.hellinger(*counts).value == pytest.approx(0.2948824811193034, **EXACT)
    assert l_infinity(*counts).value == pytest.approx(0.12, **EXACT)


@pytest.mark.parametrize(
    ("pair", "eps", "half"),
    [
        (samples.a, 0.43608731716293, 0.42811111523196),
        (samples.b, 0.05508619186695, 0.05496453070218),
    ],
    ids=["A", "B"],
)
def test_psi_over_the_reference_deciles(pair, eps, half):
    reference, current = pair()
    edges = decile_edges(reference)
    counts = count_between(edges, reference), count_between(edges, current)
    filled = [np.maximum(shares(side), 1e-4) for side in counts]
    assert psi.divergence(*filled) == pytest.approx(eps, abs=1e-9)
    assert psi.psi(*counts).value == pytest.approx(half, abs=1e-9)


@pytest.mark.parametrize(
    ("tables", "value", "p"),
    [
        (samples.C, 150.0776397515528, 1.9592505051064241e-31),
        (samples.C2, 5.434782608695652, 0.1425917937441192),
    ],
    ids=["C", "C2"],
)
def test_chi2_of_homogeneity(tables, value, p):
    found = chi2(*pooled(*table(*tables)))
    assert found.value == pytest.approx(value, **EXACT)
    assert found.p == pytest.approx(p, **EXACT)


def test_two_shares_are_a_chi2_of_two_levels():
    found = chi2(np.array([200.0, 800.0]), np.array([130.0, 370.0]))
    assert found.p == pytest.approx(0.00818287685937702, **EXACT)
    assert l_infinity(np.array([200.0, 800.0]), np.array([130.0, 370.0])).p == pytest.approx(found.p, **EXACT)


def test_mmd():
    found = mmd(*samples.m())
    assert found.value == pytest.approx(0.12619496122409835, **EXACT)
    assert 0 < found.p < 0.01
