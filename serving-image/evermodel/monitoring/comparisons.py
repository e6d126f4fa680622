"""Comparisons by name: which statistic a spec's word stands for, and what it is given. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from evermodel.artifact.baseline import CategoryProfile, NumberProfile
from evermodel.monitoring.columns import CategoryColumn
from evermodel.monitoring.statistics import energy, wasserstein
from evermodel.monitoring.statistics.bins import count_between, count_within, decile_edges, width_edges
from evermodel.monitoring.statistics.chi2 import chi2
from evermodel.monitoring.statistics.contrast import Contrast, contrast, largest_gap
from evermodel.monitoring.statistics.hellinger import hellinger
from evermodel.monitoring.statistics.jensen_shannon import jensen_shannon
from evermodel.monitoring.statistics.ks import ks
from evermodel.monitoring.statistics.kullback_leibler import kullback_leibler
from evermodel.monitoring.statistics.l_infinity import l_infinity
from evermodel.monitoring.statistics.levels import pooled, table
from evermodel.monitoring.statistics.psi import psi
from evermodel.monitoring.statistics.result import Floats, Result
from evermodel_api.monitor import Drift

OTHERS = "\x00others"
"""Stands for all levels that the baseline does not count one by one; no text of a category begins so."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a column is compared."""

    test: str
    effect: str
    min_effect: float
    bins: str = "deciles"


@dataclass(frozen=True)
class Numbers:
    """A column of numbers on both sides, neither empty."""

    profile: NumberProfile
    current: Floats
    """Sorted, without NaN."""
    bins: str
    alpha: float

    @cached_property
    def sides(self) -> Contrast:
        """Both side by side."""
        return contrast(self.profile.quantiles, self.current)

    @cached_property
    def counts(self) -> tuple[Floats, Floats]:
        """Rows of each bin on either side; quantiles stand for as many rows as there were."""
        edges, count = (
            (decile_edges(self.profile.quantiles), count_between)
            if self.bins == "deciles"
            else (width_edges(self.profile.quantiles), count_within)
        )
        each = self.profile.n / self.profile.quantiles.size
        return count(edges, self.profile.quantiles) * each, count(edges, self.current)


_OF_COUNTS = {
    "psi": psi,
    "jensenShannon": jensen_shannon,
    "hellinger": hellinger,
    "kullbackLeibler": kullback_leibler,
    "lInfinity": l_infinity,
    "chi2": chi2,
}


def rule_of(spec: Drift, name: str, *, number: bool) -> Rule:
    """How this column is compared."""
    general, own = (spec.numeric if number else spec.category), spec.columns.per_column.get(name)
    bins = spec.numeric.bins
    if own is None:
        return Rule(general.test, general.effect, general.min_effect, bins)
    least = general.min_effect if own.min_effect is None else own.min_effect
    return Rule(own.test or general.test, own.effect or general.effect, least, own.bins or bins)


def compare_numbers(rule: Rule, profile: NumberProfile, current: Floats, alpha: float) -> tuple[Result, float]:
    """The test and the effect of a column of numbers; neither side is empty, `current` is sorted."""
    column = Numbers(profile, current, rule.bins, alpha)
    return _TESTS[rule.test](column), _EFFECTS[rule.effect](column)


def _test_ks(column: Numbers) -> Result:
    return ks(column.sides, column.profile.n, column.alpha)


def _test_wasserstein(column: Numbers) -> Result:
    profile = column.profile
    return wasserstein.wasserstein(column.sides, profile.sd, profile.mean, profile.n, column.alpha)


def _test_energy(column: Numbers) -> Result:
    profile = column.profile
    return energy.energy(column.sides, profile.sd, profile.mean, profile.n, column.alpha)


def _test_counts(name: str) -> Callable[[Numbers], Result]:
    return lambda column: _OF_COUNTS[name](*column.counts, column.alpha)


def _effect_counts(name: str) -> Callable[[Numbers], float]:
    return lambda column: _OF_COUNTS[name](*column.counts, column.alpha).value


_BINNED = ("psi", "jensenShannon", "hellinger", "kullbackLeibler")
_TESTS: dict[str, Callable[[Numbers], Result]] = {
    "ks": _test_ks,
    "wasserstein": _test_wasserstein,
    "energy": _test_energy,
    **{name: _test_counts(name) for name in _BINNED},
}
_EFFECTS: dict[str, Callable[[Numbers], float]] = {
    "ks": lambda column: largest_gap(column.sides),
    "wasserstein": lambda column: wasserstein.normed(column.sides, column.profile.sd, column.profile.mean),
    "energy": lambda column: _test_energy(column).value,
    **{name: _effect_counts(name) for name in _BINNED},
}


def compare_levels(rule: Rule, profile: CategoryProfile, column: CategoryColumn, alpha: float) -> tuple[Result, float]:
    """The test and the effect of a column of categories."""
    counts = pooled(*_counted(profile, column))
    return _OF_COUNTS[rule.test](*counts, alpha), _OF_COUNTS[rule.effect](*counts, alpha).value


def _counted(profile: CategoryProfile, column: CategoryColumn) -> tuple[Floats, Floats]:
    """Counts of both sides; where the baseline counted rare levels together, unknown ones of the window are too."""
    current = dict(column.counts)
    if profile.others == 0:
        return table(profile.counts, current)
    known = {level: count for level, count in current.items() if level in profile.counts}
    known[OTHERS] = sum(current.values()) - sum(known.values())
    return table({**profile.counts, OTHERS: profile.others}, known)


def suits(name: str, *, number: bool, effect: bool) -> bool:
    """Whether a statistic of this name is one for numbers, or for categories."""
    if number:
        return name in _TESTS
    return name in _OF_COUNTS and not (effect and name == "chi2")
