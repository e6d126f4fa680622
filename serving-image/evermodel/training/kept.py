"""The rows that a run has read: a run that is begun again goes on with the same ones."""

import pandas as pd
from pydantic import ValidationError

from evermodel.artifact.layout import READ, run_file, snapshot_file
from evermodel.artifact.store import absolute_uri, read_bytes, write_bytes
from evermodel.data.snapshot import read_snapshot, write_snapshot
from evermodel.training.ledger import SourceRead
from evermodel_api.base import Digest, Schema
from evermodel_api.runs import TrainingOrder


class Kept(Schema):
    """Written once the rows have been read."""

    identity: Digest
    """sha256 of the order."""
    snapshot: Digest | None = None
    """sha256 of the rows' file; None where they are not kept."""
    sources: tuple[SourceRead, ...] = ()
    """What each source gave."""

    def rows(self, store: str) -> pd.DataFrame:
        """The rows.

        Raises:
            DataError: `SnapshotMissing`.
            RunError: `StoreUnavailable`.
        """
        assert self.snapshot is not None  # noqa: S101  checked by the caller; tells the type checker
        return read_snapshot(absolute_uri(store), self.snapshot)

    def uri(self, store: str) -> str | None:
        """Where the rows are kept."""
        return None if self.snapshot is None else snapshot_file(absolute_uri(store), self.snapshot)


def _uri(order: TrainingOrder) -> str:
    """Where the document lies."""
    return run_file(absolute_uri(order.store), order.training, order.run, READ)


def read_kept(order: TrainingOrder, identity: str) -> Kept | None:
    """The document of this very order; None when there is none yet.

    Raises:
        RunError: `StoreUnavailable`.
    """
    try:
        kept = Kept.model_validate_json(read_bytes(_uri(order)))
    except (FileNotFoundError, ValidationError):
        return None
    return kept if kept.identity == identity else None


def write_kept(order: TrainingOrder, identity: str, frame: pd.DataFrame | None, sources: list[SourceRead]) -> Kept:
    """Keep the rows, then say so.

    Raises:
        RunError: `StoreUnavailable`.
    """
    snapshot = None if frame is None else write_snapshot(absolute_uri(order.store), frame)[0]
    kept = Kept(identity=identity, snapshot=snapshot, sources=tuple(sources))
    write_bytes(_uri(order), kept.model_dump_json(by_alias=True, exclude_none=True).encode())
    return kept
