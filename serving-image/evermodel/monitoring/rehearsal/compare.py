"""How differently two versions answer the same rows. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.monitoring.columns import CategoryColumn
from evermodel_api.rehearsal import RehearsalCheck, RehearsalLimits

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answered:
    """The answers of one version, row by row."""

    labels: Sequence[Any]
    """Classes as JSON values, or numbers."""
    probabilities: Floats | None
    """Shape (rows, classes); None for a regression, or where they were not logged."""
    are_numbers: bool = False
    """Whether this is a regression: the labels are no classes."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Comparison:
    """What was found."""

    checks: tuple[RehearsalCheck, ...]
    distances: Floats
    """How far apart the two answers to each row are, shape (rows,): the larger the more different."""

    @property
    def passed(self) -> bool:
        """Whether all checks hold."""
        return all(check.passed for check in self.checks)


def compare(
    live: Answered, candidate: Answered, slices: Mapping[str, CategoryColumn], limits: RehearsalLimits
) -> Comparison:
    """Hold a candidate's answers against the live ones to the same rows.

    Args:
        live: what users were told, at least one row.
        candidate: what they would have been told.
        slices: the columns of `limits.by`, one code a row.
        limits: what is allowed.
    """
    differs = disagreement(live, candidate, limits.tolerance)
    checks = [
        _check("disagreement", None, differs, limits.max_disagreement),
        _shift(live, candidate, limits.max_shift),
    ]
    for name, column in slices.items():
        for code, level in enumerate(column.levels):
            within = differs[column.codes == code]
            if len(within):
                judged = limits.max_disagreement if len(within) >= limits.min_slice else None
                checks.append(_check("disagreement", f"{name}={level}", within, judged))
    return Comparison(tuple(checks), distances(live, candidate))


def disagreement(live: Answered, candidate: Answered, tolerance: float) -> NDArray[np.bool_]:
    """Which rows both answer differently, shape (rows,)."""
    if live.are_numbers:
        ours, theirs = _numbers(live), _numbers(candidate)
        allowed = max(tolerance * float(np.std(ours)), 1e-9 * float(np.max(np.abs(ours), initial=1.0)))
        return np.asarray(np.abs(ours - theirs) > allowed)
    pairs = zip(live.labels, candidate.labels, strict=True)
    return np.array([type(one) is not type(other) or one != other for one, other in pairs], dtype=bool)


def distances(live: Answered, candidate: Answered) -> Floats:
    """How far apart the two answers to each row are, shape (rows,).

    Numbers by their difference; classes by half the sum of what each probability differs by (total variation), or by 0
    and 1 where there are no probabilities.
    """
    ours, theirs = live.probabilities, candidate.probabilities
    if ours is not None and theirs is not None and ours.shape == theirs.shape:
        return np.asarray(np.abs(ours - theirs).sum(axis=1) / 2)
    if live.are_numbers:
        return np.asarray(np.abs(_numbers(live) - _numbers(candidate)))
    return disagreement(live, candidate, 0.0).astype(np.float64)


def ks_statistic(one: Floats, other: Floats) -> float:
    """The largest distance between two empirical distribution functions (Kolmogorov and Smirnov), from 0 to 1.

    >>> ks_statistic(np.array([0.0, 1.0]), np.array([0.0, 1.0])), ks_statistic(np.zeros(3), np.ones(2))
    (0.0, 1.0)
    """
    both = np.concatenate([one, other])
    below = [np.searchsorted(np.sort(each), both, side="right") / len(each) for each in (one, other)]
    return float(np.max(np.abs(below[0] - below[1])))


def _check(name: str, where: str | None, differs: NDArray[np.bool_], limit: float | None) -> RehearsalCheck:
    value = float(np.mean(differs))
    passed = limit is None or value <= limit
    return RehearsalCheck(name=name, slice=where, rows=len(differs), value=value, limit=limit, passed=passed)


def _shift(live: Answered, candidate: Answered, limit: float | None) -> RehearsalCheck:
    value = shift(live, candidate)
    passed = limit is None or value <= limit
    return RehearsalCheck(name="shift", rows=len(live), value=value, limit=limit, passed=passed)


def shift(live: Answered, candidate: Answered) -> float:
    """How far the distribution of the answers moves, from 0 to 1."""
    ours, theirs = live.probabilities, candidate.probabilities
    if ours is not None and theirs is not None and ours.shape == theirs.shape:
        return max(ks_statistic(ours[:, place], theirs[:, place]) for place in range(ours.shape[1]))
    if live.are_numbers:
        return ks_statistic(_numbers(live), _numbers(candidate))
    levels = sorted({repr(label) for label in (*live.labels, *candidate.labels)})
    return float(np.abs(_shares(live, levels) - _shares(candidate, levels)).sum() / 2)


def _shares(answered: Answered, levels: Sequence[str]) -> Floats:
    found = Counter(map(repr, answered.labels))
    return np.array([found[level] for level in levels], dtype=np.float64) / len(answered)


def _numbers(answered: Answered) -> Floats:
    return np.array(answered.labels, dtype=np.float64)
