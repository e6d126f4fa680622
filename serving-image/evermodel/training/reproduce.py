"""Making an old version again from its snapshot, and saying whether it is the same."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from evermodel.artifact.build import environment
from evermodel.artifact.layout import LEDGER, ORDER, run_file
from evermodel.artifact.model import LoadedArtifact, answer, load_artifact
from evermodel.artifact.store import absolute_uri, make_manifest, read_bytes
from evermodel.data.snapshot import read_snapshot
from evermodel.errors import DataError
from evermodel.training.classes import TOLERANCES
from evermodel.training.documents import Made, artifact_contents, estimator_name
from evermodel.training.judging import judge_winner
from evermodel.training.ledger import Ledger
from evermodel.training.material import Material, make_material
from evermodel.training.progress import Progress, Silent
from evermodel.training.run import Run, develop
from evermodel.training.searching import ALONE
from evermodel_api.runs import ReproduceOrder, ReproduceOutcome, TrainingOrder

IDENTICAL, WITHIN_TOLERANCE, DIFFERENT, IMPOSSIBLE = "Identical", "WithinTolerance", "Different", "Impossible"


@dataclass(frozen=True)
class _Then:
    """What was kept of the run."""

    order: TrainingOrder
    ledger: Ledger
    snapshot: str


def reproduce(order: ReproduceOrder, secrets: Path, progress: Progress) -> ReproduceOutcome:
    """Make the version again, without its gates and its champion, and compare.

    Raises:
        RunError: `StoreUnavailable`.
    """
    began = time.monotonic()
    try:
        then = _read(order)
        progress.phase("Preparing")
        material = make_material(read_snapshot(absolute_uri(order.store), then.snapshot), then.order.spec)
    except DataError as error:
        return ReproduceOutcome(outcome=IMPOSSIBLE, message=str(error), reason=str(error.reason))
    if material.dataset.digest != then.ledger.data.digest:
        message = "The snapshot's rows, as this image reads them, have another digest than the run recorded."
        return ReproduceOutcome(outcome=DIFFERENT, message=message)
    run = Run(then.order.model_copy(update={"champion": None, "exchange": None}), secrets, progress, ALONE)
    winner, searched = develop(run, material)
    judged = judge_winner(run.order, material, winner, Silent(), None)
    contents = artifact_contents(run.order.spec, Made(material, searched, winner, judged))
    manifest = make_manifest(run.order.spec.task, estimator_name(winner), contents)
    outcome = _compare(order, then, material, manifest.digest, contents, winner.model)
    return outcome.model_copy(update={"seconds": round(time.monotonic() - began, 2)})


def _read(order: ReproduceOrder) -> _Then:
    store = absolute_uri(order.store)
    try:
        asked = TrainingOrder.model_validate_json(read_bytes(run_file(store, order.training, order.run, ORDER)))
        ledger = Ledger.model_validate_json(read_bytes(run_file(store, order.training, order.run, LEDGER)))
    except (FileNotFoundError, ValidationError) as error:
        raise DataError(
            "SnapshotMissing",
            f"the store has no order or ledger of {order.version} that this image reads ({type(error).__name__}); "
            "it was made by another release, or they were removed",
        ) from error
    if ledger.data.snapshot is None:
        raise DataError(
            "SnapshotMissing",
            f"the rows of {order.version} were not kept: its training says register.snapshot: false",
        )
    if any(algorithm.container is not None for algorithm in asked.spec.algorithms):
        raise DataError(
            "SnapshotMissing", f"{order.version} was chosen among containers, and only their own image can fit again"
        )
    digest = ledger.data.snapshot.rsplit("/", 1)[-1].removesuffix(".parquet")
    return _Then(asked, ledger, f"sha256:{digest}")


def _compare(
    order: ReproduceOrder,
    then: _Then,
    material: Material,
    digest: str,
    contents: Mapping[str, bytes],
    model: Any,
) -> ReproduceOutcome:
    if digest == order.artifact.digest:
        message = f"{order.version} was made again and is identical to the bit."
        return ReproduceOutcome(outcome=IDENTICAL, message=message, digest=digest, difference=0.0)
    try:
        old = load_artifact(order.artifact.uri, order.artifact.digest)
    except DataError as error:
        message = f"Another model was made, and {order.version} cannot be loaded to compare it: {error}"
        return ReproduceOutcome(outcome=DIFFERENT, message=message, digest=digest)
    difference = _difference(old, model, material)
    estimator = str(then.ledger.estimator)
    tolerance = TOLERANCES.get(estimator, 0.0)
    why = _why(then, old, contents)
    if difference <= tolerance:
        if difference == 0.0:
            text = f"{order.version} was made again: other bytes, and equal answers to the test rows"
        else:
            text = f"{order.version} was made again; its answers to the test rows differ by at most {difference:.3g}"
            text += f", and {estimator} is allowed {tolerance:g}"
        message = f"{text}. {why}".strip()
        outcome = WITHIN_TOLERANCE
    else:
        message = f"What was made again answers the test rows differently, by up to {difference:.3g}. {why}".strip()
        outcome = DIFFERENT
    return ReproduceOutcome(outcome=outcome, message=message, digest=digest, difference=difference, tolerance=tolerance)


def _difference(old: LoadedArtifact, model: Any, material: Material) -> float:
    """Largest difference of the two models' probabilities, or numbers, for the test rows."""
    frame = material.test.frame
    if old.signature.names != material.signature.names or old.signature.classes != material.signature.classes:
        return float("inf")
    theirs, their_probabilities = answer(old.model, old.signature, frame)
    ours, our_probabilities = answer(model, material.signature, frame)
    if our_probabilities is not None and their_probabilities is not None:
        return float(np.max(np.abs(our_probabilities - their_probabilities)))
    return float(np.max(np.abs(ours - theirs)))


def _why(then: _Then, old: LoadedArtifact, contents: Mapping[str, bytes]) -> str:
    """What is known of the reasons, as sentences."""
    now, before = environment(), old.environment
    libraries = {name: (before.get("libraries", {}).get(name), version) for name, version in now["libraries"].items()}
    changed = [f"{name} {was} then, {is_now} now" for name, (was, is_now) in sorted(libraries.items()) if was != is_now]
    if now["python"] != before.get("python"):
        changed.append(f"Python {before.get('python')} then, {now['python']} now")
    said = [f"Libraries differ: {'; '.join(changed)}."] if changed else []
    if then.ledger.search is not None and then.ledger.search.stopped_by == "Timeout":
        said.append("Its search was cut short by tuning.timeout, so other trials were made.")
    same = {name for name, file in old.manifest.files.items() if name in contents and len(contents[name]) == file.size}
    differing = sorted(set(contents) - same)
    if differing and not said:
        said.append(f"Libraries are the same; the files that differ in size are {', '.join(differing)}.")
    return " ".join(said)
