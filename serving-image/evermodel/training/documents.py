"""The documents that a run leaves: the files of the artifact, and the ledger."""

import json
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evermodel.artifact import manifest as names
from evermodel.artifact.build import build_golden, environment, try_missing
from evermodel.artifact.model import in_words
from evermodel.artifact.profiling import build_baseline
from evermodel.training.answers_profile import complete_baseline
from evermodel.training.conformal import conformal
from evermodel.training.develop import Winner
from evermodel.training.ledger import DataRead, Ledger, Search, SliceScore, SourceRead, Trial
from evermodel.training.material import Material
from evermodel_api.runs import TrainingOrder, TrainingOutcome
from evermodel_api.training import TrainingSpec
from evermodel_api.version import GateVerdict

Intervals = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Searched:
    """What cross-validation found."""

    trials: Sequence[Trial] = ()
    chosen: int | None = None
    search: Search | None = None


@dataclass(frozen=True)
class Judged:
    """What was measured of the winner, and what the gates found."""

    intervals: Intervals = field(default_factory=dict)
    slices: Sequence[SliceScore] = ()
    verdicts: Sequence[GateVerdict] = ()
    refusals: Sequence[str] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    champion: str | None = None


@dataclass(frozen=True)
class Made:
    """What a run made: the model, how it was found, and what was found of it."""

    material: Material
    searched: Searched
    winner: Winner
    judged: Judged


def artifact_contents(spec: TrainingSpec, made: Made) -> dict[str, bytes]:
    """The files of the artifact, all but the manifest. No time, host, run or champion is in any of them."""
    material, winner = made.material, made.winner
    signature = winner.signature
    predictions = in_words(signature, winner.answers.predicted, winner.answers.probabilities)
    golden = build_golden(signature, material.test.frame, predictions, estimator_name(winner))
    baseline = complete_baseline(
        build_baseline(signature, material.training.frame, winner.metrics),
        winner.model,
        signature,
        material.training.frame,
        (winner.answers, material.test.frame),
    )
    distances = conformal(winner.answers)
    return {
        **winner.files,
        **({} if distances is None else {names.CONFORMAL: encode(distances.dump())}),
        names.SIGNATURE: encode(try_missing(winner.model, signature, material.test.frame).dump()),
        names.GOLDEN: encode(golden.model_dump(mode="json", by_alias=True)),
        names.BASELINE: encode(baseline.dump()),
        names.EVALUATION: encode(_evaluation(spec, made)),
        names.ENVIRONMENT: encode(environment()),
    }


def estimator_name(winner: Winner) -> str:
    """Class of the final estimator, or container."""
    return winner.algorithm.estimator or "container"


def encode(document: Any) -> bytes:
    """Canonical JSON: sorted keys, no spaces, one newline at the end."""
    return (json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def _evaluation(spec: TrainingSpec, made: Made) -> dict[str, Any]:
    """How the algorithm was chosen and what it scored."""
    material, winner, searched, judged = made.material, made.winner, made.searched, made.judged
    return {
        "algorithm": winner.algorithm.name,
        "params": winner.params,
        "candidates": _candidates(spec, winner, searched),
        "trials": len(searched.trials),
        "dataDigest": material.dataset.digest,
        "folds": max((len(trial.folds) for trial in searched.trials), default=0),
        "metrics": winner.metrics,
        "intervals": {name: list(bounds) for name, bounds in judged.intervals.items()},
        "trainMetrics": winner.train_metrics,
        "slices": [score.dump() for score in judged.slices],
        "seed": spec.run.seed,
        "testRows": len(material.test),
        "trainingRows": len(material.training),
    }


def _candidates(spec: TrainingSpec, winner: Winner, searched: Searched) -> list[dict[str, Any]]:
    """The best trial of each algorithm, in the spec's order; the winner alone where nothing was compared."""
    if searched.search is None:
        return [_candidate(winner.algorithm.name, estimator_name(winner), winner.params, {}, winner.notes)]
    sign = 1.0 if _larger_is_better(searched.search.objective) else -1.0
    candidates = []
    for algorithm in spec.algorithms:
        tried = [trial for trial in searched.trials if trial.algorithm == algorithm.name]
        if tried:
            objective = searched.search.objective
            best = max(tried, key=lambda trial: (trial.state == "Complete", sign * trial.scores.get(objective, -1e300)))
            candidates.append(_candidate(best.algorithm, best.estimator, best.params, best.scores, best.notes))
    return candidates


def _larger_is_better(metric: str) -> bool:
    from evermodel_api.training import Metric  # noqa: PLC0415

    return Metric(metric).larger_is_better


def _candidate(
    name: str, estimator: str, params: Mapping[str, Any], scores: Mapping[str, float], notes: Sequence[str]
) -> dict[str, Any]:
    return {
        "name": name,
        "estimator": estimator,
        "params": dict(params),
        "crossValidation": dict(scores),
        "notes": list(notes),
    }


@dataclass(frozen=True)
class Spent:
    """What a run used."""

    seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    phases: Mapping[str, float]


def used(seconds: float, phases: Mapping[str, float]) -> Spent:
    """What this process and its children used until now."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
    return Spent(
        seconds=round(seconds, 3),
        cpu_seconds=round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 3),
        peak_memory_mb=round(own.ru_maxrss * unit / 1e6, 1),
        phases={name: round(took, 3) for name, took in phases.items()},
    )


def data_read(material: Material, sources: Sequence[SourceRead], snapshot: str | None) -> DataRead:
    """The rows of a run, as the ledger keeps them."""
    return DataRead(
        digest=material.dataset.digest,
        columns=dict(material.dataset.column_digests),
        rows_read=material.rows_read,
        rows=len(material.dataset),
        quarantined=0 if material.quarantined is None else len(material.quarantined),
        training_rows=len(material.training),
        test_rows=len(material.test),
        sources=list(sources),
        snapshot=snapshot,
    )


def make_ledger(order: TrainingOrder, outcome: TrainingOutcome, data: DataRead, spent: Spent) -> Ledger:
    """What is known of every run, also of one that made nothing."""
    return Ledger(
        training=order.training,
        run=order.run,
        outcome=str(outcome.outcome),
        message=outcome.message,
        cause=order.cause,
        task=str(order.spec.task),
        target=order.spec.target,
        as_of=order.as_of,
        seconds=spent.seconds,
        cpu_seconds=spent.cpu_seconds,
        peak_memory_mb=spent.peak_memory_mb,
        phases=dict(spent.phases),
        spec=order.spec.dump(),
        spec_digest=order.spec_digest,
        seed=order.spec.run.seed,
        image=order.image,
        environment={**environment(), "python": platform.python_version()},
        data=data,
    )


def complete_ledger(ledger: Ledger, order: TrainingOrder, outcome: TrainingOutcome, made: Made) -> Ledger:
    """What a run that made a model adds."""
    winner, searched, judged = made.winner, made.searched, made.judged
    return ledger.model_copy(
        update={
            "search": searched.search,
            "trials": list(searched.trials),
            "chosen": searched.chosen,
            "algorithm": winner.algorithm.name,
            "estimator": estimator_name(winner),
            "params": winner.params,
            "metrics": winner.metrics,
            "intervals": dict(judged.intervals),
            "train_metrics": winner.train_metrics,
            "notes": list(winner.notes),
            "threshold": winner.threshold,
            "costs": dict(judged.costs),
            "slices": list(judged.slices),
            "gates": list(judged.verdicts),
            "champion": judged.champion,
            "version": f"{order.training}-{order.run}",
            "artifact": outcome.artifact,
            "features": winner.signature.names,
            "signature": winner.signature.dump(),
        }
    )
