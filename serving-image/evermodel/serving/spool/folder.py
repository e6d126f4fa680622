"""Which process owns which files of a spool, and how many bytes all of them may take.

Below the spool each process has a folder of its own, in it one for each stream, and there its segments. While it lives
it holds a lock on the folder, which the kernel lets go of when it dies, however it does; whoever then gets the lock
owns what is left.
"""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from evermodel.serving.spool.segment import Segment

SUFFIX = ".seg"
DESCRIPTION = "stream.json"
"""Says beside the segments of a stream what their records are."""
_LOCK = "lock"
_STREAM_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class SpoolFullError(OSError):
    """The spool has as many bytes as it may have."""


class Folder:
    """The folder of one process, locked by this one."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, root: Path, process: str) -> "Folder":
        """Make the folder of this process.

        Raises:
            OSError: it cannot be made.
        """
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(root):  # nobody may find it without its lock
            path = root / process
            path.mkdir(mode=0o700)
            return cls(path, _lock(path / _LOCK))

    @property
    def streams(self) -> list[Path]:
        """Folders of its streams, sorted."""
        return [Path(path) for path in _folders(self.path)]

    def release(self) -> None:
        """Let go of it; what is left belongs to whoever comes next."""
        os.close(self._lock)

    def remove(self) -> None:
        """Remove it with all that is in it, and let go of it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()


def stream_folder_name(*parts: str) -> str:
    """A name for the folder of a stream.

    >>> stream_folder_name("log", "heart", "heart-3")
    'log+heart+heart-3'
    """
    return "+".join(_STREAM_NAME.sub("_", part) for part in parts)


def segment_paths(stream: Path) -> list[Path]:
    """The segments of a stream, oldest first."""
    return sorted(path for path in stream.iterdir() if path.suffix == SUFFIX)


def segment_path(stream: Path, number: int) -> Path:
    """Where a segment lies."""
    return stream / f"{number:08d}{SUFFIX}"


def segment_number(path: Path) -> int:
    """The number of a segment."""
    return int(path.stem)


def create_stream_folder(process: Path, name: str, document: Mapping[str, Any]) -> Path:
    """Make the folder of a stream, which says what it holds before it holds anything.

    Raises:
        OSError: it cannot be made.
    """
    path = process / name
    path.mkdir(mode=0o700, exist_ok=True)
    if not (path / DESCRIPTION).exists():
        new = path / f"{DESCRIPTION}.new"
        new.write_text(json.dumps(document), encoding="utf-8")
        new.replace(path / DESCRIPTION)
    return path


def create_segment(root: Path, stream: Path, number: int, size: int, limit: int) -> Segment:
    """Make a segment, if all segments of the spool together then have at most `limit` bytes.

    Of two processes that ask for the last room at one moment, none may get it, but never both.

    Raises:
        SpoolFullError: they would have more.
        OSError: it cannot be made.
    """
    if used_bytes(root) + size > limit:  # before anything is made: the usual case when the store is away
        raise SpoolFullError(f"the spool {root} has all of its {limit} bytes")
    segment = Segment.create(segment_path(stream, number), size)
    if used_bytes(root) > limit:
        segment.path.unlink(missing_ok=True)
        raise SpoolFullError(f"the spool {root} has all of its {limit} bytes")
    return segment


def used_bytes(root: Path) -> int:
    """Bytes of all segments, of all processes."""
    total = 0
    for process in _folders(root):
        for stream in _folders(process):
            with suppress(FileNotFoundError), os.scandir(stream) as entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX):
                        with suppress(FileNotFoundError):
                            total += entry.stat(follow_symlinks=False).st_size
    return total


def adopt_folders(root: Path) -> list[Folder]:
    """Take over the folders whose processes are dead, sorted by name.

    A folder that lives, that its process removes at this moment, or that belongs to another user is passed over.

    Raises:
        OSError: the spool cannot be read.
    """
    adopted = []
    if root.is_dir():
        with _alone(root):
            for name in _folders(root):
                with suppress(BlockingIOError, FileNotFoundError, PermissionError):
                    adopted.append(Folder(Path(name), _lock(Path(name) / _LOCK)))
    return adopted


def _folders(path: Path | str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _lock(path: Path) -> int:
    """Descriptor of a file that is locked until it is closed.

    Raises:
        BlockingIOError: somebody else holds it.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(file)
        raise
    return file


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep others from making or taking over folders for the few microseconds that it takes."""
    file = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
