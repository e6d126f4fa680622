"""Records of finished runs, and how a version is found without a cluster: by its name, its directory or its URI."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from evermodel.artifact.layout import ORDER, artifact_directory, record_file, record_prefix, run_file
from evermodel.artifact.manifest import MANIFEST
from evermodel.artifact.store import absolute_uri, list_names, read_bytes, write_bytes
from evermodel.errors import DataError, RunError
from evermodel_api.base import Digest
from evermodel_api.digest import digest_bytes
from evermodel_api.runs import ChampionRef, LastRun, Outcome, TrainingOutcome
from evermodel_api.version import Artifact

_VERSION_NAME = re.compile(r"(?P<model>.+)-(?P<run>[1-9][0-9]*)")
_ARTIFACT_NAME = re.compile(r"[0-9a-f]{64}")


class RunRecord(TrainingOutcome):
    """The record of a finished run: what it answered, and to which order.

    A training that was deleted and made again counts its runs from 1 again: the digest tells the orders apart.
    """

    order: Digest
    """sha256 of the order."""
    spec_digest: Digest | None = None
    """sha256 of the spec."""
    image: str | None = None
    """The image that the run was given."""

    def as_outcome(self) -> TrainingOutcome:
        """What the run answered."""
        return TrainingOutcome.model_validate(self.model_dump(exclude={"order", "spec_digest", "image"}))


@dataclass(frozen=True)
class FoundVersion:
    """A version that was found in a store."""

    name: str
    """Name of the version, or of its directory."""
    uri: str
    digest: str | None
    """None when only a directory was named: its manifest is then taken as it is."""


def read_record(store: str, training: str, run: int) -> RunRecord | None:
    """The record of a run; None when there is none.

    Raises:
        DataError: `RecordInvalid` when the file is no record.
        RunError: `StoreUnavailable`.
    """
    uri = record_file(absolute_uri(store), training, run)
    try:
        return RunRecord.model_validate_json(read_bytes(uri))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise DataError("RecordInvalid", f"{uri} is no record of a run; remove the file and train again") from error


def write_record(store: str, training: str, run: int, record: RunRecord) -> None:
    """Write the record, whole or not at all.

    Raises:
        RunError: `StoreUnavailable`.
    """
    encoded = record.model_dump_json(by_alias=True, exclude_none=True, indent=1).encode()
    write_bytes(record_file(absolute_uri(store), training, run), encoded)


def recorded_runs(store: str, training: str) -> list[int]:
    """Numbers of the runs that have a record, ascending."""
    names = list_names(record_prefix(absolute_uri(store), training))
    return sorted(int(name.removesuffix(".json")) for name in names if re.fullmatch(r"[1-9][0-9]*\.json", name))


def data_as_of(store: str, version: str) -> str | None:
    """The moment up to which a version's data reaches, in ISO 8601, as its run was told; None where nothing says it.

    It is told to people, and nothing depends on it: a store that cannot be read is no error here.
    """
    match = _VERSION_NAME.fullmatch(version)
    if match is None:
        return None
    try:
        order = json.loads(read_bytes(run_file(absolute_uri(store), match["model"], int(match["run"]), ORDER)))
        return datetime.fromisoformat(order["asOf"]).astimezone(UTC).isoformat(timespec="seconds")
    except (OSError, RunError, ValueError, KeyError, TypeError):
        return None


def latest_made(store: str, training: str) -> LastRun | None:
    """The newest run that made a version, with what it made it from."""
    for run in reversed(recorded_runs(store, training)):
        record = read_record(store, training, run)
        if record is not None and record.artifact and record.spec_digest and record.data_digest:
            return LastRun(run=run, spec_digest=record.spec_digest, data_digest=record.data_digest, image=record.image)
    return None


def latest_passed(store: str, training: str) -> ChampionRef | None:
    """The newest version that passed its gates: the champion where there is no cluster."""
    for run in reversed(recorded_runs(store, training)):
        record = read_record(store, training, run)
        if record is not None and record.outcome is Outcome.SUCCEEDED and record.artifact is not None:
            return ChampionRef(version=f"{training}-{run}", artifact=_moved(store, record.artifact))
    return None


def _moved(store: str, artifact: Artifact) -> Artifact:
    """The artifact below this root: a store may be copied, and is found by digest and not by where it once was."""
    return artifact.model_copy(update={"uri": artifact_directory(absolute_uri(store), artifact.digest)})


def find_version(store: str | None, wanted: str) -> FoundVersion:
    """Find a version by its name (`heart-4`), the directory of its artifact, or the URI of it.

    The name of a model (`heart`) finds its newest version that passed its gates.

    Raises:
        DataError: `VersionNotFound`.
        RunError: `StoreUnavailable`.
    """
    if "://" in wanted or (Path(wanted) / MANIFEST).is_file():
        return _found_directory(absolute_uri(wanted))
    if store is None:
        raise DataError(
            "VersionNotFound", f"{wanted} is no directory of an artifact; name one, or give --store DIR and a version"
        )
    if match := _VERSION_NAME.fullmatch(wanted):
        record = read_record(store, match["model"], int(match["run"]))
        if record is not None and record.artifact is not None:
            return FoundVersion(wanted, _moved(store, record.artifact).uri, record.artifact.digest)
    if champion := latest_passed(store, wanted):
        return FoundVersion(champion.version, champion.artifact.uri, champion.artifact.digest)
    raise DataError("VersionNotFound", f"the store {store} has no version {wanted}; it has {_versions(store)}")


def _found_directory(uri: str) -> FoundVersion:
    name = uri.rsplit("/", 1)[-1]
    if _ARTIFACT_NAME.fullmatch(name):
        return FoundVersion(name[:12], uri, f"sha256:{name}")
    try:
        return FoundVersion(name, uri, digest_bytes(read_bytes(f"{uri}/{MANIFEST}")))
    except FileNotFoundError:
        raise DataError("VersionNotFound", f"{uri} holds no {MANIFEST}; name the directory of an artifact") from None


def _versions(store: str) -> str:
    root = absolute_uri(store)
    names = [f"{training}-{run}" for training in list_names(f"{root}/runs") for run in recorded_runs(store, training)]
    return ", ".join(names) or "none"
