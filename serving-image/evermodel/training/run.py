"""One run: from an order to a proven model in the store. Files first, manifest second, record third."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evermodel.artifact import manifest as names
from evermodel.artifact.build import build_baseline, build_golden, column_signature, environment, try_missing
from evermodel.artifact.model import LoadedArtifact, in_words, load_artifact, model_frame
from evermodel.artifact.records import RunRecord, read_record, write_record
from evermodel.artifact.signature import Signature
from evermodel.artifact.skops_file import dump_model, load_model
from evermodel.artifact.store import make_manifest, write_artifact
from evermodel.data.dataset import Dataset, make_dataset
from evermodel.data.sources import read_source
from evermodel.data.split import fold_numbers, held_out_rows
from evermodel.errors import DataError, SpecError
from evermodel.metrics import Answers, measure
from evermodel.training.evaluate import (
    Candidate,
    Rows,
    check_classes,
    choose,
    cross_validate,
    described,
    evaluate,
    fit,
    wanted_metrics,
)
from evermodel.training.gates import Champion, explain, four_digits, judge
from evermodel.training.pipeline import Plan, plan_columns
from evermodel_api.digest import digest_bytes
from evermodel_api.runs import ChampionRef, Outcome, TrainingOrder, TrainingOutcome
from evermodel_api.training import Gate, Task, TrainingSpec
from evermodel_api.version import GateVerdict

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Parts:
    """The data of a run, divided."""

    dataset: Dataset
    plan: Plan
    signature: Signature
    training: Rows
    test: Rows
    test_raw: pd.DataFrame
    """All columns of the test rows, as the source gave them: the champion takes its own from here."""
    hashes: np.ndarray[Any, np.dtype[np.bytes_]]
    """Content of the training rows."""


@dataclass(frozen=True)
class _Winner:
    """The algorithm that was chosen, fitted on all training rows."""

    candidate: Candidate
    candidates: list[Candidate]
    model: Any
    answers: Answers
    """To the test rows."""
    metrics: dict[str, float]


def run_training(order: TrainingOrder, secrets: Path, progress: Progress) -> TrainingOutcome:
    """Make a model as the order says; a repeated run of the same order answers what the first one did.

    Args:
        order: what to do.
        secrets: directory of the Secrets, `<secret>/<key>` below it.
        progress: is told one sentence at each step.

    Raises:
        DataError, SpecError: the data or the spec is wrong; the message says where and what to do.
        RunError: a source or the store cannot be reached.
    """
    identity = digest_bytes(json.dumps(order.dump(), sort_keys=True).encode())
    done = read_record(order.store, order.training, order.run)
    if done is not None and done.order == identity:
        progress(f"run {order.run} was finished before: its result is given again")
        return done.as_outcome()
    began = time.monotonic()
    parts = _prepare(order, secrets, progress)
    winner = _develop(order.spec, parts, progress)
    verdicts, refusals = _judge(order, parts, winner, progress)
    contents = _contents(order.spec, parts, winner)
    manifest = make_manifest(order.spec.task, _estimator(winner), contents)
    artifact = write_artifact(order.store, manifest, contents)
    outcome = TrainingOutcome(
        outcome=Outcome.REFUSED if refusals else Outcome.SUCCEEDED,
        message=_message(order.spec, winner, parts, refusals),
        artifact=artifact,
        data_digest=parts.dataset.digest,
        rows=len(parts.dataset),
        algorithm=winner.candidate.algorithm.name,
        metrics=winner.metrics,
        gates=verdicts,
        seconds=round(time.monotonic() - began, 2),
    )
    record = RunRecord.model_validate({**outcome.model_dump(), "order": identity})
    write_record(order.store, order.training, order.run, record)
    return outcome


def _prepare(order: TrainingOrder, secrets: Path, progress: Progress) -> _Parts:
    spec = order.spec
    raw = read_source(spec.data.sources[0], order.as_of, secrets)
    dataset = make_dataset(raw, spec)
    progress(f"{len(raw)} rows read, {len(dataset)} after cleaning")
    plan = plan_columns(spec.pipeline, dataset.columns)
    strata = dataset.target.cells if _stratifies(spec) else np.zeros(len(dataset))
    strata_names = dataset.target.classes if _stratifies(spec) else ()
    held_out = held_out_rows(dataset.hashes, strata, spec.data.split.test, spec.run.seed, strata_names)
    columns = [column_signature(c.name, c.kind, c.datatype, c.cells[~held_out]) for c in plan.features]
    signature = Signature(task=spec.task, target=spec.target, columns=columns, classes=list(dataset.target.classes))
    rows = Rows(pd.DataFrame({c.name: c.cells for c in plan.features}), dataset.target.cells)
    if spec.task is Task.CLASSIFICATION:
        remedy = "give more rows of it, or leave it out"
        check_classes(dataset.target.cells, [held_out, ~held_out], signature, remedy)
    return _Parts(
        dataset=dataset,
        plan=plan,
        signature=signature,
        training=rows.where(~held_out),
        test=rows.where(held_out),
        test_raw=dataset.raw.loc[held_out],
        hashes=dataset.hashes[~held_out],
    )


def _stratifies(spec: TrainingSpec) -> bool:
    return spec.task is Task.CLASSIFICATION and spec.data.split.kind != "Random"


def _develop(spec: TrainingSpec, parts: _Parts, progress: Progress) -> _Winner:
    """Choose by cross-validation on the training rows, fit the winner on all of them, measure it on the test rows."""
    candidates = [Candidate(spec.algorithms[0], {}, ())]
    if len(spec.algorithms) > 1:
        truth = parts.training.truth
        by_class = spec.task is Task.CLASSIFICATION and spec.validation.cv.kind != "KFold"
        strata = truth if by_class else np.zeros(len(truth))
        strata_names = parts.signature.classes if by_class else []
        folds = fold_numbers(parts.hashes, strata, spec.validation.cv.folds, spec.run.seed, strata_names)
        if spec.task is Task.CLASSIFICATION:
            fits = [folds != fold for fold in range(spec.validation.cv.folds)]
            check_classes(truth, fits, parts.signature, "give more rows of it, or use cv kind StratifiedKFold")
        candidates = cross_validate(parts.plan, spec, parts.signature, parts.training, folds, progress)
    best = choose(candidates, wanted_metrics(spec)[0]) if len(candidates) > 1 else candidates[0]
    model, _ = fit(parts.plan, best.algorithm, parts.signature, parts.training, spec.run.seed)
    # What is measured is what will be loaded: the model after its way through the file.
    model = load_model(dump_model(model))
    answers = evaluate(model, parts.signature, parts.test, described(best.algorithm))
    measured = {metric: measure(metric, answers) for metric in wanted_metrics(spec)}
    metrics = {str(metric): value for metric, value in measured.items() if not np.isnan(value)}
    return _Winner(best, candidates, model, answers, metrics)


def _judge(
    order: TrainingOrder, parts: _Parts, winner: _Winner, progress: Progress
) -> tuple[list[GateVerdict], list[str]]:
    spec = order.spec
    champion = None
    if order.champion is not None and any(gate.versus for gate in spec.gates):
        champion = _ask_champion(order.champion, parts)
    verdicts = judge(spec.gates, winner.answers, champion, spec.run.seed)
    judged = list(zip(spec.gates, verdicts, strict=True))
    for gate, verdict in judged:
        progress(_told(gate, verdict, alone=gate.versus is not None and order.champion is None))
    return verdicts, [explain(gate, verdict, champion) for gate, verdict in judged if not verdict.passed]


def _told(gate: Gate, verdict: GateVerdict, *, alone: bool) -> str:
    holds = f"gate {gate.metric} {verdict.rule} {'holds' if verdict.passed else 'does not hold'}: {verdict.value}"
    if alone:
        return f"{holds}, and there is no champion yet"
    against = f", champion {verdict.champion}" if verdict.champion is not None else ""
    return f"{holds}, limit {verdict.limit}{against}"


def _ask_champion(reference: ChampionRef, parts: _Parts) -> Champion:
    """The champion's answers to the same test rows, from the columns that it takes.

    Raises:
        RunError: `StoreUnavailable`: it may come back, and then the champion can be asked.
    """
    try:
        loaded = load_artifact(reference.artifact.uri, reference.artifact.digest)
        _same_question(loaded, parts.signature)
        rows = Rows(model_frame(loaded.signature, parts.test_raw), parts.test.truth)
        answers = evaluate(loaded.model, loaded.signature, rows, "it")
    except (DataError, SpecError) as error:
        return Champion(reference.version, None, f"the champion {reference.version} cannot be asked: {error}")
    return Champion(reference.version, answers)


def _same_question(champion: LoadedArtifact, signature: Signature) -> None:
    """Check that champion and challenger answer the same question."""
    old = champion.signature
    if (old.task, old.target, old.classes) == (signature.task, signature.target, signature.classes):
        return
    raise SpecError(
        "ChampionDiffers",
        f"it answers {old.target!r} as {old.classes or 'a number'} and the new model {signature.target!r} as "
        f"{signature.classes or 'a number'}; give the new question a ModelTraining of its own, or drop the gate once",
    )


def _estimator(winner: _Winner) -> str:
    return str(winner.candidate.algorithm.estimator)


def _contents(spec: TrainingSpec, parts: _Parts, winner: _Winner) -> dict[str, bytes]:
    """The files of the artifact, all but the manifest. No time, host or run is in any of them."""
    predictions = in_words(parts.signature, winner.answers.predicted, winner.answers.probabilities)
    golden = build_golden(parts.signature, parts.test.frame, predictions, _estimator(winner))
    baseline = build_baseline(parts.signature, parts.training.frame, winner.metrics)
    return {
        names.MODEL: dump_model(winner.model),
        names.SIGNATURE: _encode(try_missing(winner.model, parts.signature, parts.test.frame).dump()),
        names.GOLDEN: _encode(golden.model_dump(mode="json", by_alias=True)),
        names.BASELINE: _encode(baseline.dump()),
        names.EVALUATION: _encode(_evaluation(spec, parts, winner)),
        names.ENVIRONMENT: _encode(environment()),
    }


def _encode(document: Any) -> bytes:
    return (json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def _evaluation(spec: TrainingSpec, parts: _Parts, winner: _Winner) -> dict[str, Any]:
    """How the algorithm was chosen and what it scored."""
    return {
        "algorithm": winner.candidate.algorithm.name,
        "candidates": [
            {
                "name": candidate.algorithm.name,
                "estimator": str(candidate.algorithm.estimator),
                "params": candidate.algorithm.params,
                "crossValidation": {
                    str(metric): score for metric, score in candidate.scores.items() if not np.isnan(score)
                },
                "notes": list(candidate.notes),
            }
            for candidate in winner.candidates
        ],
        "dataDigest": parts.dataset.digest,
        "folds": spec.validation.cv.folds if len(winner.candidates) > 1 else 0,
        "metrics": winner.metrics,
        "seed": spec.run.seed,
        "testRows": len(parts.test.truth),
        "trainingRows": len(parts.training.truth),
    }


def _message(spec: TrainingSpec, winner: _Winner, parts: _Parts, refusals: list[str]) -> str:
    first = str(wanted_metrics(spec)[0])
    score = f"{first} {four_digits(winner.metrics.get(first, float('nan')))}"
    made = f"{winner.candidate.algorithm.name}, {score} on {len(parts.test.truth)} test rows"
    if refusals:
        return f"{made}; {'; '.join(refusals)}."
    return f"{made}; {'its gates hold' if spec.gates else 'it has no gates to pass'}."
