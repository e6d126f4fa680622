"""A file of a source, opened as often as it has to be read: a place that fails is told from bytes that are damaged."""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from typing import IO, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem
from pandas.errors import EmptyDataError, ParserError

from evermodel.errors import DataError, RunError

_BUFFER = 1 << 18


class Opened:
    """One file at one place.

    Args:
        name: name of the source, for messages.
        filesystem: the place, as fsspec has it.
        path: the file in it.
    """

    def __init__(self, name: str, filesystem: Any, path: str) -> None:
        self._name = name
        self._filesystem = filesystem
        self.path = path

    @property
    def is_local(self) -> bool:
        """Whether `path` is a path on this machine."""
        return isinstance(self._filesystem, LocalFileSystem)

    @contextmanager
    def read(self, kind: str, *, decompress: bool) -> Iterator[IO[bytes]]:
        """Its bytes, from the beginning.

        Args:
            kind: what it is read as, for messages.
            decompress: whether gzip and the like, by the file's suffix, are undone.

        Raises:
            DataError: `SourceUnreadable` when the bytes are not what they should be, `NoRows` when there are none.
            OSError: when the place cannot be read.
        """
        compression = fsspec.core.get_compression(self.path, "infer") if decompress else None
        with self._filesystem.open(self.path, "rb") as raw:
            watched = _Watched(raw)
            buffered: Any = io.BufferedReader(watched, _BUFFER)
            file = fsspec.core.compr[compression](buffered, mode="rb") if compression else buffered
            try:
                yield file
            except (RunError, GeneratorExit):
                raise
            except EmptyDataError:
                raise DataError("NoRows", f"{self._where}is empty; give it a header and rows") from None
            except (ParserError, ValueError, EOFError, zlib.error, LZMAError, OSError) as error:
                if watched.failure is not None:
                    raise watched.failure from None
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                said = " ".join(str(error).split())[:300].rstrip(".")
                raise DataError(
                    "SourceUnreadable", f"{self._where}cannot be read as {kind}: {said}; mend the file"
                ) from None

    @property
    def _where(self) -> str:
        return f"source {self._name!r}: {self.path} "


class _Watched(io.RawIOBase):
    """Remembers that the place failed: whoever parses the bytes may tell it as their fault."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.failure: OSError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._file.read(len(buffer))
        except OSError as error:
            self.failure = error
            raise
        buffer[: len(content)] = content
        return len(content)

    def read(self, size: int | None = -1) -> bytes:
        try:
            return self._file.read(-1 if size is None else size)
        except OSError as error:
            self.failure = error
            raise

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
