"""What dead processes of the same spool left behind: found, read as far as it is sound, and stored like one's own."""

import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evermodel.serving.spool.drain import EncodeError, Write, drain_batch
from evermodel.serving.spool.folder import DESCRIPTION, Folder, adopt_folders, segment_number, segment_paths
from evermodel.serving.spool.segment import Segment
from evermodel.serving.spool.stream import Form

Forms = Mapping[str, Callable[[dict[str, Any]], Form]]
"""For each kind of stream what reads its description."""


@dataclass(frozen=True)
class _Left:
    """A segment that was left behind."""

    form: Form
    segment: Segment
    number: int
    """Of the segment among those of its process."""
    sound: int
    """Records that are whole."""


class Adoption:
    """Stores what is left in the folders of dead processes. For one thread."""

    def __init__(self, root: Path, forms: Forms, write: Write) -> None:
        self.recovered: Counter[tuple[str, ...]] = Counter()
        """Things that were stored, by the kind and the key of their stream."""
        self._root = root
        self._forms = forms
        self._write = write
        self._folders: deque[Folder] = deque()
        self._paths: deque[Path] = deque()
        self._unreadable: set[Path] = set()
        self._current: _Left | None = None
        self._kept: list[Folder] = []

    def look(self) -> None:
        """Take over the folders of those who have died."""
        try:
            self._folders.extend(adopt_folders(self._root))
        except OSError as error:
            _tell(f"the spool {self._root} cannot be searched: {error.strerror or error}")

    def step(self) -> bool:
        """Write one batch of what was found, if there is any; False when nothing is left.

        Raises:
            Exception: whatever writing raises; the same batch comes first the next time.
        """
        if self._current is None and not self._find_next():
            return False
        if self._current is not None and self._drain(self._current):
            self._current.segment.path.unlink(missing_ok=True)
            self._paths.popleft()
            self._current = None
        return True

    def release(self) -> None:
        """Leave what is not stored yet to the next process."""
        for folder in (*self._folders, *self._kept):
            folder.release()
        self._folders.clear()
        self._kept.clear()

    def _find_next(self) -> bool:
        """Open the next segment, if there is one in the first folder, or be done with that folder."""
        if not self._folders:
            return False
        folder = self._folders[0]
        if not self._paths:
            found = (path for stream in folder.streams for path in segment_paths(stream))
            self._paths.extend(path for path in found if path not in self._unreadable)
            if not self._paths:
                self._be_done_with(self._folders.popleft())
                return True
        path = self._paths[0]
        try:
            self._current = self._open(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            _tell(f"{path} cannot be read ({error!r}); it is left as it is")
            self._unreadable.add(self._paths.popleft())
            return True
        if self._current is None:
            path.unlink(missing_ok=True)
            self._paths.popleft()
        return True

    def _be_done_with(self, folder: Folder) -> None:
        """Remove a folder; keep it with its lock where something in it cannot be read, so that nobody tries again."""
        if self._unreadable:
            self._kept.append(folder)
            self._unreadable.clear()
        else:
            folder.remove()

    def _open(self, path: Path) -> _Left | None:
        number = segment_number(path)
        segment = Segment.open(path)
        if segment is None:
            return None
        document = json.loads((path.parent / DESCRIPTION).read_bytes())
        form = self._forms[document["kind"]](document)
        sound = segment.sound_records()
        if sound < segment.committed:
            _tell(f"{path} was damaged: it is read up to its record {sound} of {segment.committed}")
        return _Left(form, segment, number, sound)

    def _drain(self, left: _Left) -> bool:
        """Write the next batch; whether that was the last one."""
        segment, form = left.segment, left.form
        origin = segment.path.parent.parent.name, left.number
        try:
            units = drain_batch(segment, left.sound, *origin, form, self._write)
        except EncodeError as error:
            _tell(f"{segment.path}: {error}")
            return False
        self.recovered[(form.kind, *form.key)] += units
        return units == 0


def _tell(sentence: str) -> None:
    print(f"evermodel serve: {sentence}", file=sys.stderr, flush=True)  # noqa: T201  the process's log
