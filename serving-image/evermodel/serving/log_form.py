"""What one record of the prediction log is, and how many of them become a file of the store.

A record holds the numbers of one request as they were computed: label numbers or values, probabilities, and the matrix
of cells; then its id; then, as JSON, the texts of those cells that the matrix cannot say (dates, and categories that
training never saw).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray

from evermodel.artifact import layout
from evermodel.artifact.cells import UNSEEN
from evermodel.artifact.signature import Signature
from evermodel.serving.spool.ragged import count_within, join_pieces
from evermodel.serving.spool.segment import Records
from evermodel.serving.spool.stream import File, Origin

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS = 4096
"""Rows that are turned at a time, so that no step keeps the interpreter from the event loop for long."""
_HOUR = 3_600_000_000


@dataclass(frozen=True)
class LogColumn:
    """One feature that is logged."""

    name: str
    is_number: bool
    levels: tuple[str, ...] = ()
    """What the codes of a category stand for."""


@dataclass(frozen=True)
class LogForm:
    """The records of one version's log."""

    store: str
    """fsspec URL of the store's root."""
    deployment: str
    version: str
    columns: tuple[LogColumn, ...]
    classes: tuple[str, ...]
    """Each class as JSON text; none for a regression."""

    kind = "log"

    @classmethod
    def of(cls, store: str, deployment: str, version: str, signature: Signature, kept: Sequence[int]) -> "LogForm":
        """The form for a model, with the features at these places of its signature."""
        found = [signature.columns[place] for place in kept]
        columns = tuple(LogColumn(column.name, column.kind == "number", tuple(column.levels)) for column in found)
        classes = tuple(orjson.dumps(label).decode() for label in signature.classes)
        return cls(store, deployment, version, columns, classes)

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> "LogForm":
        """The form from what `document` said."""
        columns = tuple(LogColumn(name, is_number, tuple(levels)) for name, is_number, levels in document["columns"])
        words = document["store"], document["deployment"], document["version"]
        return cls(*words, columns, tuple(document["classes"]))

    def document(self) -> dict[str, Any]:
        """The form as JSON."""
        return {
            "kind": self.kind,
            "store": self.store,
            "deployment": self.deployment,
            "version": self.version,
            "columns": [[column.name, column.is_number, column.levels] for column in self.columns],
            "classes": self.classes,
        }

    @property
    def key(self) -> tuple[str, ...]:
        """Deployment and version."""
        return self.deployment, self.version

    def count(self, records: Records) -> int:
        """Requests."""
        return len(records)

    def files(self, records: Records, origin: Origin) -> list[File]:
        """One file for each hour in which there are records."""
        from evermodel.serving.arrow_columns import parquet_bytes  # noqa: PLC0415  pyarrow is slow to import

        hours = records.index["at"] // _HOUR
        name = layout.batch_name(origin.name, origin.first)
        files = []
        for hour in np.unique(hours).tolist():
            table = self.table(Records(records.index[hours == hour], records.content))
            moment = datetime.fromtimestamp(hour * _HOUR / 1e6, UTC)
            uri = layout.log_file(self.store, self.deployment, self.version, moment, name)
            files.append(File(uri, parquet_bytes(table)))
        return files

    def table(self, records: Records) -> "pa.Table":
        """The records as a table: one line a row."""
        import pyarrow as pa  # noqa: PLC0415  slow to import

        return pa.Table.from_batches([self._batch(chunk) for chunk in _chunks(records)])

    @cached_property
    def _texts(self) -> dict[int, "pa.Array"]:
        """The levels of each column that is no number, by its place."""
        from evermodel.serving.arrow_columns import string_column  # noqa: PLC0415  imports pyarrow

        texts = {}
        for place, column in enumerate(self.columns):
            if not column.is_number:
                texts[place] = string_column([level.encode() for level in column.levels])
        return texts

    @cached_property
    def _class_texts(self) -> "pa.Array":
        from evermodel.serving.arrow_columns import string_column  # noqa: PLC0415  imports pyarrow

        return string_column([text.encode() for text in self.classes])

    def _batch(self, records: Records) -> "pa.RecordBatch":
        import pyarrow as pa  # noqa: PLC0415  slow to import

        from evermodel.serving import arrow_columns as arrow  # noqa: PLC0415  imports pyarrow

        cells = _Cells(records, len(self.columns))
        ids = arrow.text_column(cells.ids, cells.id_lengths)
        columns = {
            layout.ID: arrow.coded_column(cells.record.astype(np.int32), None, ids),
            layout.ROW: arrow.whole_column(cells.row.astype(np.int32)),
            layout.AT: arrow.moment_column(np.repeat(records.index["at"].astype(np.int64), cells.rows)),
            layout.PREDICTION: self._predictions(cells.answers),
        }
        if self.classes:
            columns[layout.PROBABILITY] = arrow.shares_column(cells.shares, np.repeat(cells.share_counts, cells.rows))
        values = np.ascontiguousarray(cells.values.T)
        texts = cells.texts()
        for place, column in enumerate(self.columns):
            if column.is_number:
                columns[column.name] = arrow.number_column(values[place])
            else:
                columns[column.name] = self._category(place, values[place], texts.get(place, {}))
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def _predictions(self, answers: NDArray[np.float64]) -> "pa.Array":
        """Each answer as JSON text."""
        from evermodel.serving.arrow_columns import coded_column, string_column  # noqa: PLC0415  imports pyarrow

        if self.classes:
            return coded_column(answers.view(np.int64).astype(np.int32), None, self._class_texts)
        texts = orjson.dumps(answers, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
        return string_column(texts)

    def _category(self, place: int, codes: NDArray[np.float64], said: dict[int, str]) -> "pa.Array":
        """A column of text from its codes, and from what was said in words (by row)."""
        from evermodel.serving.arrow_columns import coded_column, string_column  # noqa: PLC0415  imports pyarrow

        known = codes >= 0
        numbers = np.where(known, codes, 0).astype(np.int32)
        texts = self._texts[place]
        if said:
            first = len(texts)
            new = dict.fromkeys(said.values())
            numbered = {text: first + number for number, text in enumerate(new)}
            rows = np.fromiter(said, np.int64, len(said))
            numbers[rows] = [numbered[text] for text in said.values()]
            known[rows] = True
            levels = [level.encode() for level in self.columns[place].levels]
            texts = string_column([*levels, *(text.encode() for text in new)])
        return coded_column(numbers, known, texts)


def _chunks(records: Records) -> Iterator[Records]:
    """The records in pieces of about `CHUNK_ROWS` rows."""
    ends = np.cumsum(records.index["rows"], dtype=np.int64)
    first = 0
    while first < len(records):
        before = int(ends[first - 1]) if first else 0
        end = max(first + 1, int(np.searchsorted(ends, before + CHUNK_ROWS, side="right")))
        yield Records(records.index[first:end], records.content)
        first = end


class _Cells:
    """The parts of some records, each in one array."""

    def __init__(self, records: Records, width: int) -> None:
        index = records.index
        places = index["place"].astype(np.int64)
        self.rows = index["rows"].astype(np.int64)
        self.share_counts = index["shares"].astype(np.int64)
        self.id_lengths = index["id_length"].astype(np.int64)
        self.record = np.repeat(np.arange(len(index)), self.rows)
        self.row = count_within(self.rows)
        numbers, first = records.content.view(np.float64), places // 8
        shares, values = self.rows * self.share_counts, self.rows * width
        self.answers = join_pieces(numbers, first, self.rows)
        self.shares = join_pieces(numbers, first + self.rows, shares)
        self.values = join_pieces(numbers, first + self.rows + shares, values).reshape(len(self.record), width)
        id_places = places + 8 * (self.rows + shares + values)
        self.ids = join_pieces(records.content, id_places, self.id_lengths)
        self._content = records.content
        self._text_places = id_places + self.id_lengths
        self._text_ends = places + index["length"].astype(np.int64)

    def texts(self) -> dict[int, dict[int, str]]:
        """What was said in words: for each column, by its place, the texts by row."""
        found: dict[int, dict[int, str]] = {}
        firsts = np.cumsum(self.rows) - self.rows
        for record in np.flatnonzero(self._text_places < self._text_ends).tolist():
            said = self._content[self._text_places[record] : self._text_ends[record]].tobytes()
            first = int(firsts[record])
            for row, place, text in orjson.loads(said):
                found.setdefault(place, {})[first + row] = text
        return found


def texts_of_unseen(
    values: NDArray[np.float64], texts: dict[int, list[str | None]], places: Sequence[int]
) -> list[Any]:
    """Row, place and text of the cells whose category training never saw; `places` are looked at."""
    if len(values) == 1:
        row = values[0].tolist()
        wanted = [(0, place) for place in places if row[place] == UNSEEN]
    else:
        rows, columns = np.nonzero(values[:, list(places)] == UNSEEN)
        wanted = [(row, places[column]) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
    return [[row, place, texts[place][row]] for row, place in wanted if place in texts]
