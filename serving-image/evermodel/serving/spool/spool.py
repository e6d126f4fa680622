"""The spool of one process: its streams, and the thread that empties them into the store.

Nothing that appends ever waits for it. While the store is away, records stay where they are until the spool has all the
bytes that it may have.
"""

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evermodel.serving.spool.adoption import Adoption, Forms
from evermodel.serving.spool.drain import EncodeError, Write, drain_batch
from evermodel.serving.spool.folder import (
    Folder,
    create_segment,
    create_stream_folder,
    segment_number,
    segment_paths,
    stream_folder_name,
)
from evermodel.serving.spool.place import TOTAL_BYTES
from evermodel.serving.spool.segment import Segment
from evermodel.serving.spool.stream import Form, Stream

NICENESS = 5
"""Of the thread: answers come first where a core is short."""


@dataclass(frozen=True)
class Limits:
    """How much may wait, and for how long."""

    total_bytes: int = TOTAL_BYTES
    """Of all segments of all processes with the same spool; what comes beyond is dropped."""
    segment_bytes: int = 8 << 20
    first_retry: float = 0.5
    """Seconds before a failed writing is tried again; doubled each time."""
    last_retry: float = 15.0
    """Longest time between two tries, in seconds."""
    first_look: float = 1.0
    """Seconds after which it is first looked for folders of processes that have died: a server gets ready before."""
    look_seconds: float = 15.0
    """Seconds after which it is looked again."""
    close_seconds: float = 10.0
    """How long the end of a process may take to store what waits."""


@dataclass(eq=False)
class _Emptied:
    """A stream and when it is emptied."""

    stream: Stream
    interval: float
    due: float


