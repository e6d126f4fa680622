"""Labels that come later: read, held against the signature, and written as Parquet beside the prediction log.

A label belongs to a request id and a row. Sent again it changes nothing: readers take the newest label of each row.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

import orjson
import pyarrow as pa

from evermodel.artifact import layout
from evermodel.artifact.signature import ClassLabel, Signature
from evermodel.serving.batch_writer import BatchWriter, File, Limits
from evermodel.serving.check import MAX_ROWS, list_names, show
from evermodel.serving.faults import BadRequestError, TooLargeError, UnavailableError
from evermodel.serving.log import parquet_bytes
from evermodel.serving.protocol.body import ID_RULE, is_request_id, read_json

FLUSH_SECONDS = 1.0
"""A label that was acknowledged should be on disk soon: there are few of them, and nobody sends them twice."""


@dataclass(frozen=True, slots=True)
class Label:
    """What turned out to be true of one row of one request."""

    id: str
    row: int
    truth: ClassLabel
    at: datetime

    @property
    def rows(self) -> int:
        """One."""
        return 1


def parse(body: bytes, signature: Signature, at: datetime) -> list[Label]:
    """Read labels: `{"id", "truth"}`, `{"id", "row", "truth"}`, or a list of them (bare, or under "labels").

    A `truth` that is a list gives a label to each row of the request, in order; null in it is not known yet.

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
    labels = [label for position, item in enumerate(items) for label in _labels(item, position, signature, at)]
    if len(labels) > MAX_ROWS:
        raise TooLargeError(f"the request has {len(labels)} labels and the limit is {MAX_ROWS}; send them in several")
    return labels


def _labels(item: object, position: int, signature: Signature, at: datetime) -> list[Label]:
    where = f"label {position}"
    if not isinstance(item, dict):
        raise BadRequestError(f'{where}: expected an object {{"id", "truth"}}, got {show(item)}')
    if unknown := sorted(item.keys() - {"id", "row", "truth"}):
        raise BadRequestError(f"{where}: unknown key {show(unknown[0])}; a label has id, row and truth")
    if not is_request_id(item.get("id")):
        raise BadRequestError(f"{where}: id: {ID_RULE}, got {show(item.get('id'))}")
    row, truth = item.get("row", 0), item.get("truth")
    if type(row) is not int or not 0 <= row < MAX_ROWS:
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


def encode_labels(labels: Sequence[Label]) -> bytes:
    """The labels as Parquet: one line each."""
    columns = {
        layout.ID: pa.array([label.id for label in labels], pa.string()),
        layout.ROW: pa.array([label.row for label in labels], pa.int32()),
        layout.TRUTH: pa.array([orjson.dumps(label.truth).decode() for label in labels], pa.string()),
        layout.AT: pa.array([label.at for label in labels], pa.timestamp("us", tz="UTC")),
    }
    return parquet_bytes(pa.table(columns))


class FeedbackLog:
    """Keeps the labels of one deployment."""

    def __init__(self, store: str, deployment: str, process: str, write: Callable[[str, bytes], None]) -> None:
        self._store = store
        self._deployment = deployment
        self._process = process
        self._sequence = count()
        self._writer = BatchWriter(f"feedback of {deployment}", self._files, write, Limits(interval=FLUSH_SECONDS))

    @property
    def counts(self) -> dict[str, int]:
        """Labels so far, by what became of them, and the failures of writing."""
        counts = self._writer.counts
        return {
            "received": counts.received,
            "stored": counts.stored,
            "dropped": counts.dropped,
            "pending": counts.pending,
            "write_failures": counts.write_failures,
        }

    def put(self, labels: Sequence[Label]) -> None:
        """Take labels.

        Raises:
            UnavailableError: there is no room. All of them may be sent again: a label that comes twice counts once.
        """
        taken = [self._writer.put(label) for label in labels]
        if not all(taken):
            raise UnavailableError(
                "the labels cannot be kept now because the store is slow or away; send them again", 5
            )

    def close(self) -> None:
        """Write what waits."""
        self._writer.close()

    def _files(self, labels: Sequence[Label]) -> list[File]:
        by_hour: dict[str, list[Label]] = defaultdict(list)
        for label in labels:
            by_hour[layout.hour_name(label.at)].append(label)
        return [self._file(group) for group in by_hour.values()]

    def _file(self, labels: list[Label]) -> File:
        name = layout.batch_name(self._process, next(self._sequence))
        uri = layout.feedback_file(self._store, self._deployment, labels[0].at, name)
        return File(uri, encode_labels(labels), len(labels))
