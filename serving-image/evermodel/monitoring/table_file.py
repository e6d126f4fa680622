"""CSV and Parquet files of rows. Parquet is read column by column, so that a file may be larger than memory."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from evermodel.artifact.store import absolute_uri, read_bytes
from evermodel.errors import DataError
from evermodel_api.digest import digest_bytes

_MISSING = [
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
]
"""What stands for a missing value in CSV: what pandas takes for one, since training reads CSV with pandas."""


@dataclass(frozen=True)
class OpenedTable:
    """A table whose columns are read when they are asked for."""

    names: Sequence[str]
    rows: int
    read: Callable[[Sequence[str]], pa.Table]
    """Columns of these names, in this order. Raises DataError `WindowUnreadable`."""


@dataclass(frozen=True)
class TableFile:
    """A CSV or Parquet file. Every failure to read it is a DataError with one sentence."""

    path: str

    @cached_property
    def _local(self) -> Path | None:
        uri = absolute_uri(self.path)
        return Path(uri.removeprefix("file://")) if uri.startswith("file://") and "::" not in uri else None

    @cached_property
    def _content(self) -> bytes:
        with self._found():
            return read_bytes(absolute_uri(self.path))

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>` of its bytes.

        Raises:
            DataError: `WindowNotFound`.
            RunError: `StoreUnavailable`.
        """
        if self._local is None:
            return digest_bytes(self._content)
        with self._found(), self._read_without_fault(), self._local.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"

    @contextmanager
    def _found(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise DataError("WindowNotFound", f"there is no file {self.path}; give a CSV or Parquet file") from None

    @contextmanager
    def _read_without_fault(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            cause = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            message = f"{self.path} cannot be read: {cause}; give a CSV or Parquet file"
            raise DataError("WindowUnreadable", message) from error

    def open(self, numbers: Sequence[str] = (), categories: Sequence[str] = ()) -> OpenedTable:
        """Its columns.

        Args:
            numbers: columns that should hold numbers; where they hold something else they are read as text.
            categories: columns that hold few different values.

        Raises:
            DataError: `WindowNotFound`, `WindowUnreadable`.
        """
        with self._found(), self._read_without_fault():
            if Path(self.path).suffix.lower() in {".parquet", ".pq"}:
                table = self._open_parquet(categories)
            else:
                whole = _csv(self._content, list(numbers))
                table = OpenedTable(whole.column_names, whole.num_rows, whole.select)
        twice = {name for name in table.names if list(table.names).count(name) > 1} if _repeat(table.names) else set()
        if twice:
            names = ", ".join(sorted(twice))
            message = f"{self.path} has more than one column {names}; give each a name of its own"
            raise DataError("WindowUnreadable", message)
        return table

    def _open_parquet(self, categories: Sequence[str]) -> OpenedTable:
        source = pa.BufferReader(self._content) if self._local is None else pa.OSFile(str(self._local))
        metadata = pq.read_metadata(source)
        leaves = {metadata.schema.column(i).path for i in range(metadata.num_columns)}
        file = pq.ParquetFile(source, metadata=metadata, read_dictionary=[n for n in categories if n in leaves])

        def read(names: Sequence[str]) -> pa.Table:
            with self._read_without_fault():
                return file.read(columns=list(names)).select(list(names))

        return OpenedTable(file.schema_arrow.names, file.metadata.num_rows, read)


def _repeat(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)


def _csv(content: bytes, numbers: list[str]) -> pa.Table:
    from pyarrow import csv  # noqa: PLC0415  only who reads CSV pays for it

    def read(texts: list[str]) -> pa.Table:
        options = csv.ConvertOptions(
            null_values=_MISSING, strings_can_be_null=True, column_types=dict.fromkeys(texts, pa.string())
        )
        return csv.read_csv(pa.BufferReader(content), convert_options=options)

    names = csv.open_csv(pa.BufferReader(content)).schema.names
    # Types are guessed from the first rows, and a later row that differs is refused: then the column is read as text.
    for texts in ([], numbers):
        try:
            return read(texts)
        except pa.ArrowInvalid:
            continue
    return read(names)
