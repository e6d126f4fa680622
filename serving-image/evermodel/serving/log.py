"""The prediction log: requests and answers as Parquet in the store, by version and hour, for monitoring.

Layout and column names are those of `evermodel.artifact.layout`. A request is kept or left out whole, by a hash of its
id, so that every pod decides alike and a label finds all rows of its request or none.
"""

import io
import secrets
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from evermodel.artifact import layout
from evermodel.artifact.signature import Signature
from evermodel.serving.batch_writer import BatchWriter, File, Limits
from evermodel.serving.protocol.answers import Answers, Question
from evermodel_api.base import parse_duration
from evermodel_api.deployment import PredictionLog


@dataclass(frozen=True, slots=True)
class Entry:
    """One request with its answers."""

    question: Question
    answers: Answers
    at: datetime

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.question.rows


@dataclass(frozen=True)
class LogTarget:
    """Where the log of one version goes."""

    store: str
    """fsspec URL of the store's root."""
    deployment: str
    version: str
    process: str
    """Name of this process, which no other process has (`process_name`)."""


def process_name(host: str) -> str:
    """A name for this process that its successors in the same pod do not have."""
    return f"{host}-{secrets.token_hex(4)}"


def is_sampled(request_id: str, share: float) -> bool:
    """Whether a request belongs to the kept share.

    >>> [is_sampled("a", share) for share in (0.0, 1.0)]
    [False, True]
    """
    return zlib.crc32(request_id.encode()) < share * 2**32


def logged_columns(signature: Signature, redact: Sequence[str]) -> list[tuple[int, str]]:
    """Position and name of the features that are written: neither redacted ones nor names that the log itself needs."""
    hidden = layout.RESERVED | set(redact)
    return [(position, name) for position, name in enumerate(signature.names) if name not in hidden]


def encode_entries(entries: Sequence[Entry], signature: Signature, redact: Sequence[str]) -> bytes:
    """The entries as Parquet: one line a row."""
    columns: dict[str, pa.Array] = {
        layout.ID: pa.array([e.answers.id for e in entries for _ in range(e.rows)], pa.string()),
        layout.ROW: pa.array([row for e in entries for row in range(e.rows)], pa.int32()),
        layout.AT: pa.array([e.at for e in entries for _ in range(e.rows)], pa.timestamp("us", tz="UTC")),
        layout.PREDICTION: pa.array([orjson.dumps(x).decode() for e in entries for x in e.answers.labels], pa.string()),
    }
    if signature.classes:
        shares = [share for e in entries for share in _probabilities(e)]
        columns[layout.PROBABILITY] = pa.array(shares, pa.list_(pa.float64()))
    for position, name in logged_columns(signature, redact):
        kind = pa.float64() if signature.columns[position].kind == "number" else pa.string()
        values = [cell for e in entries for cell in e.question.columns[position]]
        columns[name] = pa.array(_floats(values) if kind == pa.float64() else values, kind)
    return parquet_bytes(pa.table(columns))


def _probabilities(entry: Entry) -> list[Any]:
    shares = entry.answers.probabilities
    return [None] * entry.rows if shares is None else shares.tolist()


def _floats(values: list[Any]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


class PredictionLogger:
    """Keeps the requests of one version. `received = stored + sampled_out + dropped + pending`, at any moment."""

    def __init__(
        self,
        target: LogTarget,
        signature: Signature,
        settings: PredictionLog,
        write: Callable[[str, bytes], None],
    ) -> None:
        self.sampled_out = 0
        self._target = target
        self._signature = signature
        self._settings = settings
        self._sequence = count()
        limits = Limits(interval=parse_duration(settings.flush).total_seconds())
        self._writer = BatchWriter(f"prediction log of {target.version}", self._files, write, limits)

    @property
    def counts(self) -> dict[str, int]:
        """Requests so far, by what became of them, and the failures of writing."""
        counts = self._writer.counts
        return {
            "received": counts.received + self.sampled_out,
            "stored": counts.stored,
            "sampled_out": self.sampled_out,
            "dropped": counts.dropped,
            "pending": counts.pending,
            "write_failures": counts.write_failures,
        }

    def put(self, question: Question, answers: Answers, at: datetime) -> None:
        """Take a request that was answered. Never waits."""
        if is_sampled(answers.id, self._settings.sample):
            self._writer.put(Entry(question, answers, at))
        else:
            self.sampled_out += 1

    def close(self) -> None:
        """Write what waits."""
        self._writer.close()

    def _files(self, entries: Sequence[Entry]) -> list[File]:
        by_hour: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_hour[layout.hour_name(entry.at)].append(entry)
        return [self._file(group) for group in by_hour.values()]

    def _file(self, entries: list[Entry]) -> File:
        target = self._target
        name = layout.batch_name(target.process, next(self._sequence))
        uri = layout.log_file(target.store, target.deployment, target.version, entries[0].at, name)
        return File(uri, encode_entries(entries, self._signature, self._settings.redact), len(entries))
