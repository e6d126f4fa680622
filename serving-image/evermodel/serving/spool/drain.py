"""From a segment to the store: files are written first, and only then does the segment say that its records are there.

Who dies between the two leaves records that are written again: from the same first record on, so under the same names,
with at least what was in them. So nothing is lost and nothing is there twice.
"""

from collections.abc import Callable

import numpy as np

from evermodel.serving.spool.segment import Records, Segment
from evermodel.serving.spool.stream import Form, Origin

BATCH_ROWS = 32_768
"""Rows of one file, and of what is in memory beside the segment. It must not depend on when the files are written."""

Write = Callable[[str, bytes | memoryview], None]


class EncodeError(Exception):
    """Records that cannot be made into a file: they would not be the next time either."""

    def __init__(self, records: int, units: int, cause: Exception) -> None:
        super().__init__(f"{units} of them cannot be written into a file and are lost: {cause!r}")
        self.records = records
        self.units = units


def drain_batch(segment: Segment, end: int, process: str, number: int, form: Form, write: Write) -> int:
    """Write the next records of a segment; how many things (requests, labels) they were, 0 when all are stored.

    Args:
        segment: what to write of.
        end: number of records that are whole.
        process: name of the process that made the segment.
        number: number of the segment.
        form: what the records are.
        write: writes one file.

    Raises:
        EncodeError: no file can be made of them; they are passed over.
        Exception: whatever `write` raises; nothing is consumed.
    """
    first = segment.consumed
    if first >= end:
        return 0
    records = _batch(segment.records(first, end))
    units = form.count(records)
    try:
        files = form.files(records, Origin(process, number, first))
    except Exception as error:
        segment.consume(first + len(records))
        raise EncodeError(len(records), units, error) from error
    for file in files:
        write(file.uri, file.content)
    segment.consume(first + len(records))
    return units


def _batch(records: Records) -> Records:
    """The first records, at least one, with at most `BATCH_ROWS` rows."""
    fitting = int(np.searchsorted(np.cumsum(records.index["rows"], dtype=np.int64), BATCH_ROWS, side="right"))
    return Records(records.index[: max(1, fitting)], records.content)
