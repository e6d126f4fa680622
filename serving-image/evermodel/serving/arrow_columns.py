"""Arrow columns from plain memory, and Parquet from Arrow. Imports pyarrow, so it is imported in the background only.

Nothing here hands a Python value or an array of numpy to Arrow's own conversion: the first time, that imports pandas.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

TIMESTAMP = pa.timestamp("us", tz="UTC")


def string_column(texts: Sequence[bytes]) -> pa.Array:
    """Text from the UTF-8 of each cell."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return text_column(b"".join(texts), lengths)


def text_column(joined: bytes | NDArray[np.uint8], lengths: NDArray[np.int64]) -> pa.Array:
    """Text from the UTF-8 of all cells together and the length of each."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(joined))


def number_column(values: NDArray[np.float64]) -> pa.Array:
    """Numbers; NaN is missing. Takes contiguous ones."""
    return _column(pa.float64(), values, ~np.isnan(values))


def whole_column(values: NDArray[np.int32]) -> pa.Array:
    """Whole numbers."""
    return _column(pa.int32(), values, None)


def long_column(values: NDArray[np.int64]) -> pa.Array:
    """Whole numbers of any size."""
    return _column(pa.int64(), values, None)


def truth_column(values: NDArray[np.bool_]) -> pa.Array:
    """Truth values."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def moment_column(micros: NDArray[np.int64]) -> pa.Array:
    """Moments from microseconds since 1970."""
    return _column(TIMESTAMP, micros, None)


def coded_column(codes: NDArray[np.int32], known: NDArray[np.bool_] | None, texts: pa.Array) -> pa.Array:
    """Text from the place of each cell among `texts`; missing where `known` says no."""
    places = _column(pa.int32(), codes, known)
    return texts.take(places)


def shares_column(shares: NDArray[np.float64], lengths: NDArray[np.int64]) -> pa.Array:
    """A list of numbers in each cell; missing where its length is 0."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    valid = None if lengths.all() else _bits(lengths > 0)
    values = _column(pa.float64(), shares, None)
    return pa.ListArray.from_buffers(
        pa.list_(pa.float64()), len(lengths), [valid, pa.py_buffer(offsets)], children=[values]
    )


def _column(kind: pa.DataType, values: NDArray[np.generic], known: NDArray[np.bool_] | None) -> pa.Array:
    valid = None if known is None or known.all() else _bits(known)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])


def _bits(known: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(known, bitorder="little"))


def parquet_bytes(table: pa.Table) -> memoryview:
    """A table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", use_dictionary=_repeated(table.schema))
    return memoryview(sink.getvalue())


def _repeated(schema: pa.Schema) -> list[str]:
    """Columns whose cells repeat: to look for repeated numbers takes longer than to write them."""
    return [field.name for field in schema if pa.types.is_string(field.type) and field.name != "_id"]
