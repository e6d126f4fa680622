"""Labels that come later: read, held against the signature, kept before they are acknowledged, and written as Parquet.

A label belongs to a request id and a row. Sent again it changes nothing: readers take the newest label of each row.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson

from evermodel.artifact import layout
from evermodel.artifact.signature import ClassLabel, Signature
from evermodel.serving.check import list_names, show
from evermodel.serving.faults import BadRequestError, TooLargeError, UnavailableError
from evermodel.serving.limits import STANDARD
from evermodel.serving.protocol.body import ID_RULE, is_request_id, read_json
from evermodel.serving.spool.segment import Records
from evermodel.serving.spool.spool import Spool
from evermodel.serving.spool.stream import File, Origin

FLUSH_SECONDS = 1.0
"""A label should be in the store soon: there are few of them, and monitors wait for them."""
SEGMENT_BYTES = 1 << 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Label:
    """What turned out to be true of one row of one request."""

    id: str
    row: int
    truth: ClassLabel
    at: datetime


def parse(body: bytes, signature: Signature, at: datetime, limit: int = STANDARD.rows) -> list[Label]:
    """Read labels: `{"id", "truth"}`, `{"id", "row", "truth"}`, or a list of them (bare, or under "labels").

    A `truth` that is a list gives a label to each row of the request, in order; null in it is not known yet.
    `limit` is how many labels there may be, and rows in a request.

    Raises:
        BadRequestError: which label, what was expected and what came.
        TooLargeError: too many labels.
    """
    document = read_json(body)
    if isinstance(document, dict) and isinstance(document.get("labels"), list):
        document = document["labels"]
    items = document if isinstance(document, list) else [document]
    if not items:
        raise BadRequestError('there is no label; send {"id": "<request id>", "truth": ...} or a list of them')
    labels = [label for position, item in enumerate(items) for label in _labels(item, position, signature, at, limit)]
    if len(labels) > limit:
        raise TooLargeError(f"the request has {len(labels)} labels and the limit is {limit}; send them in several")
    return labels


def _labels(item: object, position: int, signature: Signature, at: datetime, limit: int) -> list[Label]:
    where = f"label {position}"
    if not isinstance(item, dict):
        raise BadRequestError(f'{where}: expected an object {{"id", "truth"}}, got {show(item)}')
    if unknown := sorted(item.keys() - {"id", "row", "truth"}):
        raise BadRequestError(f"{where}: unknown key {show(unknown[0])}; a label has id, row and truth")
    if not is_request_id(item.get("id")):
        raise BadRequestError(f"{where}: id: {ID_RULE}, got {show(item.get('id'))}")
    row, truth = item.get("row", 0), item.get("truth")
    if type(row) is not int or not 0 <= row < limit:
        raise BadRequestError(f"{where}: row must be the number of a row, from 0 on, got {show(row)}")
    if not isinstance(truth, list):
        return [Label(item["id"], row, _truth(where, truth, signature), at)]
    if "row" in item:
        raise BadRequestError(f"{where}: truth is a list, which labels all rows; leave out row")
    known = [(number, value) for number, value in enumerate(truth) if value is not None]
    return [Label(item["id"], n, _truth(f"{where}, row {n}", value, signature), at) for n, value in known]


def _truth(where: str, truth: object, signature: Signature) -> ClassLabel:
    """The truth as the model itself would say it, so that equal ones have equal text in the log."""
    if not signature.classes:
        if isinstance(truth, int | float) and not isinstance(truth, bool):
            return float(truth)
        raise BadRequestError(f"{where}: truth must be a number, got {show(truth)}")
    for label in signature.classes:
        if label == truth and isinstance(label, bool) == isinstance(truth, bool):
            return label
    shown = list_names([show(label) for label in signature.classes])
    raise BadRequestError(f"{where}: truth must be one of {shown}, got {show(truth)}")


@dataclass(frozen=True)
class LabelForm:
    """The records of one deployment's labels: JSON, for they are few. A record holds the labels of one request."""

    store: str
    """fsspec URL of the store's root."""
    deployment: str

    kind = "feedback"

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> "LabelForm":
        """The form from what `document` said."""
        return cls(document["store"], document["deployment"])

    def document(self) -> dict[str, Any]:
        """The form as JSON."""
        return {"kind": self.kind, "store": self.store, "deployment": self.deployment}

    @property
    def key(self) -> tuple[str, ...]:
        """The deployment."""
        return (self.deployment,)

    def count(self, records: Records) -> int:
        """Labels."""
        return records.rows

    def files(self, records: Records, origin: Origin) -> list[File]:
        """One file for each hour in which there are labels."""
        by_hour: dict[str, list[Label]] = defaultdict(list)
        for label in read_labels(records):
            by_hour[layout.hour_name(label.at)].append(label)
        name = layout.batch_name(origin.name, origin.first)
        return [
            File(layout.feedback_file(self.store, self.deployment, labels[0].at, name), encode_labels(labels))
            for labels in by_hour.values()
        ]


