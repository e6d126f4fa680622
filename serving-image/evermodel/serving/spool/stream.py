"""What a log appends to: the segments of one stream, and what became of each thing that was put."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from evermodel.serving.spool.segment import Records, Segment, needed_bytes

RETRY_SECONDS = 0.25
"""How long no new segment is asked for after one could not be made."""


@dataclass(frozen=True, slots=True)
class File:
    """One file to write into the store, whole."""

    uri: str
    content: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from: their files are named by it, so that who writes them again replaces them."""

    process: str
    segment: int
    first: int
    """Number of the first record in the segment."""

    @property
    def name(self) -> str:
        """For the name of a file, without what it ends with."""
        return f"{self.process}-{self.segment:06d}"


class Form(Protocol):
    """What the records of a stream are, and how they lie in the store."""

    @property
    def kind(self) -> str:
        """`log` or `feedback`."""

    @property
    def key(self) -> tuple[str, ...]:
        """What tells this stream from others of its kind."""

    def document(self) -> dict[str, Any]:
        """The form as JSON, for the process that finds the stream after the death of this one."""

    def count(self, records: Records) -> int:
        """How many things (requests, labels) the records are."""

    def files(self, records: Records, origin: Origin) -> Sequence[File]:
        """The records as files of the store. More records from the same origin make files with the same names."""


MakeSegment = Callable[[Form, int, int], Segment]
"""Makes a segment for records of a form, with a number and a size, or raises OSError."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of what was put: `received = stored + dropped + pending`, at any moment."""

    received: int = 0
    stored: int = 0
    dropped: int = 0
    write_failures: int = 0

    @property
    def pending(self) -> int:
        """What is in the spool and not in the store yet."""
        return self.received - self.stored - self.dropped


class Stream:
    """Takes records from any thread, without ever waiting, and hands its segments to who empties them."""

    def __init__(self, form: Form, make: MakeSegment, full: Callable[[], None], segment_bytes: int) -> None:
        """`full` is called when a segment is full."""
        self.form = form
        self._make = make
        self._full = full
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._kept = self._stored = self._refused = self._lost = self._failures = 0
        self._closed: dict[Path, int] = {}  # what had been kept when each was full, oldest first
        self._current: Segment | None = None
        self._next = 0
        self._not_before = 0.0
        self._is_open = True
        self._told = ""

    @property
    def counts(self) -> Counts:
        """One consistent picture."""
        with self._lock:
            dropped = self._refused + self._lost
            return Counts(self._kept + self._refused, self._stored, dropped, self._failures)

    def append(self, at: int, rows: int, shares: int, identity: bytes, payload: bytes, units: int = 1) -> bool:
        """Keep a record (see `Segment.append`) that counts as `units` things; False when it is dropped."""
        with self._lock:
            current = self._current
            if current is not None and current.append(at, rows, shares, identity, payload):
                self._kept += units
                return True
            if self._is_open and self._begin_segment(len(payload)):
                current = self._current
                if current is not None and current.append(at, rows, shares, identity, payload):
                    self._kept += units
                    return True
            self._refused += units
            return False

    def end(self) -> None:
        """Take no more."""
        with self._lock:
            self._is_open = False
            if self._current is not None:
                self._closed[self._current.path] = self._kept
                self._current = None

    def waiting(self) -> list[Segment | Path]:
        """What may have to be stored, oldest first: the segments that are full, and the one that is not yet."""
        with self._lock:
            return [*self._closed, *([] if self._current is None else [self._current])]

    def forget(self, path: Path) -> int:
        """The oldest segment that was full is stored and removed; how much was in it and is not stored, and is lost."""
        with self._lock:
            lost = self._closed.pop(path) - self._stored - self._lost
            self._lost += lost
            return lost

    def note(self, *, stored: int = 0, dropped: int = 0, failures: int = 0) -> None:
        """Count what became of records."""
        with self._lock:
            self._stored += stored
            self._lost += dropped
            self._failures += failures

    def _begin_segment(self, payload: int) -> bool:
        """Make a segment with room for one more record; False when there is none to be had."""
        now = time.monotonic()
        if now < self._not_before:
            return False
        try:
            segment = self._make(self.form, self._next, max(self._segment_bytes, needed_bytes(payload)))
        except OSError as error:
            self._not_before = now + RETRY_SECONDS
            self._tell(f"what is left behind by requests is not kept: {error.strerror or error}")
            return False
        self._next += 1
        if self._current is not None:
            self._closed[self._current.path] = self._kept
            self._full()
        self._current, self._told = segment, ""
        return True

    def _tell(self, sentence: str) -> None:
        """Say it once, until it is over."""
        if sentence != self._told:
            self._told = sentence
            name = " ".join((self.form.kind, *self.form.key))
            print(f"evermodel serve: {name}: {sentence}", file=sys.stderr, flush=True)  # noqa: T201  the process's log
