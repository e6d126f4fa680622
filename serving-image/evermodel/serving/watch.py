"""Files that may change while a server runs: keys and certificates, which Kubernetes swaps by symbolic links."""

import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path

EVERY_SECONDS = 2.0
"""How often files are looked at."""


def is_file_of_secret(path: Path) -> bool:
    """Whether a path is an entry of a mounted Secret, and not what Kubernetes keeps beside them (`..data`)."""
    return not path.name.startswith(".") and path.is_file()


def fingerprint(directory: Path) -> tuple[tuple[str, int, int, int], ...]:
    """What tells whether the files of a directory have changed; empty where it cannot be read."""
    found = []
    try:
        for path in sorted(directory.iterdir()):
            if is_file_of_secret(path):
                state = path.stat()
                found.append((path.name, state.st_ino, state.st_mtime_ns, state.st_size))
    except OSError:
        return ()  # it is being swapped, or gone: the next look says which
    return tuple(found)


class Watched(ABC):
    """Something that is read from a directory, and read again when that changes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._seen = fingerprint(directory)

    @abstractmethod
    def reload(self) -> None:
        """Read it again."""

    def look(self) -> bool:
        """Read it again if the files have changed; whether they have."""
        now = fingerprint(self.directory)
        if now == self._seen:
            return False
        self._seen = now
        self.reload()
        return True


class Watch:
    """Looks at files from a thread of its own, every two seconds."""

    def __init__(self, watched: Sequence[Watched], seconds: float = EVERY_SECONDS) -> None:
        self._watched = watched
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evermodel-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            look_at(self._watched)


def look_at(watched: Iterable[Watched]) -> None:
    """Look at each once; what fails is told, and looked at again the next time."""
    for one in watched:
        try:
            one.look()
        except Exception as error:  # noqa: BLE001  whatever it is: the server goes on with what it has
            say(f"{one.directory} cannot be read again: {error}")


def say(sentence: str) -> None:
    """Tell who reads the log of the process."""
    os.write(sys.stderr.fileno(), f"evermodel serve: {sentence}\n".encode())
