"""Rows from CSV, Parquet and JSON lines files: any fsspec URL, a path, or a glob of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pyarrow as pa

from evermodel.artifact.s3 import register
from evermodel.data.formats import COMPRESSED, FORMATS, Format
from evermodel.data.opened import Opened
from evermodel.data.unavailable import SourceUnavailableError
from evermodel.errors import DataError, SpecError
from evermodel_api.training import FileSource

_PUBLIC_OPTIONS = {"endpoint_url", "region"}
"""Options of a file system that may stand in a message."""

register()


class Files:
    """Rows of all files that match, in the order of their names.

    Args:
        name: name of the source, for messages.
        source: where the files are.
        options: what the file system is given, such as credentials.
    """

    def __init__(self, name: str, source: FileSource, options: Mapping[str, str]) -> None:
        self._name = name
        self._source = source
        self._options = dict(options)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows.

        Raises:
            DataError: `SourceNotFound` when nothing matches, `SourceUnreadable` when a file is not what it says,
                `ColumnsDiffer` when the files have different columns, `NoRows` when a file is empty.
            SpecError: `SourceInvalid` when the format, the protocol or an option is not known.
            SourceUnavailableError: `SourceUnreachable` when the place cannot be read; it may come back.
        """
        with self._told():
            filesystem, paths = self._find()
            first: list[str] | None = None
            for path in paths:
                form, file = self._format(path), self._open(filesystem, path)
                for batch in form.batches(file):
                    if form.fixed_columns:
                        first = first or batch.schema.names
                        self._check_columns(batch.schema.names, path, first, paths[0])
                    yield batch

    def frame(self) -> pd.DataFrame:
        """All rows.

        Raises:
            RunError: as `batches`.
        """
        with self._told():
            filesystem, paths = self._find()
            frames = [self._format(path).frame(self._open(filesystem, path)) for path in paths]
        if not self._format(paths[0]).fixed_columns:
            return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        for path, frame in zip(paths, frames, strict=True):
            self._check_columns(list(frame.columns), path, list(frames[0].columns), paths[0])
        return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]

    def _find(self) -> tuple[Any, list[str]]:
        filesystem, path = self._connect()
        paths: list[str] = sorted(filesystem.glob(path)) if any(c in path for c in "*?[") else [path]
        try:
            if paths == [path]:
                filesystem.info(path)
        except FileNotFoundError:
            paths = []
        if not paths:
            raise DataError(
                "SourceNotFound",
                f"source {self._name!r}: no file matches {self._source.uri}; correct file.uri or put it there",
            )
        return filesystem, paths

    def _connect(self) -> tuple[Any, str]:
        try:
            filesystem, path = fsspec.core.url_to_fs(self._source.uri, **self._options)
        except (ImportError, ValueError, TypeError) as error:
            raise SpecError(
                "SourceInvalid",
                f"source {self._name!r}: {self._source.uri} cannot be used: {self._hide(error)}; correct file.uri"
                + (" or the keys of the Secret in file.secretRef" if self._options else ""),
            ) from None
        return filesystem, path

    def _open(self, filesystem: Any, path: str) -> Opened:
        return Opened(self._name, filesystem, path)

    def _format(self, path: str) -> Format:
        bare = [suffix.lower() for suffix in Path(path).suffixes if suffix.lower() not in COMPRESSED]
        form = FORMATS.get(self._source.format or (bare[-1].removeprefix(".") if bare else ""))
        if form is None:
            raise SpecError(
                "SourceInvalid",
                f"source {self._name!r}: the format of {path} is not known; set file.format to csv, parquet or jsonl",
            )
        return form

    def _check_columns(self, columns: list[str], path: str, first: list[str], first_path: str) -> None:
        if columns != first:
            raise DataError(
                "ColumnsDiffer",
                f"source {self._name!r}: {path} has other columns than {first_path}; "
                "give every file of one source the same columns",
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceUnavailableError(
                "SourceUnreachable",
                f"source {self._name!r}: {self._source.uri} cannot be read: {self._hide(error)}; "
                "check that it is there and readable",
            ) from None

    def _hide(self, error: Exception) -> str:
        """What the file system says, on one line, without what the Secret holds."""
        said = " ".join(str(error).split())[:500].rstrip(".")
        hidden = [text for key, text in self._options.items() if key not in _PUBLIC_OPTIONS]
        for text in sorted(hidden, key=len, reverse=True):
            said = said.replace(text, "***")
        return said