class Spool:
    """The streams of one process. Its thread begins with the first stream and ends with the last one."""

    def __init__(self, root: Path, process: str, write: Write, forms: Forms, limits: Limits | None = None) -> None:
        """Nothing is made on the disk before the first record comes.

        Args:
            root: folder of the spool, which processes share.
            process: name of this process, which no other one ever has.
            write: writes one file into the store.
            forms: what reads the descriptions of streams that others left behind, by kind.
            limits: how much may wait, and for how long.
        """
        self.root = root
        self.process = process
        self.limits = limits or Limits()
        self._write = write
        self._adoption = Adoption(root, forms, write)
        self._folder: Folder | None = None
        self._folder_lock = threading.Lock()  # of its own: who appends holds the stream's lock and waits for no other
        self._streams: list[_Emptied] = []
        self._changed = threading.Condition()
        self._work = threading.Event()
        self._thread: threading.Thread | None = None
        self._look_at = time.monotonic() + self.limits.first_look
        self._pause = 0.0
        self._told = ""

    def open_stream(self, form: Form, interval: float, segment_bytes: int | None = None) -> Stream:
        """A stream for records of this form, emptied every `interval` seconds and whenever a segment is full."""
        size = segment_bytes or self.limits.segment_bytes
        stream = Stream(form, self._make_segment, self._work.set, size)
        with self._changed:
            self._streams.append(_Emptied(stream, interval, time.monotonic() + interval))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="evermodel-spool", daemon=True)
                self._thread.start()
        self._work.set()
        return stream

    def recovered(self, form: Form) -> int:
        """How many things of such a stream were found in the folders of dead processes, and stored."""
        return self._adoption.recovered[(form.kind, *form.key)]

    def close_stream(self, stream: Stream) -> None:
        """Store what waits, trying for at most `close_seconds`; what is then left stays for the next process."""
        until = time.monotonic() + self.limits.close_seconds
        stream.end()
        with self._changed:
            thread = self._thread
            for emptied in self._streams:
                emptied.due = 0.0 if emptied.stream is stream else emptied.due
            self._work.set()
            self._changed.wait_for(lambda: not stream.waiting(), until - time.monotonic())
            self._streams = [emptied for emptied in self._streams if emptied.stream is not stream]
            is_last = not self._streams
            self._work.set()
        if pending := stream.counts.pending:
            self._tell(f"{pending} are not in the store yet and stay in {self.root} for the next server", stream)
        if is_last and thread is not None:
            thread.join(max(0.1, until - time.monotonic()))

    def _make_segment(self, form: Form, number: int, size: int) -> Segment:
        with self._folder_lock:
            if self._folder is not None and not self._folder.path.is_dir():  # somebody has cleaned up
                self._folder.release()
                self._folder = None
            if self._folder is None:
                self._folder = Folder.create(self.root, self.process)
            own = self._folder.path
        folder = create_stream_folder(own, stream_folder_name(form.kind, *form.key), form.document())
        return create_segment(self.root, folder, number, size, self.limits.total_bytes)

    def _run(self) -> None:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self._is_over():
            seconds = self._work_once()
            with self._changed:
                self._changed.notify_all()
            if not self._work.wait(seconds):
                continue
            self._work.clear()
            if self._pause:
                time.sleep(self.limits.first_retry)  # whoever is in a hurry must not make a store that fails busy

    def _is_over(self) -> bool:
        """Whether the last stream is closed; then the folder is let go of."""
        with self._changed:
            if self._streams:
                return False
            self._thread = None
        with self._folder_lock:
            folder, self._folder = self._folder, None
        self._adoption.release()
        if folder is not None:
            is_empty = not any(segment_paths(stream) for stream in folder.streams)
            (folder.remove if is_empty else folder.release)()
        return True

    def _work_once(self) -> float:
        """Store what is due; seconds until there is more to do."""
        now = time.monotonic()
        with self._changed:
            streams = list(self._streams)
        try:
            for emptied in streams:
                self._empty(emptied, now)
            if now >= self._look_at:
                self._look_at = now + self.limits.look_seconds
                self._adoption.look()
            is_more = self._adoption.step()
        except Exception as error:  # noqa: BLE001  whatever the store raises, the answer is to try again
            self._pause = min(max(self.limits.first_retry, 2 * self._pause), self.limits.last_retry)
            self._tell(f"the store cannot be written ({error}); it is tried again and nothing is lost meanwhile")
            return self._pause
        self._pause, self._told = 0.0, ""
        if is_more:
            return 0.0
        return max(0.0, min([self._look_at, *(emptied.due for emptied in streams)]) - time.monotonic())

    def _empty(self, emptied: _Emptied, now: float) -> None:
        """Store the full segments of a stream, and the one that is not full when its time has come."""
        stream, is_due = emptied.stream, now >= emptied.due
        for waiting in stream.waiting():
            if isinstance(waiting, Segment):
                if is_due:
                    self._drain(stream, waiting)
                continue
            segment = None
            with suppress(FileNotFoundError):
                segment = Segment.open(waiting)
            if segment is not None:
                self._drain(stream, segment)
            waiting.unlink(missing_ok=True)
            if lost := stream.forget(waiting):
                self._tell(f"{lost} of them are lost, for somebody removed {waiting}", stream)
        if is_due:
            emptied.due = now + emptied.interval

    def _drain(self, stream: Stream, segment: Segment) -> None:
        end, number = segment.committed, segment_number(segment.path)
        while segment.consumed < end:
            try:
                units = drain_batch(segment, end, self.process, number, stream.form, self._write)
            except EncodeError as error:
                stream.note(dropped=error.units)
                self._tell(str(error), stream)
            except Exception:
                stream.note(failures=1)
                raise
            else:
                stream.note(stored=units)

    def _tell(self, sentence: str, stream: Stream | None = None) -> None:
        """Say it once, until all is well again."""
        if sentence != self._told:
            self._told = sentence
            about = f"{' '.join((stream.form.kind, *stream.form.key))}: " if stream else ""
            print(f"evermodel serve: {about}{sentence}", file=sys.stderr, flush=True)  # noqa: T201  the process's log
