"""What the store remembers of runs: records, ledgers, and the documents beside them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from evermodel.artifact.layout import (
    CARD,
    EDA_DOCUMENT,
    EDA_PAGE,
    LEDGER,
    MIRRORED,
    ORDER,
    QUARANTINE,
    record_prefix,
    run_file,
)
from evermodel.artifact.records import RunRecord, read_record, recorded_runs
from evermodel.artifact.store import absolute_uri, list_names, read_bytes, write_bytes
from evermodel.errors import DataError
from evermodel.training.ledger import Ledger
from evermodel_api.base import Schema

_RUN_NAME = re.compile(r"(?P<training>.+)-(?P<run>[1-9][0-9]*)")
DOCUMENTS = (LEDGER, ORDER, CARD, EDA_PAGE, EDA_DOCUMENT, QUARANTINE, MIRRORED)
"""What may lie beside a record."""


class Mirrored(Schema):
    """Where a run was copied to."""

    done: bool
    """Whether everything was copied."""
    message: str
    """One sentence for people; for a failure the cause and the remedy."""
    run: str | None = None
    """Id of the MLflow run."""
    url: str | None = None
    """Its page."""
    model_version: str | None = None
    """Number of the registered model's version."""
    attempts: int = 1
    """How often it was tried."""


@dataclass(frozen=True)
class PastRun:
    """One finished run."""

    store: str
    training: str
    run: int
    record: RunRecord
    ledger: Ledger | None
    """None for a run that wrote none."""

    @property
    def name(self) -> str:
        """Name of the run, and of the version that it made."""
        return f"{self.training}-{self.run}"

    def uri(self, document: str) -> str:
        """Where a document of the run lies."""
        return run_file(absolute_uri(self.store), self.training, self.run, document)

    def documents(self) -> dict[str, str]:
        """URI of each document that there is, by its name."""
        there = set(list_names(self.uri("").rstrip("/")))
        return {name: self.uri(name) for name in DOCUMENTS if name in there}

    def needed_ledger(self) -> Ledger:
        """The ledger.

        Raises:
            DataError: `RecordInvalid` when the run wrote none.
        """
        if self.ledger is None:
            raise DataError(
                "RecordInvalid", f"{self.name} has no ledger ({self.uri(LEDGER)} is not there); train again to get one"
            )
        return self.ledger


def read_run(store: str, name: str) -> PastRun:
    """A run by its name, such as heart-4.

    Raises:
        DataError: `VersionNotFound` with the runs that there are; `RecordInvalid`.
        RunError: `StoreUnavailable`.
    """
    match = _RUN_NAME.fullmatch(name)
    if match is not None:
        record = read_record(store, match["training"], int(match["run"]))
        if record is not None:
            run = int(match["run"])
            return PastRun(store, match["training"], run, record, read_ledger(store, match["training"], run))
    there = ", ".join(f"{training}-{run}" for training in trainings(store) for run in recorded_runs(store, training))
    raise DataError("VersionNotFound", f"the store {store} has no run {name}; it has {there or 'none'}")


def read_runs(store: str, training: str) -> Iterator[PastRun]:
    """The finished runs of a training, newest first.

    Raises:
        DataError: `RecordInvalid`.
        RunError: `StoreUnavailable`.
    """
    for run in reversed(recorded_runs(store, training)):
        record = read_record(store, training, run)
        if record is not None:
            yield PastRun(store, training, run, record, read_ledger(store, training, run))


def unfinished_runs(store: str, training: str) -> list[int]:
    """Numbers of the runs that wrote documents and no record: they failed, or are still at work.

    Raises:
        RunError: `StoreUnavailable`.
    """
    names = list_names(record_prefix(absolute_uri(store), training))
    begun = {int(name) for name in names if re.fullmatch(r"[1-9][0-9]*", name)}
    return sorted(begun - set(recorded_runs(store, training)))


def trainings(store: str) -> list[str]:
    """Names of the trainings that ran.

    Raises:
        RunError: `StoreUnavailable`.
    """
    return list_names(record_prefix(absolute_uri(store), "").rstrip("/"))


def read_ledger(store: str, training: str, run: int) -> Ledger | None:
    """The ledger of a run; None when it wrote none.

    Raises:
        DataError: `RecordInvalid` when the file is no ledger.
        RunError: `StoreUnavailable`.
    """
    uri = run_file(absolute_uri(store), training, run, LEDGER)
    try:
        return Ledger.model_validate_json(read_bytes(uri))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
        raise DataError(
            "RecordInvalid", f"{uri} is no ledger of this release ({where or 'it is no JSON'}); train again"
        ) from error


def read_document(run: PastRun, name: str) -> bytes:
    """A document that lies beside the record.

    Raises:
        DataError: `VersionNotFound` when the run has none.
        RunError: `StoreUnavailable`.
    """
    try:
        return read_bytes(run.uri(name))
    except FileNotFoundError:
        there = ", ".join(run.documents()) or "none"
        raise DataError("VersionNotFound", f"{run.name} has no {name}; it has {there}") from None


def read_mirrored(store: str, training: str, run: int) -> Mirrored | None:
    """Where a run was copied to; None when nobody tried, or what was written cannot be read.

    Raises:
        RunError: `StoreUnavailable`.
    """
    try:
        return Mirrored.model_validate_json(read_bytes(run_file(absolute_uri(store), training, run, MIRRORED)))
    except (FileNotFoundError, ValidationError):
        return None


def write_mirrored(store: str, training: str, run: int, mirrored: Mirrored) -> None:
    """Remember where a run was copied to, or why not.

    Raises:
        RunError: `StoreUnavailable`.
    """
    encoded = mirrored.model_dump_json(by_alias=True, exclude_none=True, indent=1).encode()
    write_bytes(run_file(absolute_uri(store), training, run, MIRRORED), encoded)


def objective_of(ledger: Ledger) -> str:
    """The metric that runs are compared by: what chose, or the first that was measured."""
    if ledger.search is not None:
        return ledger.search.objective
    validation = ledger.spec.get("validation") or {}
    return next(iter([*(validation.get("metrics") or []), *ledger.metrics]), "")


def fold_score(ledger: Ledger) -> float | None:
    """Mean over the folds of the metric that chose, for the trial that won."""
    for trial in ledger.trials:
        if trial.number == ledger.chosen:
            return trial.scores.get(objective_of(ledger))
    return None
