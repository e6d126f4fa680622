"""Draws in which nothing changed, and how often each statistic says otherwise. Shared with tests/bench/monitoring."""

import numpy as np
import scipy.stats

from evermodel.monitoring.statistics.bins import count_between, count_within, decile_edges, width_edges
from evermodel.monitoring.statistics.chi2 import chi2
from evermodel.monitoring.statistics.contrast import contrast
from evermodel.monitoring.statistics.energy import energy
from evermodel.monitoring.statistics.hellinger import hellinger
from evermodel.monitoring.statistics.jensen_shannon import jensen_shannon
from evermodel.monitoring.statistics.ks import ks
from evermodel.monitoring.statistics.kullback_leibler import kullback_leibler
from evermodel.monitoring.statistics.l_infinity import l_infinity
from evermodel.monitoring.statistics.psi import psi
from evermodel.monitoring.statistics.wasserstein import wasserstein


def deciles(statistic):
    def compare(reference, current, alpha):
        edges = decile_edges(reference)
        return statistic(count_between(edges, reference), count_between(edges, current), alpha)

    return compare


def widths(statistic):
    def compare(reference, current, alpha):
        edges = width_edges(reference)
        return statistic(count_within(edges, reference), count_within(edges, current), alpha)

    return compare


def of_numbers(statistic):
    def compare(reference, current, alpha):
        sides = contrast(reference, current)
        return statistic(sides, reference.std(), reference.mean(), reference.size, alpha)

    return compare


NUMBERS = {
    "ks": lambda reference, current, alpha: ks(contrast(reference, current), reference.size, alpha),
    "wasserstein": of_numbers(wasserstein),
    "energy": of_numbers(energy),
    "psi": deciles(psi),
    "kullbackLeibler": deciles(kullback_leibler),
    "jensenShannon": deciles(jensen_shannon),
    "hellinger": deciles(hellinger),
}
LEVELS = {"chi2": chi2, "psi": psi, "jensenShannon": jensen_shannon, "hellinger": hellinger, "lInfinity": l_infinity}
SHARES = [0.4, 0.3, 0.2, 0.1]


def alarms_of_numbers(name, n_ref, n_cur, draws, alpha, law="normal"):
    """Draws with p <= alpha, and draws beyond the limit."""
    random, found = np.random.default_rng([n_ref, n_cur]), []
    for _ in range(draws):
        sides = (np.sort(getattr(random, law)(size=n)) for n in (n_ref, n_cur))
        found.append(NUMBERS[name](*sides, alpha))
    return sum(r.p <= alpha for r in found), sum(r.value > r.limit for r in found)


def alarms_of_levels(name, n_ref, n_cur, draws, alpha):
    random, found = np.random.default_rng([n_ref, n_cur]), []
    for _ in range(draws):
        ref, cur = (random.multinomial(n, SHARES).astype(float) for n in (n_ref, n_cur))
        found.append(LEVELS[name](ref, cur, alpha))
    return sum(r.p <= alpha for r in found), sum(r.value > r.limit for r in found)


def bounds(draws, rate):
    """Counts that a true rate leaves once in 10,000 times on either side."""
    return scipy.stats.binom.ppf([1e-4, 1 - 1e-4], draws, rate)
