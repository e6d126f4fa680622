"""One run: from an order to a proven model in the store. Files first, manifest second, record third."""

import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from evermodel.artifact.layout import (
    CARD,
    EDA_DOCUMENT,
    EDA_PAGE,
    LEDGER,
    ORDER,
    QUARANTINE,
    run_file,
)
from evermodel.artifact.records import RunRecord, read_record, write_record
from evermodel.artifact.store import absolute_uri, make_manifest, write_artifact, write_bytes
from evermodel.data.collect import Collected, collect
from evermodel.data.eda_document import Eda
from evermodel.errors import DataError
from evermodel.numbers import four_digits
from evermodel.training.ahead import import_ahead
from evermodel.training.card import card_page
from evermodel.training.containers import write_fits
from evermodel.training.develop import Objective, Winner, chooses, fit_winner, needs_folds
from evermodel.training.documents import (
    Made,
    Searched,
    Spent,
    artifact_contents,
    complete_ledger,
    data_read,
    encode,
    estimator_name,
    make_ledger,
    used,
)
from evermodel.training.evaluate import objective_of
from evermodel.training.exploring import Exploring
from evermodel.training.first_look import look_first
from evermodel.training.judging import judge_winner
from evermodel.training.kept import Kept, read_kept, write_kept
from evermodel.training.ledger import DataRead, Ledger, SourceRead
from evermodel.training.material import Material, make_material
from evermodel.training.progress import Progress
from evermodel.training.searching import Workers, search_trials
from evermodel_api.digest import digest_bytes
from evermodel_api.runs import Outcome, TrainingOrder, TrainingOutcome


