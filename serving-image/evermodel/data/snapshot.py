"""The rows that a run read, kept as one Parquet file under the sha256 of its bytes.

Workers of a search and `evermodel reproduce` start from it: what a database answers tomorrow is something else.
"""

import io
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from evermodel.artifact.layout import snapshot_file
from evermodel.artifact.store import read_bytes, write_bytes
from evermodel.errors import DataError
from evermodel_api.digest import digest_bytes


def write_snapshot(store: str, frame: pd.DataFrame) -> tuple[str, str]:
    """Keep the rows; `sha256:<hex>` of the file and its URI.

    A column whose cells Parquet cannot hold, such as one that mixes numbers and text, is kept as text: a model cannot
    take it in either form.

    Raises:
        RunError: `StoreUnavailable`.
    """
    arrays = [_array(frame[name]) for name in frame.columns]
    table = pa.Table.from_arrays(arrays, names=[str(name) for name in frame.columns])
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="lz4")
    content = buffer.getbuffer()
    digest = digest_bytes(content)
    uri = snapshot_file(store, digest)
    write_bytes(uri, content)
    return digest, uri


def read_snapshot(store: str, digest: str) -> pd.DataFrame:
    """The rows of a snapshot.

    Raises:
        DataError: `SnapshotMissing` when it is not there or was changed.
        RunError: `StoreUnavailable`.
    """
    uri = snapshot_file(store, digest)
    try:
        content = read_bytes(uri)
    except FileNotFoundError:
        raise DataError("SnapshotMissing", f"the rows {uri} are not in the store any more; train anew") from None
    if digest_bytes(content) != digest:
        raise DataError("SnapshotMissing", f"the rows {uri} were changed after they were kept; train anew")
    frame: pd.DataFrame = pq.read_table(pa.BufferReader(content)).to_pandas()
    return frame


def _array(column: "pd.Series[Any]") -> pa.Array:
    if column.dtype == object and any(isinstance(value, Decimal) for value in column.dropna().head(1)):
        column = column.map(float, na_action="ignore")  # decimals of several scales are no one type of Parquet's
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array([None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)])