def write_labels(labels: Sequence[Label]) -> bytes:
    """Labels as the payload of a record."""
    return orjson.dumps([[label.id, label.row, orjson.dumps(label.truth).decode()] for label in labels])


def read_labels(records: Records) -> Iterator[Label]:
    """The labels of records, the truth as JSON text."""
    for entry in records.index:
        place = int(entry["place"])
        at = EPOCH + timedelta(microseconds=int(entry["at"]))
        for identity, row, truth in orjson.loads(records.content[place : place + int(entry["length"])].tobytes()):
            yield Label(identity, row, truth, at)


def encode_labels(labels: Sequence[Label]) -> memoryview:
    """Labels whose truth is JSON text, as Parquet: one line each."""
    import pyarrow as pa  # noqa: PLC0415  slow to import

    from evermodel.serving import arrow_columns as arrow  # noqa: PLC0415  imports pyarrow

    columns = {
        layout.ID: arrow.string_column([label.id.encode() for label in labels]),
        layout.ROW: arrow.whole_column(np.array([label.row for label in labels], np.int32)),
        layout.TRUTH: arrow.string_column([str(label.truth).encode() for label in labels]),
        layout.AT: arrow.moment_column(np.array([micros(label.at) for label in labels], np.int64)),
    }
    return arrow.parquet_bytes(pa.table(columns))


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


class FeedbackLog:
    """Keeps the labels of one deployment."""

    def __init__(self, store: str, deployment: str, spool: Spool) -> None:
        self._form = LabelForm(store, deployment)
        self._spool = spool
        self._stream = spool.open_stream(self._form, FLUSH_SECONDS, SEGMENT_BYTES)

    @property
    def counts(self) -> dict[str, int]:
        """Labels so far, by what became of them, and the failures of writing.

        `recovered` are those that an earlier process had taken, and that were stored since.
        """
        counts = self._stream.counts
        return {
            "received": counts.received,
            "stored": counts.stored,
            "dropped": counts.dropped,
            "pending": counts.pending,
            "write_failures": counts.write_failures,
            "recovered": self._spool.recovered(self._form),
        }

    def put(self, labels: Sequence[Label]) -> None:
        """Take the labels of one request, all or none; when it returns, they outlive the process.

        Raises:
            UnavailableError: there is no room. All of them may be sent again: a label that comes twice counts once.
        """
        if not labels:
            return
        newest = list({(label.id, label.row): label for label in labels}.values())
        if not self._stream.append(micros(labels[0].at), len(newest), 0, b"", write_labels(newest), len(newest)):
            raise UnavailableError(
                "the labels cannot be kept now because the store is slow or away; send them again", 5
            )

    def close(self) -> None:
        """Store what waits."""
        self._spool.close_stream(self._stream)
