"""Gates: what must hold before a version may serve. Pure: from answers on the same test rows to verdicts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evermodel.metrics import Answers, measure
from evermodel.numbers import four_digits
from evermodel.training.intervals import Interval, paired_bootstrap
from evermodel.training.slices import MIN_ROWS, Part
from evermodel_api.training import Cost, Gate, Metric, Overfit
from evermodel_api.version import GateVerdict

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
class Evidence:
    """What gates look at."""

    challenger: Answers
    """The new model's answers to the test rows."""
    champion: Champion | None = None
    """The serving model's answers to the same rows; None when nothing serves, and gates against it hold."""
    slices: Mapping[str, Sequence[Part]] = field(default_factory=dict)
    """The slices of each feature that a gate names."""
    costs: Mapping[Cost, float] = field(default_factory=dict)
    """What the model costs; those that no gate asks for may be missing."""


def judge(gates: Sequence[Gate], evidence: Evidence, seed: int) -> list[GateVerdict]:
    """What each gate finds; `seed` is that of the bootstrap.

    A gate against a champion that cannot be asked does not hold: nobody knows that the challenger is no worse.
    """
    return [_judge(gate, evidence, seed) for gate in gates]


def _judge(gate: Gate, evidence: Evidence, seed: int) -> GateVerdict:
    metric = gate.score
    if metric is None:
        value = evidence.costs.get(Cost(gate.metric), math.nan)
        return _against_limit(gate, value, None)
    if gate.by is None:
        return _judge_rows(gate, metric, evidence.challenger, evidence.champion, seed, None)
    enough = gate.min_rows if gate.min_rows is not None else MIN_ROWS
    parts = [part for part in evidence.slices.get(gate.by, ()) if len(part.rows) >= enough]
    if not parts:
        return _verdict(gate, math.nan, None, passed=True, slice_=f"no slice of {gate.by} has {enough} test rows")
    return min((_judge_part(gate, metric, evidence, seed, part) for part in parts), key=_margin)


def _judge_part(gate: Gate, metric: Metric, evidence: Evidence, seed: int, part: Part) -> GateVerdict:
    champion = evidence.champion
    if champion is not None and champion.answers is not None:
        champion = Champion(champion.name, champion.answers.take(part.rows))
    return _judge_rows(gate, metric, evidence.challenger.take(part.rows), champion, seed, str(part))


def _margin(verdict: GateVerdict) -> tuple[bool, float]:
    """Which slice decides: one that does not hold before one that does, then the one that is nearest to its limit."""
    value, limit = _number(verdict.value), _number(verdict.limit)
    distance = abs(value - limit)
    return verdict.passed, math.inf if math.isnan(distance) else (distance if verdict.passed else -distance)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _judge_rows(
    gate: Gate, metric: Metric, challenger: Answers, champion: Champion | None, seed: int, slice_: str | None
) -> GateVerdict:
    value = measure(metric, challenger)
    if gate.versus is None:
        return _against_limit(gate, value, slice_)
    if champion is None:
        return _verdict(gate, value, None, passed=True, slice_=slice_)
    if champion.answers is None:
        return _verdict(gate, value, None, passed=False, slice_=slice_)
    other = measure(metric, champion.answers)
    if gate.max_drop is not None:
        limit = other - gate.max_drop if metric.larger_is_better else other + gate.max_drop
        passed = value >= limit if metric.larger_is_better else value <= limit
        # Where neither can be measured, as with one class in a slice, there is nothing that dropped.
        passed = passed or (math.isnan(value) and math.isnan(other))
        return _versus(_verdict(gate, value, limit, passed=passed, slice_=slice_), other)
    confidence = gate.confidence if gate.confidence is not None else _DEFAULT_CONFIDENCE
    interval = paired_bootstrap(metric, challenger, champion.answers, confidence, seed)
    passed = _rule_holds(gate, metric, interval) and not math.isnan(value)
    return _versus(_verdict(gate, value, other, passed=passed, slice_=slice_), other, interval)


def _rule_holds(gate: Gate, metric: Metric, difference: Interval) -> bool:
    champion_better = difference.high < 0 if metric.larger_is_better else difference.low > 0
    challenger_better = difference.low > 0 if metric.larger_is_better else difference.high < 0
    return challenger_better if gate.rule == "Better" else not champion_better


def _against_limit(gate: Gate, value: float, slice_: str | None) -> GateVerdict:
    limit = gate.min if gate.min is not None else gate.max
    at_least = gate.min is not None
    passed = limit is not None and (value >= limit if at_least else value <= limit)
    return _verdict(gate, value, limit, passed=passed, slice_=slice_)


def _verdict(gate: Gate, value: float, limit: float | None, *, passed: bool, slice_: str | None) -> GateVerdict:
    return GateVerdict(
        metric=gate.metric,
        rule=rule_name(gate),
        slice=None if slice_ is None else slice_[:253],
        value=four_digits(value),
        limit="none" if limit is None else four_digits(limit),
        passed=passed,
    )


def _versus(verdict: GateVerdict, champion: float, interval: Interval | None = None) -> GateVerdict:
    met = {"champion": four_digits(champion), "interval": None if interval is None else str(interval)}
    return verdict.model_copy(update=met)


def judge_overfit(guard: Overfit, on_training: Answers, on_test: Answers) -> GateVerdict:
    """Whether the model is so much better on the rows it was fitted on that it has learnt them by heart."""
    better = measure(guard.metric, on_training) - measure(guard.metric, on_test)
    gap = better if guard.metric.larger_is_better else -better
    return GateVerdict(
        metric=str(guard.metric),
        rule="maxTrainTestGap",
        value=four_digits(gap),
        limit=four_digits(guard.max_train_test_gap),
        passed=gap <= guard.max_train_test_gap,
    )


def rule_name(gate: Gate) -> str:
    """min, max, NotWorse, Better or maxDrop."""
    if gate.versus is None:
        return "min" if gate.min is not None else "max"
    return "maxDrop" if gate.max_drop is not None else str(gate.rule)


def explain(gate: Gate, verdict: GateVerdict, champion: Champion | None) -> str:
    """Why a gate does not hold, as a sentence for people."""
    if gate.versus and champion is not None and champion.answers is None:
        return f"the gate {gate.metric} {verdict.rule} cannot be judged: {champion.trouble}"
    where = f" on {verdict.slice}" if verdict.slice else ""
    scored = f"the gate {gate.metric} {verdict.rule} does not hold{where}: the version scored {verdict.value}"
    if gate.versus and champion is not None:
        interval = f", difference {verdict.interval}" if verdict.interval else ""
        return f"{scored} and the champion {champion.name} {verdict.champion} on the same rows{interval}"
    return (
        f"{scored} and has to reach {verdict.limit}"
        if gate.min is not None
        else f"{scored}, the limit is {verdict.limit}"
    )
