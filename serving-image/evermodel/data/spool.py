"""A source kept as Parquet files in the scratch space, in the form in which tables are combined."""

import errno
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evermodel.data.batches import BATCH_ROWS, as_mixed, fit_batch, is_mixed, merge_schemas
from evermodel.errors import RunError

_HELD_BYTES = 16 << 20
"""How much is held before it is written: small groups of rows would make large files slow."""
_US = pa.timestamp("us")
_US_UTC = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Spooled:
    """The rows of a source, in files whose columns are named c0, c1 and so on."""

    files: tuple[Path, ...]
    """None when the source gave no columns."""
    schema: pa.Schema
    """Names and types of the columns, in order."""
    rows: int


def spool(batches: Iterable[pa.RecordBatch], folder: Path) -> Spooled:
    """Write all batches, a few at a time in memory, and bring them to one schema.

    A file is begun anew where types change; at the end those that differ from the schema of all are written again.

    Raises:
        RunError: `ScratchFull` when there is no room, and what the source raises.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[tuple[Path, pa.Schema]] = []
    rows = 0
    with ExitStack() as last:
        for held in _gathered(map(canonical, batches)):
            schema = held[0].schema
            rows += sum(batch.num_rows for batch in held)
            with scratch_told(folder):
                if not parts or not parts[-1][1].equals(schema, check_metadata=True):
                    last.close()
                    parts.append((folder / f"{len(parts)}.parquet", schema))
                    writer = last.enter_context(_writer(parts[-1][0], schema))
                writer.write_table(pa.Table.from_batches([stored(batch) for batch in held]))
    merged = merge_schemas(schema for _, schema in parts)
    with scratch_told(folder):
        files = tuple(_finish(*part, merged) for part in parts)
    return Spooled(files, merged, rows)


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Batches of one schema that belong into one group of rows."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if held and (size > _HELD_BYTES or not batch.schema.equals(held[0].schema, check_metadata=True)):
            yield held
            held, size = [], 0
        held.append(batch)
        size += batch.nbytes
    if held:
        yield held


def _writer(path: Path, schema: pa.Schema) -> Any:
    storage = _storage(schema)
    texts = [field.name for field in storage if pa.types.is_string(field.type)]
    # These files are read once: looking for repeated numbers, and for their extremes, takes longer than it saves.
    return pq.ParquetWriter(path, storage, compression="lz4", use_dictionary=texts or False, write_statistics=False)


def _finish(path: Path, schema: pa.Schema, merged: pa.Schema) -> Path:
    """The file of a part, in the schema of all parts."""
    if schema.equals(merged, check_metadata=True):
        return path
    fitted = path.with_suffix(".fitted.parquet")
    with pq.ParquetFile(path) as part, _writer(fitted, merged) as writer:
        for batch in part.iter_batches(BATCH_ROWS):
            arrays = [restored(array, field) for array, field in zip(batch.columns, schema, strict=True)]
            typed = pa.RecordBatch.from_arrays(arrays, schema=schema)
            writer.write_batch(stored(fit_batch(typed, merged)))
    path.unlink()
    return fitted


def _storage(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(f"c{i}", storage_type(field.type)) for i, field in enumerate(schema)])


def storage_type(kind: pa.DataType) -> pa.DataType:
    """How values of a canonical type are kept: spans of time as whole microseconds, nothing at all as no number."""
    if pa.types.is_duration(kind) or pa.types.is_null(kind):
        return pa.int64()
    return kind


def stored(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A canonical batch as it is kept: c0, c1 and so on."""
    storage = _storage(batch.schema)
    arrays = [array.cast(field.type) for array, field in zip(batch.columns, storage, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=storage)


def restored(values: pa.Array | pa.ChunkedArray, field: pa.Field) -> pa.Array | pa.ChunkedArray:
    """Kept values as the canonical type of their column."""
    if pa.types.is_null(field.type):
        return pa.nulls(len(values))
    return values.cast(storage_type(field.type)).cast(field.type)


def canonical(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with few types: bool, int64, float64, string, binary, date, time, moments in microseconds, spans.

    NaN is missing, as everywhere else, and -0.0 is 0.0. Lists and objects become columns of several types.
    """
    made = [_canonical(array, field) for array, field in zip(batch.columns, batch.schema, strict=True)]
    return pa.RecordBatch.from_arrays([array for array, _ in made], schema=pa.schema([field for _, field in made]))


def _canonical(array: pa.Array, field: pa.Field) -> tuple[pa.Array, pa.Field]:
    kind = field.type
    if pa.types.is_nested(kind):
        return as_mixed(array, field.name)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.add(array.cast(pa.float64()), 0.0)
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers), pa.field(
            field.name, pa.float64()
        )
    wanted = _canonical_type(array)
    cast = array if kind == wanted else array.cast(wanted, safe=False)
    return cast, pa.field(field.name, wanted, metadata=field.metadata if is_mixed(field) else None)


def _canonical_type(array: pa.Array) -> pa.DataType:
    kind = array.type
    if pa.types.is_uint64(kind):
        largest = pc.max(array).as_py() or 0
        return pa.int64() if largest < 2**63 else pa.float64()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_timestamp(kind):
        return _US_UTC if kind.tz else _US
    for test, wanted in _CANONICAL:
        if test(kind):
            return wanted
    return kind


_CANONICAL = (
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_date, pa.date32()),
    (pa.types.is_time, pa.time64("us")),
    (pa.types.is_duration, pa.duration("us")),
)


@contextmanager
def scratch_told(place: Path) -> Iterator[None]:
    """Tell what went wrong in the scratch space.

    Raises:
        RunError: `ScratchFull`.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise RunError(
            "ScratchFull",
            f"the scratch space at {place.parent} is full; give the run's pod more of it (ephemeral-storage in "
            "run.resources), or read less with a narrower query",
        ) from None
