"""CSV, Parquet and JSON lines: each gives the rows of one file, at once or in batches."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import IO, Any, ClassVar, Protocol

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.errors import ParserError, ParserWarning

from evermodel.data.batches import BATCH_ROWS, batch_of_rows, merge_schemas, plain_type, to_frame
from evermodel.data.opened import Opened

COMPRESSED = {".gz", ".bz2", ".xz", ".zip", ".zst"}
"""Suffixes that say nothing of the format."""
_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls row labels without a name when it writes Parquet."""


class Format(Protocol):
    """How the rows of a file are read. Damaged bytes raise ValueError, OSError or another of `Opened.read`."""

    fixed_columns: ClassVar[bool]
    """Whether all files of a source must have the same columns."""

    def frame(self, file: Opened) -> pd.DataFrame:
        """All rows."""

    def batches(self, file: Opened) -> Iterator[pa.RecordBatch]:
        """The rows, some at a time."""


class Csv:
    """Text with a header. A column's type follows from all values of the file, as in pandas."""

    fixed_columns: ClassVar[bool] = True

    def frame(self, file: Opened) -> pd.DataFrame:
        """All rows."""
        with file.read("csv", decompress=True) as content, _strict():
            return pd.read_csv(content, low_memory=False, index_col=False)

    def batches(self, file: Opened) -> Iterator[pa.RecordBatch]:
        """The rows, some at a time. A file of several batches is read twice: first to see the types."""
        with file.read("csv", decompress=True) as content:
            chunks = _chunks(content, {})
            first = list(_some(chunks, 2))
            if len(first) < 2:
                yield from first
                return
            texts = _text_columns(chain(first, chunks))
        with file.read("csv", decompress=True) as content:
            yield from _chunks(content, dict.fromkeys(texts, "str"))


def _chunks(content: IO[bytes], types: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    # without index_col=False pandas takes surplus values for row labels, and moves all others one column on
    with _strict():
        chunks = pd.read_csv(
            content, low_memory=False, index_col=False, chunksize=BATCH_ROWS, dtype=dict(types) if types else None
        )
    with chunks:
        while True:
            with _strict():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield _chunk_batch(chunk)


def _chunk_batch(chunk: pd.DataFrame) -> pa.RecordBatch:
    batch = pa.RecordBatch.from_pandas(chunk, preserve_index=False).replace_schema_metadata(None)
    # a column without a single value has no type of its own: it takes that of its neighbours
    empty = [array.null_count == len(array) for array in batch.columns]
    arrays = [pa.nulls(len(array)) if none else array for array, none in zip(batch.columns, empty, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _some(batches: Iterator[pa.RecordBatch], count: int) -> Iterator[pa.RecordBatch]:
    for _, batch in zip(range(count), batches, strict=False):
        yield batch


def _text_columns(batches: Iterator[pa.RecordBatch]) -> list[str]:
    """Columns that hold text somewhere: their numbers elsewhere are text too, with all zeros in front."""
    schemas = list(dict.fromkeys(batch.schema for batch in batches))
    merged = merge_schemas(schemas)
    text = {field.name for schema in schemas for field in schema if _is_text(field.type)}
    return [field.name for field in merged if field.name in text or field.metadata]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


@contextmanager
def _strict() -> Iterator[None]:
    """Rows that have more values than the header has names are an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ParserWarning)
        try:
            yield
        except ParserWarning:
            raise ParserError("its rows have more values than its header has names") from None


class Parquet:
    """Columns with types. What pandas noted in it for itself is left out: it would make an index of a column."""

    fixed_columns: ClassVar[bool] = True

    def frame(self, file: Opened) -> pd.DataFrame:
        """All rows."""
        with file.read("parquet", decompress=False) as content:
            source: Any = file.path if file.is_local else content
            frame = pd.read_parquet(source, engine="pyarrow", to_pandas_kwargs={"ignore_metadata": True})
        names = _named(frame.columns)
        return frame if len(names) == len(frame.columns) else frame.loc[:, names]  # which copies all of it

    def batches(self, file: Opened) -> Iterator[pa.RecordBatch]:
        """The rows, some at a time."""
        with file.read("parquet", decompress=False) as content, pq.ParquetFile(content, pre_buffer=False) as parquet:
            schema = parquet.schema_arrow
            names = _named(schema.names)
            fields = [pa.field(name, plain_type(schema.field(name).type)) for name in names]
            seen = False
            for batch in parquet.iter_batches(BATCH_ROWS, columns=names):
                seen = True
                yield batch.cast(pa.schema(fields))
            if not seen:
                yield pa.RecordBatch.from_pylist([], schema=pa.schema(fields))


def _named(columns: Any) -> list[str]:
    return [name for name in columns if not _UNNAMED_INDEX.fullmatch(name)]


class JsonLines:
    """One JSON object a line. Rows may lack keys: those values are missing."""

    fixed_columns: ClassVar[bool] = False

    def frame(self, file: Opened) -> pd.DataFrame:
        """All rows."""
        return to_frame(self.batches(file))

    def batches(self, file: Opened) -> Iterator[pa.RecordBatch]:
        """The rows, some at a time."""
        with file.read("jsonl", decompress=True) as content:
            rows: list[dict[str, Any]] = []
            for number, line in enumerate(content, start=1):
                if line.isspace():
                    continue
                rows.append(_row(line, number))
                if len(rows) == BATCH_ROWS:
                    yield batch_of_rows(rows)
                    rows = []
            if rows:
                yield batch_of_rows(rows)


def _row(line: bytes, number: int) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"line {number} is no JSON: {error}") from None
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is no JSON object")  # noqa: TRY004  the bytes are wrong, not our types
    return row


FORMATS: dict[str, Format] = {"csv": Csv(), "parquet": Parquet(), "pq": Parquet(), "jsonl": JsonLines()}
"""Formats by the suffixes of their files, which are also their names in a spec."""
FORMATS["ndjson"] = FORMATS["jsonl"]
