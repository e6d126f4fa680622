"""What a run looks like in MLflow: parameters, metrics, tags and nested runs. Pure; MLflow itself is not imported."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from evermodel.training.ledger import Fold, Ledger, Trial
from evermodel.training.memory import objective_of
from evermodel.training.text import value_text

NESTED_LIMIT = 200
"""Trials that become nested runs, at most; all of them are points of the metric trial.NAME."""
RUN_TAG = "evermodel.run"
AS_OF_TAG = "evermodel.asOf"
"""With the run's name its identity: a training that was made anew counts its runs from 1 again."""
TRIAL_TAG = "evermodel.trial"
_LONGEST_VALUE = 5000
_NOT_IN_A_KEY = re.compile(r"[^A-Za-z0-9_\-. /]")
_STATUS = {"Complete": "FINISHED", "Pruned": "KILLED", "Failed": "FAILED"}


@dataclass(frozen=True)
class Point:
    """One value of a metric."""

    key: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class TrialCopy:
    """A nested run."""

    number: int
    name: str
    status: str
    params: dict[str, str]
    points: list[Point]
    tags: dict[str, str]


@dataclass(frozen=True)
class RunCopy:
    """A run, and the trials below it."""

    name: str
    started: int
    """Milliseconds since 1970."""
    ended: int
    params: dict[str, str]
    points: list[Point]
    tags: dict[str, str]
    trials: list[TrialCopy]
    description: str


def run_copy(ledger: Ledger) -> RunCopy:
    """The whole ledger in MLflow's words."""
    name = f"{ledger.training}-{ledger.run}"
    return RunCopy(
        name=name,
        started=_milliseconds(ledger, 0.0),
        ended=_milliseconds(ledger, ledger.seconds),
        params=_params(
            {"algorithm": ledger.algorithm, "estimator": ledger.estimator, "seed": ledger.seed}, ledger.params
        ),
        points=list(_points(ledger)),
        tags=_tags(ledger, name),
        trials=[_trial(name, trial) for trial in nested_trials(ledger)],
        description=ledger.message,
    )


def nested_trials(ledger: Ledger) -> list[Trial]:
    """The first 200 trials, with the one that won among them."""
    if len(ledger.trials) <= NESTED_LIMIT:
        return ledger.trials
    first = ledger.trials[:NESTED_LIMIT]
    winner = [trial for trial in ledger.trials[NESTED_LIMIT:] if trial.number == ledger.chosen]
    return [*first[: NESTED_LIMIT - len(winner)], *winner]


def model_tags(ledger: Ledger) -> dict[str, str]:
    """Tags of the registered model's version."""
    tags = _tags(ledger, f"{ledger.training}-{ledger.run}")
    kept = ("run", "digest", "artifact", "dataDigest", "specDigest", "image", "gates")
    return {key: value for key, value in tags.items() if key.removeprefix("evermodel.") in kept}


def _milliseconds(ledger: Ledger, seconds: float) -> int:
    return round((ledger.as_of + timedelta(seconds=seconds)).timestamp() * 1000)


def _tags(ledger: Ledger, name: str) -> dict[str, str]:
    artifact = ledger.artifact
    known = {
        "run": name,
        "asOf": ledger.dump()["asOf"],
        "training": ledger.training,
        "version": ledger.version,
        "outcome": ledger.outcome,
        "task": ledger.task,
        "target": ledger.target,
        "cause": f"{ledger.cause.reason}, asked by {ledger.cause.by}",
        "champion": ledger.champion,
        "digest": artifact.digest if artifact else None,
        "artifact": artifact.uri if artifact else None,
        "dataDigest": ledger.data.digest,
        "specDigest": ledger.spec_digest,
        "snapshot": ledger.data.snapshot,
        "image": ledger.image,
        "gates": _gates(ledger),
        "environment": json.dumps(ledger.environment) if ledger.environment else None,
    }
    return {f"evermodel.{key}": value[:_LONGEST_VALUE] for key, value in known.items() if value}


def _gates(ledger: Ledger) -> str:
    if not ledger.gates:
        return "none"
    told = [
        f"{' '.join(filter(None, (gate.metric, gate.rule, gate.slice)))} {'holds' if gate.passed else 'refuses'}: "
        f"{gate.value}, limit {gate.limit}"
        for gate in ledger.gates
    ]
    return "; ".join(told)


def _params(first: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as text; a name of the model's own that is taken keeps its own value under model.NAME."""
    named = {**first, **{f"model.{key}" if key in first else key: value for key, value in more.items()}}
    return {_key(key): value_text(value)[:_LONGEST_VALUE] for key, value in named.items() if value is not None}


def _key(text: str) -> str:
    """A name that MLflow takes.

    >>> _key("estimator__alpha[0]")
    'estimator__alpha_0_'
    """
    return _NOT_IN_A_KEY.sub("_", text)[:250]


def _points(ledger: Ledger) -> Iterator[Point]:
    objective = objective_of(ledger)
    numbers: dict[str, float] = {**ledger.metrics}
    numbers |= {f"train.{name}": value for name, value in ledger.train_metrics.items()}
    numbers |= {f"{name}.low": interval[0] for name, interval in ledger.intervals.items()}
    numbers |= {f"{name}.high": interval[1] for name, interval in ledger.intervals.items()}
    numbers |= ledger.costs
    numbers |= {"seconds": ledger.seconds, "cpu_seconds": ledger.cpu_seconds, "memory_mb": ledger.peak_memory_mb}
    numbers |= {f"seconds.{phase}": value for phase, value in ledger.phases.items()}
    numbers |= {"rows.training": ledger.data.training_rows, "rows.test": ledger.data.test_rows}
    numbers |= {"rows.quarantined": ledger.data.quarantined}
    if ledger.threshold is not None:
        numbers["threshold"] = ledger.threshold
    points = [Point(name, value) for name, value in numbers.items()]
    for trial in ledger.trials:
        if objective in trial.scores:
            points.append(Point(f"trial.{objective}", trial.scores[objective], trial.number))
        if trial.number == ledger.chosen:
            points += _fold_points(trial.folds)
    yield from _finite(points)


def _fold_points(folds: list[Fold]) -> Iterator[Point]:
    for number, fold in enumerate(folds):
        for name, value in fold.scores.items():
            yield Point(f"fold.{name}", value, number)
        for name, value in fold.train_scores.items():
            yield Point(f"fold.train.{name}", value, number)


def _finite(points: list[Point]) -> Iterator[Point]:
    for point in points:
        if math.isfinite(point.value):
            yield Point(_key(point.key), float(point.value), point.step)


def _trial(run: str, trial: Trial) -> TrialCopy:
    points = [Point(name, value) for name, value in trial.scores.items()]
    points += [*_fold_points(trial.folds), Point("seconds", sum(fold.seconds for fold in trial.folds))]
    notes = {"evermodel.notes": "; ".join(trial.notes)[:_LONGEST_VALUE]} if trial.notes else {}
    return TrialCopy(
        number=trial.number,
        name=f"{run} trial {trial.number}",
        status=_STATUS[trial.state],
        params=_params({"algorithm": trial.algorithm, "estimator": trial.estimator}, trial.params),
        points=list(_finite(points)),
        tags={TRIAL_TAG: str(trial.number), "evermodel.state": trial.state, **notes},
    )
