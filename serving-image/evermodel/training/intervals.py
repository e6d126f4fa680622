"""How sure a score is: the stratified percentile bootstrap. Pure: the randomness is a seed.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evermodel.metrics import Answers, Floats, scorer
from evermodel.numbers import four_digits
from evermodel_api.training import Metric, Task

RESAMPLES = 1000
"""Resamples of a test of up to 20,000 rows."""
_LEAST_RESAMPLES = 100
_MOST_ROWS = 20_000_000
"""Rows drawn in all: a large test has a narrow interval, and fewer resamples find it."""


@dataclass(frozen=True)
class Interval:
    """Where a score, or the difference of two, lies."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{four_digits(self.low)} to {four_digits(self.high)}"


_NOTHING_KNOWN = Interval(-math.inf, math.inf)


def resamples_for(rows: int) -> int:
    """How many resamples are drawn from so many rows.

    >>> resamples_for(60), resamples_for(200_000), resamples_for(10_000_000)
    (1000, 100, 100)
    """
    return int(np.clip(_MOST_ROWS // max(rows, 1), _LEAST_RESAMPLES, RESAMPLES))


def draws(truth: Floats, task: Task, seed: int, resamples: int | None = None) -> Iterator[Floats]:
    """How often each row is drawn, shape (rows,), once for each resample.

    Classes are resampled each by itself, so that every resample has all of them.
    """
    generator = np.random.default_rng(seed)
    strata = truth if task is Task.CLASSIFICATION else np.zeros(len(truth))
    groups = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    for _ in range(resamples if resamples is not None else resamples_for(len(truth))):
        counts = np.empty(len(truth))
        for group in groups:
            drawn = generator.integers(0, len(group), len(group))
            counts[group] = np.bincount(drawn, minlength=len(group))
        yield counts


def intervals(
    metrics: Sequence[Metric], answers: Answers, task: Task, seed: int, confidence: float = 0.95
) -> dict[Metric, Interval]:
    """The two-sided interval of each metric at `confidence`; those that are not defined are left out."""
    scorers = [scorer(metric, answers) for metric in metrics]
    scores = np.array([[score(counts) for score in scorers] for counts in draws(answers.truth, task, seed)])
    tail = (1 - confidence) / 2
    found = {metric: _percentiles(scores[:, i], tail, 1 - tail) for i, metric in enumerate(metrics)}
    return {metric: interval for metric, interval in found.items() if interval is not _NOTHING_KNOWN}


def paired_bootstrap(
    metric: Metric, challenger: Answers, champion: Answers, confidence: float, seed: int, resamples: int | None = None
) -> Interval:
    """Bounds of challenger minus champion, each one-sided at `confidence`, in the metric's unit.

    Both models are measured on the same resampled rows, so that what is hard for both cancels out.
    """
    ours, theirs = scorer(metric, challenger), scorer(metric, champion)
    resampled = draws(challenger.truth, metric.task, seed, resamples)
    differences = np.array([ours(counts) - theirs(counts) for counts in resampled])
    return _percentiles(differences, 1 - confidence, confidence)


def _percentiles(values: NDArray[np.float64], low: float, high: float) -> Interval:
    defined = values[~np.isnan(values)]
    if len(defined) == 0:
        return _NOTHING_KNOWN
    lower, upper = np.quantile(defined, [low, high])
    return Interval(float(lower), float(upper))


def as_pairs(found: Mapping[Metric, Interval]) -> dict[str, tuple[float, float]]:
    """Intervals as the ledger keeps them."""
    return {str(metric): (interval.low, interval.high) for metric, interval in found.items()}