@dataclass
class Run:
    """A run under way."""

    order: TrainingOrder
    secrets: Path
    progress: Progress
    workers: Workers
    memory_limit: int | None = None
    began: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=dict)
    snapshot: str | None = None
    """URI of the rows, once they are read and kept."""

    @property
    def identity(self) -> str:
        """sha256 of the order: a training that was deleted and made again counts its runs from 1 again."""
        return digest_bytes(json.dumps(self.order.dump(), sort_keys=True).encode())

    @property
    def exchange(self) -> Path | None:
        """Directory that the pod's containers share."""
        return None if self.order.exchange is None else Path(self.order.exchange)

    def write(self, name: str, content: bytes) -> str:
        """Write a document of this run; its URI."""
        uri = run_file(absolute_uri(self.order.store), self.order.training, self.order.run, name)
        write_bytes(uri, content)
        return uri

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Tell of a phase, and measure it."""
        self.progress.phase(name)
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + time.monotonic() - began

    def spent(self) -> Spent:
        """What the run used until now."""
        return used(time.monotonic() - self.began, self.phases)


def run_training(run: Run) -> TrainingOutcome:
    """Make a model as the order says; a repeated run of the same order answers what the first one did.

    Raises:
        DataError, SpecError: the data or the spec is wrong; the message says where and what to do.
        RunError: a source or the store cannot be reached.
    """
    order, progress = run.order, run.progress
    done = read_record(order.store, order.training, order.run)
    if done is not None and done.order == run.identity:
        progress.say(f"run {order.run} was finished before: its result is given again")
        _mirror(run)
        return done.as_outcome()
    look_first(order)
    run.write(ORDER, encode(order.dump()))
    prepared = prepare(run)
    material, data = prepared.material, prepared.data
    if _is_unchanged(order, material):
        return _skipped(run, material, data)
    eda = _explore(run, prepared)
    winner, searched = develop(run, material)
    with run.phase("Judging"):
        judged = judge_winner(order, material, winner, progress, run.exchange)
    with run.phase("Recording"):
        return _record(run, Made(material, searched, winner, judged), data, eda)


@dataclass(frozen=True)
class Prepared:
    """The rows of a run."""

    material: Material
    data: DataRead
    exploring: Exploring


def prepare(run: Run) -> Prepared:
    """Collect the rows, or take those that this run has read before; clean and divide them."""
    with run.phase("Collecting"):
        frame, sources, kept = _rows(run)
    # Rows are kept and looked at while they are divided, for this takes one core; and who needs the report at once?
    with ThreadPoolExecutor(3) as beside, run.phase("Preparing"):
        keeping = None if kept is not None else beside.submit(_keep, run, frame, sources)
        exploring = Exploring(run.order.spec, None if _may_be_skipped(run.order) else beside)
        beside.submit(import_ahead, run.order.spec)
        material = make_material(frame, run.order.spec, exploring.begin)
        del frame
        _tell(run, material)
        kept = kept or (keeping.result() if keeping else None)
    run.snapshot = kept.uri(run.order.store) if kept is not None else None
    return Prepared(material, data_read(material, sources, run.snapshot), exploring)


def _rows(run: Run) -> tuple[pd.DataFrame, list[SourceRead], Kept | None]:
    """The rows, what each source gave, and where they are kept already."""
    kept = read_kept(run.order, run.identity)
    if kept is not None and kept.snapshot is not None:
        run.progress.say("the rows that this run has read before are taken again")
        return kept.rows(run.order.store), list(kept.sources), kept
    collected = _collect(run)
    sources = [SourceRead(name=s.name, rows=s.rows, seconds=round(s.seconds, 3)) for s in collected.sources]
    return collected.frame, sources, None


def _tell(run: Run, material: Material) -> None:
    run.progress.rows(len(material.dataset))
    run.progress.say(f"{material.rows_read} rows read, {len(material.dataset)} after cleaning")
    if material.quarantined is not None and len(material.quarantined):
        run.write(QUARANTINE, _parquet(material.quarantined))
        count = len(material.quarantined)
        run.progress.say(f"{count} wrong {'row was' if count == 1 else 'rows were'} set aside")
    for note in material.plan.notes:
        run.progress.say(note)


def _collect(run: Run) -> Collected:
    with tempfile.TemporaryDirectory(prefix="evermodel-") as scratch:
        return collect(
            run.order.spec.data, run.order.as_of, run.secrets, Path(scratch), run.memory_limit, run.progress.say
        )


def _keep(run: Run, frame: pd.DataFrame, sources: list[SourceRead]) -> Kept:
    """Keep the rows for workers and for `evermodel reproduce`."""
    spec = run.order.spec
    shared = spec.tuning is not None and spec.tuning.workers > 1
    keeps = spec.register_.snapshot or shared or run.exchange is not None
    return write_kept(run.order, run.identity, frame if keeps else None, sources)


def _parquet(frame: pd.DataFrame) -> bytes:
    return bytes(frame.to_parquet())


def _may_be_skipped(order: TrainingOrder) -> bool:
    """Whether the rows may be found to be those of the last run."""
    last = order.last
    return (
        order.spec.triggers.skip_if_unchanged
        and last is not None
        and (last.spec_digest, last.image) == (order.spec_digest, order.image)
    )


def _is_unchanged(order: TrainingOrder, material: Material) -> bool:
    return _may_be_skipped(order) and order.last is not None and order.last.data_digest == material.dataset.digest


def _skipped(run: Run, material: Material, data: DataRead) -> TrainingOutcome:
    order = run.order
    last = order.last.run if order.last else 0
    outcome = TrainingOutcome(
        outcome=Outcome.SKIPPED,
        message=f"Data, spec and image are those of run {last}: the same model would be made.",
        data_digest=material.dataset.digest,
        rows=len(material.dataset),
        seconds=round(time.monotonic() - run.began, 2),
        quarantined=data.quarantined or None,
    )
    uri = run.write(LEDGER, _ledger_bytes(make_ledger(order, outcome, data, run.spent())))
    return _finish(run, outcome.model_copy(update={"ledger": uri}))


def _explore(run: Run, prepared: Prepared) -> Eda:
    with run.phase("Preparing"):
        explored = prepared.exploring.explored(prepared.material.dataset)
        run.write(EDA_PAGE, explored.page)
        run.write(EDA_DOCUMENT, encode(explored.eda.dump()))
    return explored.eda


def develop(run: Run, material: Material) -> tuple[Winner, Searched]:
    """Choose by cross-validation on the training rows, fit the winner on all of them, measure it on the test rows."""
    spec = run.order.spec
    masks = material.folds(spec) if needs_folds(spec) else []
    searched = Searched()
    algorithm, params = spec.algorithms[0], dict(spec.algorithms[0].params)
    if chooses(spec):
        with run.phase("Searching"):
            objective = Objective(spec, material, masks, run.exchange)
            searched = search_trials(run, objective)
        best = next(trial for trial in searched.trials if trial.number == searched.chosen)
        algorithm = next(each for each in spec.algorithms if each.name == best.algorithm)
        params = best.params
    with run.phase("Fitting"):
        winner = fit_winner(spec, material, algorithm, params, masks, run.exchange)
        for note in winner.notes:
            run.progress.say(f"{algorithm.name}: {note}")
    return winner, searched


def collect_for_containers(run: Run) -> None:
    """What the init container of a run does: collect, divide, and write the rows of each fit of each container."""
    material = prepare(run).material
    spec = run.order.spec
    masks = material.folds(spec) if needs_folds(spec) else []
    if run.exchange is None:
        raise DataError("OrderInvalid", "the order names no exchange directory; it is written by the operator")
    for algorithm in spec.algorithms:
        if algorithm.container is not None:
            write_fits(run.exchange, algorithm, material.signature, material.training, masks, spec.run.seed)
            run.progress.say(f"the rows of {len(masks) + 1} fits are ready for {algorithm.name}")


def _record(run: Run, made: Made, data: DataRead, eda: Eda) -> TrainingOutcome:
    order = run.order
    winner, judged = made.winner, made.judged
    contents = artifact_contents(order.spec, made)
    manifest = make_manifest(order.spec.task, estimator_name(winner), contents)
    artifact = write_artifact(order.store, manifest, contents)
    outcome = TrainingOutcome(
        outcome=Outcome.REFUSED if judged.refusals else Outcome.SUCCEEDED,
        message=_message(order, made),
        artifact=artifact,
        data_digest=made.material.dataset.digest,
        rows=len(made.material.dataset),
        algorithm=winner.algorithm.name,
        metrics=winner.metrics,
        gates=list(judged.verdicts),
        seconds=round(time.monotonic() - run.began, 2),
        quarantined=data.quarantined or None,
    )
    ledger = complete_ledger(make_ledger(order, outcome, data, run.spent()), order, outcome, made)
    card = card_page(ledger, eda)
    run.write(CARD, card.encode())
    uri = run.write(LEDGER, _ledger_bytes(ledger))
    finished = _finish(run, outcome.model_copy(update={"ledger": uri}))
    _mirror(run)
    return finished


def _mirror(run: Run) -> None:
    """Copy the run to where the spec says; a copy that broke off is gone on with."""
    order = run.order
    if order.spec.register_.mirror is None:
        return
    from evermodel.training.mirror import mirror_recorded  # noqa: PLC0415  slow to import

    settings = order.spec.register_.mirror.mlflow
    mirror_recorded(order.store, order.training, order.run, settings, run.secrets, run.progress.say)


def _ledger_bytes(ledger: Ledger) -> bytes:
    return ledger.model_dump_json(by_alias=True, exclude_none=True, indent=1).encode()


def _finish(run: Run, outcome: TrainingOutcome) -> TrainingOutcome:
    order = run.order
    record = RunRecord.model_validate(
        {**outcome.model_dump(), "order": run.identity, "spec_digest": order.spec_digest, "image": order.image}
    )
    write_record(order.store, order.training, order.run, record)
    return outcome


def _message(order: TrainingOrder, made: Made) -> str:
    winner, judged = made.winner, made.judged
    first = str(objective_of(order.spec))
    score = f"{first} {four_digits(winner.metrics.get(first, float('nan')))}"
    text = f"{winner.algorithm.name}, {score} on {len(made.material.test)} test rows"
    if judged.refusals:
        return f"{text}; {'; '.join(judged.refusals)}."
    return f"{text}; {'its gates hold' if judged.verdicts else 'it has no gates to pass'}."
