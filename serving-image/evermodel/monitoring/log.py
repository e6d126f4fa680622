"""The window of a served version: its prediction log between two moments, joined with the labels that came since."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evermodel.artifact import layout
from evermodel.artifact.signature import Signature
from evermodel.artifact.store import list_names, read_bytes
from evermodel.monitoring.window import Answered, Labelled, Reservoir, Window, read_columns

_AT = pa.timestamp("us", tz="UTC")
_LOG = (layout.ID, layout.ROW, layout.AT, layout.PREDICTION)
_FEEDBACK = (layout.ID, layout.ROW, layout.AT, layout.TRUTH)
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Served:
    """Whose log is read, and from when to when."""

    store: str
    deployment: str
    version: str
    start: datetime
    """Rows with start <= _at < end are looked at."""
    end: datetime
    now: datetime
    """Labels that came later than this are not looked at, so that an evaluation can be repeated."""


class HourFiles:
    """Reads Parquet files below a folder of hours, and keeps a record of what it read.

    A file that vanished since it was listed, or that cannot be read, is left out and named: one broken file must not
    silence a monitor.
    """

    def __init__(self, prefix: str, needed: Sequence[str]) -> None:
        self._prefix = prefix
        self._needed = needed
        self._digests: list[str] = []
        self._unreadable: list[str] = []

    def read(self, start: datetime, end: datetime, features: Sequence[str] = ()) -> Iterator[pa.Table]:
        """Tables of the hours from `start` to `end`, in the order of their names, with the columns that are there."""
        for hour in layout.hour_names(start, end):
            for name in list_names(f"{self._prefix}/{hour}"):
                if name.endswith(".parquet") and not name.startswith("."):
                    yield from self._table(f"{hour}/{name}", features)

    def _table(self, name: str, features: Sequence[str]) -> Iterator[pa.Table]:
        try:
            content = read_bytes(f"{self._prefix}/{name}")
        except FileNotFoundError:
            return
        self._digests.append(f"{name} {sha256(content).hexdigest()}")
        try:
            file = pq.ParquetFile(pa.BufferReader(content))
            there = set(file.schema_arrow.names)
            optional = [layout.PROBABILITY, *(name for name in features if name not in layout.RESERVED)]
            columns = [*self._needed, *(name for name in optional if name in there)]
            table = file.read(columns=columns).select(columns)  # `read` passes over what is not there
            table = table.set_column(self._needed.index(layout.AT), layout.AT, table[layout.AT].cast(_AT))
        except (pa.ArrowException, OSError, KeyError, ValueError):
            self._unreadable.append(name)
            return
        yield table

    @property
    def record(self) -> dict[str, Any]:
        """How many files were found, a digest of their names and bytes, and which of them could not be read."""
        digest = sha256("\n".join(self._digests).encode()).hexdigest()
        found: dict[str, Any] = {"files": len(self._digests), "digest": f"sha256:{digest}"}
        return {**found, "unreadable": self._unreadable[:10]} if self._unreadable else found


def read_window(served: Served, signature: Signature, max_rows: int, *, with_answers: bool = False) -> Window:
    """Read the log and the labels; `with_answers` also what was answered to rows without a label.

    Raises:
        RunError: `StoreUnavailable` when the store cannot be read. A log that is not there yet is an empty window.
    """
    files = HourFiles(layout.log_prefix(served.store, served.deployment, served.version), _LOG)
    kept, absent = Reservoir(max_rows), set[str]()
    for table in files.read(served.start, served.end, signature.names):
        within = pc.and_(
            pc.greater_equal(table[layout.AT], pa.scalar(served.start, _AT)),
            pc.less(table[layout.AT], pa.scalar(served.end, _AT)),
        )
        rows = table.filter(within)
        if rows.num_rows:
            absent |= set(signature.names) - set(table.column_names)
            kept.add(rows)
    sample = kept.sample()
    inputs = {"log": files.record}
    if sample is None:
        return Window(0, 0, {}, start=served.start, end=served.end, inputs=inputs)
    truths, inputs["feedback"] = _truths(served, sample)
    return Window(
        rows=sample.num_rows,
        seen=kept.seen,
        columns=read_columns(sample, [column for column in signature.columns if column.name not in absent]),
        labelled=_labelled(sample, truths, len(signature.classes)),
        answered=Answered(_predicted(sample), probabilities_of(sample, len(signature.classes)))
        if with_answers
        else None,
        absent=tuple(name for name in signature.names if name in absent),
        start=served.start,
        end=served.end,
        newest=pc.max(sample[layout.AT]).as_py(),
        inputs=inputs,
    )


def _truths(served: Served, sample: pa.Table) -> tuple[dict[Key, Any], dict[str, Any]]:
    """The newest label of each row of the sample; among labels of one moment the last in the order of the files."""
    files = HourFiles(layout.feedback_prefix(served.store, served.deployment), _FEEDBACK)
    wanted = pc.unique(sample[layout.ID].cast(pa.string()))
    newest: dict[Key, tuple[datetime, str]] = {}
    for table in files.read(served.start, served.now):
        until = pc.less_equal(table[layout.AT], pa.scalar(served.now, _AT))
        labels = table.filter(pc.and_(until, pc.is_in(table[layout.ID].cast(pa.string()), value_set=wanted)))
        for identity, row, at, truth in zip(*(labels[name].to_pylist() for name in _FEEDBACK), strict=True):
            key = (identity, row)
            if truth is not None and (key not in newest or newest[key][0] <= at):
                newest[key] = (at, truth)
    return {key: _json(truth) for key, (_, truth) in newest.items()}, files.record


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _labelled(sample: pa.Table, truths: dict[Key, Any], classes: int) -> Labelled | None:
    keys = zip(sample[layout.ID].to_pylist(), sample[layout.ROW].to_pylist(), strict=True)
    rows = [(i, truth) for i, key in enumerate(keys) if (truth := truths.get(key)) is not None]
    if not rows:
        return None
    places = pa.array([i for i, _ in rows])
    answers = sample.take(places)
    moments = answers[layout.AT].to_pylist()
    return Labelled(_predicted(answers), [truth for _, truth in rows], probabilities_of(answers, classes), moments)


def _predicted(answers: pa.Table) -> list[Any]:
    return [None if text is None else _json(text) for text in answers[layout.PREDICTION].to_pylist()]


def probabilities_of(answers: pa.Table, classes: int) -> NDArray[np.float64] | None:
    """Shape (rows, classes); None unless every row has one probability a class."""
    if layout.PROBABILITY not in answers.column_names or classes == 0:
        return None
    lists = answers[layout.PROBABILITY].combine_chunks()
    if lists.null_count or not pc.all(pc.equal(pc.list_value_length(lists), classes)).as_py():
        return None
    return np.asarray(pc.list_flatten(lists).to_numpy(zero_copy_only=False), dtype=np.float64).reshape(-1, classes)
