"""Gates: what must hold before a version may serve. Pure: from answers on the same test rows to verdicts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evermodel.metrics import Answers, measure
from evermodel_api.training import Gate, Metric, Task
from evermodel_api.version import GateVerdict

RESAMPLES = 1000
"""Resamples of the paired bootstrap."""
_DEFAULT_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Champion:
    """The version that serves, on the challenger's test rows."""

    name: str
    answers: Answers | None
    """None when it could not be asked."""
    trouble: str = ""
    """Why it could not be asked, as one sentence with the remedy."""


@dataclass(frozen=True)
class Interval:
    """Where the difference of two scores lies."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{four_digits(self.low)} to {four_digits(self.high)}"


def judge(gates: Sequence[Gate], challenger: Answers, champion: Champion | None, seed: int) -> list[GateVerdict]:
    """What each gate finds.

    Args:
        gates: the spec's gates.
        challenger: the new model's answers to the test rows.
        champion: the serving model's answers to the same rows; None when nothing serves, and gates against it hold.
        seed: seed of the bootstrap.

    A gate against a champion that cannot be asked does not hold: nobody knows that the challenger is no worse.
    """
    return [_judge(gate, challenger, champion, seed) for gate in gates]


def _judge(gate: Gate, challenger: Answers, champion: Champion | None, seed: int) -> GateVerdict:
    value = measure(gate.metric, challenger)
    if gate.versus is None:
        limit = gate.min if gate.min is not None else gate.max
        at_least = gate.min is not None
        passed = limit is not None and (value >= limit if at_least else value <= limit)
        return _verdict(gate, value, limit, passed=passed)
    if champion is None:
        return _verdict(gate, value, None, passed=True)
    if champion.answers is None:
        return _verdict(gate, value, None, passed=False)
    other = measure(gate.metric, champion.answers)
    if gate.max_drop is not None:
        limit = other - gate.max_drop if gate.metric.larger_is_better else other + gate.max_drop
        passed = value >= limit if gate.metric.larger_is_better else value <= limit
        return _verdict(gate, value, limit, passed=passed, champion=other)
    confidence = gate.confidence if gate.confidence is not None else _DEFAULT_CONFIDENCE
    interval = paired_bootstrap(gate.metric, challenger, champion.answers, confidence, seed)
    champion_better = interval.high < 0 if gate.metric.larger_is_better else interval.low > 0
    defined = not math.isnan(value)
    return _verdict(gate, value, other, passed=defined and not champion_better, champion=other, interval=interval)


def _verdict(
    gate: Gate,
    value: float,
    limit: float | None,
    *,
    passed: bool,
    champion: float | None = None,
    interval: Interval | None = None,
) -> GateVerdict:
    return GateVerdict(
        metric=gate.metric,
        rule=rule_name(gate),
        value=four_digits(value),
        limit="none" if limit is None else four_digits(limit),
        champion=None if champion is None else four_digits(champion),
        interval=None if interval is None else str(interval),
        passed=passed,
    )


def rule_name(gate: Gate) -> str:
    """min, max, NotWorse or maxDrop."""
    if gate.versus is None:
        return "min" if gate.min is not None else "max"
    return "maxDrop" if gate.max_drop is not None else "NotWorse"


def paired_bootstrap(
    metric: Metric, challenger: Answers, champion: Answers, confidence: float, seed: int, resamples: int = RESAMPLES
) -> Interval:
    """Bounds of challenger minus champion, each one-sided at `confidence`, in the metric's unit.

    Both models are measured on the same resampled rows, so that what is hard for both cancels out. Classes are
    resampled each by itself, so that every resample has all of them. Percentile bootstrap: Efron and Tibshirani, An
    Introduction to the Bootstrap (1993), chapter 13.
    """
    generator = np.random.default_rng(seed)
    strata = challenger.truth if metric.task is Task.CLASSIFICATION else np.zeros_like(challenger.truth)
    groups = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    differences = np.empty(resamples)
    for i in range(resamples):
        rows = np.concatenate([group[generator.integers(0, len(group), len(group))] for group in groups])
        differences[i] = measure(metric, challenger.take(rows)) - measure(metric, champion.take(rows))
    defined = differences[~np.isnan(differences)]
    if len(defined) == 0:
        return Interval(-math.inf, math.inf)
    low, high = np.quantile(defined, [1 - confidence, confidence])
    return Interval(float(low), float(high))


def four_digits(value: float) -> str:
    """A score for people: four digits after the point, or four that count where that would say nothing.

    >>> four_digits(0.91236), four_digits(0.0000123), four_digits(float("nan"))
    ('0.9124', '1.23e-05', 'undefined')
    """
    if math.isnan(value):
        return "undefined"
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.4g}"


def explain(gate: Gate, verdict: GateVerdict, champion: Champion | None) -> str:
    """Why a gate does not hold, as a sentence for people."""
    if gate.versus and champion is not None and champion.answers is None:
        return f"the gate {gate.metric} {verdict.rule} cannot be judged: {champion.trouble}"
    scored = f"the gate {gate.metric} {verdict.rule} does not hold: the version scored {verdict.value}"
    if gate.versus and champion is not None:
        interval = f", difference {verdict.interval}" if verdict.interval else ""
        return f"{scored} and the champion {champion.name} {verdict.champion} on the same rows{interval}"
    return (
        f"{scored} and has to reach {verdict.limit}"
        if gate.min is not None
        else f"{scored}, the limit is {verdict.limit}"
    )
