"""The newest rows of a version's prediction log, with the answers that users were given."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from evermodel.artifact import layout
from evermodel.artifact.signature import Signature
from evermodel.artifact.store import list_names
from evermodel.monitoring.log import HourFiles, probabilities_of
from evermodel.monitoring.rehearsal.compare import Answered

_NEEDED = (layout.ID, layout.ROW, layout.AT, layout.PREDICTION)
_AT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Logged:
    """Rows that were asked, newest last."""

    table: pa.Table
    """The log's columns, features included."""
    answers: Answered
    inputs: dict[str, Any]
    """What was read, with digests."""

    @property
    def features(self) -> frozenset[str]:
        """Names of the features that are in the log."""
        return frozenset(self.table.column_names) - layout.RESERVED


def read_newest(
    store: str, deployment: str, version: str, signature: Signature, until: datetime, rows: int
) -> Logged | None:
    """The newest rows up to a moment, at most so many; None where there is none.

    Whole requests are taken, newest first, and the oldest of them may be cut.

    Args:
        store: URL of the store's root.
        deployment: whose log it is.
        version: which answered.
        signature: of that version.
        until: rows that came later are left out.
        rows: how many at most.

    Raises:
        RunError: `StoreUnavailable`.
    """
    prefix = layout.log_prefix(store, deployment, version)
    files = HourFiles(prefix, _NEEDED)
    tables: list[pa.Table] = []
    found = 0
    for hour in _hours(prefix, until):
        for table in files.read(hour, hour, signature.names):
            kept = table.filter(pc.less_equal(table[layout.AT], pa.scalar(until, _AT)))
            found += kept.num_rows
            tables.append(kept)
        if found >= rows:
            break
    if not found:
        return None
    whole = pa.concat_tables(tables, promote_options="permissive")
    order = [(layout.AT, "ascending"), (layout.ID, "ascending"), (layout.ROW, "ascending")]
    newest = _plain(whole).sort_by(order)[-rows:]
    return Logged(newest, _answers(newest, len(signature.classes)), files.record)


def _hours(prefix: str, until: datetime) -> Iterator[datetime]:
    """The hours that have a folder, newest first, up to that of `until`."""
    last = layout.hour_name(until)
    for name in reversed(list_names(prefix)):
        if name <= last and (hour := layout.hour_of_name(name)) is not None:
            yield hour


def _plain(table: pa.Table) -> pa.Table:
    """Ids as text: what is sorted must not be codes."""
    return table.set_column(table.column_names.index(layout.ID), layout.ID, table[layout.ID].cast(pa.string()))


def _answers(table: pa.Table, classes: int) -> Answered:
    labels = [json.loads(text) for text in table[layout.PREDICTION].to_pylist()]
    return Answered(labels, probabilities_of(table, classes), are_numbers=not classes)
