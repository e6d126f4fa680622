"""Rows and answers as an Arrow IPC stream. Imports pyarrow, so it is imported by the first request that needs it.

Arrow carries types, so the types of the columns are checked and not only their cells: text in a column of numbers is
refused even where it could be read as numbers.
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evermodel.artifact.golden import Cell
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.serving.arrow_columns import long_column, number_column, string_column, truth_column
from evermodel.serving.check import check_column, check_numbers, check_row_count
from evermodel.serving.faults import BadRequestError
from evermodel.serving.limits import STANDARD
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.table import Column, answer_columns, check_names

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a moment without a zone stays one
_HEADER_TYPES_WITH_ROWS = {2: 1, 3: None}
"""Of a message: a dictionary (its batch is field 1 of the header) and a batch (the header itself)."""
_COMPRESSION = 3
"""Field of a RecordBatch that is there when its buffers are compressed (Arrow's format/Message.fbs)."""


def parse(body: bytes, signature: Signature, limit: int = STANDARD.rows) -> Question:
    """Read the rows of a stream; `limit` is how many there may be.

    Raises:
        BadRequestError: what is wrong and where.
        TooLargeError: too many rows.
    """
    try:
        _refuse_compressed(body)
        with pa.ipc.open_stream(body) as stream:
            check_names(signature, stream.schema.names)
            _check_types(signature, stream.schema)
            batches = list(_take_batches(stream, limit))
            table = pa.Table.from_batches(batches, stream.schema).combine_chunks()
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, struct.error, IndexError) as error:
        raise BadRequestError(f"the body is not an Arrow stream: {' '.join(str(error).split())[:200]}") from None
    check_row_count(table.num_rows, limit)
    return Question([_cells(column, _one_array(table.column(column.name))) for column in signature.columns])


def _take_batches(stream: pa.RecordBatchReader, limit: int) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in stream:
        rows += batch.num_rows
        if batch.num_rows:
            check_row_count(rows, limit)
            batch.validate(full=True)  # offsets and codes are the client's: they must not lead out of the buffers
            yield batch


def _refuse_compressed(body: bytes) -> None:
    """Refuse compressed buffers, as compressed bodies are: eight megabytes can become as many gigabytes.

    Raises:
        BadRequestError: there are some.
        pa.ArrowException, EOFError: it is no stream of messages.
    """
    reader = pa.ipc.MessageReader.open_stream(body)
    for message in iter(lambda: _next(reader), None):
        if _is_compressed(message.metadata.to_pybytes()):
            raise BadRequestError("compressed buffers of Arrow are not read here; write the stream without compression")


def _next(reader: pa.ipc.MessageReader) -> "pa.ipc.Message | None":
    try:
        return reader.read_next_message()
    except StopIteration:
        return None


def _is_compressed(metadata: bytes) -> bool:
    """Whether a message (a flatbuffer, of which Arrow has checked that it is whole) has compressed buffers."""
    message = struct.unpack_from("<I", metadata, 0)[0]
    kind = _field(metadata, message, 1)
    header = _field(metadata, message, 2)
    if kind is None or header is None or metadata[kind] not in _HEADER_TYPES_WITH_ROWS:
        return False
    batch = _follow(metadata, header)
    inner = _HEADER_TYPES_WITH_ROWS[metadata[kind]]
    if inner is not None:
        place = _field(metadata, batch, inner)
        if place is None:
            return False
        batch = _follow(metadata, place)
    return _field(metadata, batch, _COMPRESSION) is not None


def _field(buffer: bytes, table: int, number: int) -> int | None:
    """Where a field of a flatbuffer's table stands; None where it is not there."""
    directory = table - int(struct.unpack_from("<i", buffer, table)[0])
    size = int(struct.unpack_from("<H", buffer, directory)[0])
    entry = 4 + 2 * number
    offset = int(struct.unpack_from("<H", buffer, directory + entry)[0]) if entry < size else 0
    return table + offset if offset else None


def _follow(buffer: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", buffer, place)[0])


def _check_types(signature: Signature, schema: pa.Schema) -> None:
    for column in signature.columns:
        kind = _value_type(schema.field(column.name).type)
        if not (pa.types.is_null(kind) or _fits(column, kind)):
            raise BadRequestError(f"column {column.name}: expected {_wanted(column)}, got the Arrow type {kind}")


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _fits(column: ColumnSignature, kind: pa.DataType) -> bool:
    if column.kind == "number":
        return _is_number(kind)
    if column.format is not None:
        return bool(_is_text(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind))
    return bool(_is_text(kind) or pa.types.is_boolean(kind) or _is_number(kind))


def _wanted(column: ColumnSignature) -> str:
    if column.kind == "number":
        return "numbers"
    if column.format is not None:
        return "dates or text in ISO 8601"
    return "true and false" if column.datatype == "BOOL" else "text (or numbers, or true and false)"


def _one_array(chunked: pa.ChunkedArray) -> pa.Array:
    array = chunked.chunk(0) if chunked.num_chunks == 1 else pa.concat_arrays(chunked.chunks)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _cells(column: ColumnSignature, array: pa.Array) -> list[Cell]:
    kind = array.type
    if pa.types.is_null(kind):
        return check_column(column, [None] * len(array))
    if column.kind == "number":
        return check_numbers(column, _floats(array))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return check_column(column, _moments(column, array))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return check_numbers(column, _floats(array))
    return check_column(column, array.to_pylist(), text=_is_text(kind))


def _floats(array: pa.Array) -> NDArray[np.float64]:
    """Numbers, NaN for null. By the buffers: Arrow's own way to numpy imports pandas."""
    filled = array.cast(pa.float64(), safe=False).fill_null(float("nan"))
    return np.frombuffer(filled.buffers()[1], np.float64)[filled.offset : filled.offset + len(filled)]


def _moments(column: ColumnSignature, array: pa.Array) -> list[str | None]:
    """Moments in ISO 8601, in UTC where they have a zone."""
    has_zone = pa.types.is_timestamp(array.type) and array.type.tz is not None
    micros = array.cast(pa.timestamp("us", array.type.tz if has_zone else None), safe=False).cast(pa.int64())
    found: list[str | None] = []
    for row, value in enumerate(micros.to_pylist()):
        try:
            moment = None if value is None else _EPOCH + timedelta(microseconds=value)
        except OverflowError:
            raise BadRequestError(f"row {row}, column {column.name}: expected a year from 1 to 9999") from None
        if moment is not None and has_zone:
            moment = moment.replace(tzinfo=UTC)
        found.append(None if moment is None else moment.isoformat())
    return found


def format_answers(answers: Answers, signature: Signature, outputs: tuple[str, ...] | None) -> bytes:
    """Answers as a stream of one batch; who answered which request is in the metadata of its schema."""
    columns = answer_columns(answers, signature, outputs)
    metadata = {"model_name": answers.model, "model_version": answers.version, "id": answers.id}
    batch = pa.RecordBatch.from_arrays(
        [_array(column) for column in columns], names=[column.name for column in columns]
    ).replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _array(column: Column) -> pa.Array:
    if column.datatype == "BYTES":
        return string_column([text.encode() for text in column.values])
    if column.datatype == "INT64":
        return long_column(np.array(column.values, np.int64))
    if column.datatype == "BOOL":
        return truth_column(np.array(column.values, np.bool_))
    return number_column(np.array(column.values, np.float64))
