"""Rows from CSV and Parquet files: any fsspec URL, a path, or a glob of them."""

import re
import warnings
import zlib
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any

import fsspec
import pandas as pd
from pandas.errors import EmptyDataError, ParserError, ParserWarning

from evermodel.data.unavailable import SourceUnavailableError
from evermodel.errors import DataError, SpecError
from evermodel_api.training import FileSource

_SUFFIXES = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
_COMPRESSED = {".gz", ".bz2", ".xz", ".zip"}
_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls row labels without a name when it writes Parquet."""


def read_files(name: str, source: FileSource) -> pd.DataFrame:
    """Rows of all files that match, in the order of their names.

    Args:
        name: name of the source, for messages.
        source: where the files are.

    Raises:
        DataError: `SourceNotFound` when nothing matches, `SourceUnreadable` when a file is not what it says,
            `ColumnsDiffer` when the files have different columns.
        SpecError: `SourceInvalid` when the format or the protocol is not known.
        SourceUnavailableError: `SourceUnreachable` when the place cannot be read; it may come back.
    """
    try:
        filesystem, path = fsspec.core.url_to_fs(source.uri)
        paths = sorted(filesystem.glob(path)) if any(c in path for c in "*?[") else [path] * filesystem.exists(path)
        if not paths:
            raise DataError(
                "SourceNotFound", f"source {name!r}: no file matches {source.uri}; correct file.uri or put it there"
            )
        frames = [_read_file(name, filesystem, each, source.format) for each in paths]
    except (ImportError, ValueError) as error:
        raise SpecError(
            "SourceInvalid", f"source {name!r}: {source.uri} cannot be used: {error}; correct file.uri"
        ) from error
    except OSError as error:
        raise SourceUnavailableError(
            "SourceUnreachable",
            f"source {name!r}: {source.uri} cannot be read: {error}; check that it is there and readable",
        ) from error
    for each, frame in zip(paths, frames, strict=True):
        if list(frame.columns) != list(frames[0].columns):
            raise DataError(
                "ColumnsDiffer",
                f"source {name!r}: {each} has other columns than {paths[0]}; "
                "give every file of one source the same columns",
            )
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def _read_file(name: str, filesystem: Any, path: str, declared: str | None) -> pd.DataFrame:
    suffixes = [s.lower() for s in Path(path).suffixes]
    bare = [s for s in suffixes if s not in _COMPRESSED]
    kind = declared or _SUFFIXES.get(bare[-1] if bare else "")
    if kind is None:
        raise SpecError(
            "SourceInvalid", f"source {name!r}: the format of {path} is not known; set file.format to csv or parquet"
        )
    compression = "infer" if kind == "csv" else None
    with filesystem.open(path, "rb", compression=compression) as file:
        return _parse(name, path, kind, file)


def _parse(name: str, path: str, kind: str, file: IO[bytes]) -> pd.DataFrame:
    try:
        return _csv(file) if kind == "csv" else _parquet(file)
    except EmptyDataError:
        raise DataError("NoRows", f"source {name!r}: {path} is empty; give it a header and rows") from None
    except (ParserError, ValueError, EOFError, zlib.error, LZMAError) as error:
        raise _unreadable(name, path, kind, error) from error
    except OSError as error:
        if error.errno is not None:
            raise
        # no call to the system failed: gzip, bz2 and Arrow found that the bytes are damaged
        raise _unreadable(name, path, kind, error) from error


def _csv(file: IO[bytes]) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ParserWarning)
        try:
            # without index_col=False pandas takes surplus values for row labels, and moves all others one column on
            return pd.read_csv(file, low_memory=False, index_col=False)
        except ParserWarning:
            raise ParserError("its rows have more values than its header has names") from None


def _parquet(file: IO[bytes]) -> pd.DataFrame:
    # what pandas noted for itself is left out: it would make an index, which is no column, of a column
    frame = pd.read_parquet(file, engine="pyarrow", to_pandas_kwargs={"ignore_metadata": True})
    return frame.loc[:, [name for name in frame.columns if not _UNNAMED_INDEX.fullmatch(name)]]


def _unreadable(name: str, path: str, kind: str, error: Exception) -> DataError:
    said = " ".join(str(error).split())[:300].rstrip(".")
    return DataError("SourceUnreadable", f"source {name!r}: {path} cannot be read as {kind}: {said}; mend the file")
