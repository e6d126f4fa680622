"""Writes what requests leave behind, in batches and in the background, so that no answer ever waits for the store.

Every item that was put is counted once at any moment: `received = stored + dropped + pending`. A file whose writing
fails is tried again under the same name until it succeeds or the writer is closed for good, so a retry cannot store an
item twice. While the store is away, at most `capacity` rows wait; what comes beyond is dropped and counted.
"""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that takes room in the queue."""

    @property
    def rows(self) -> int:
        """How many rows it stands for."""


ItemT = TypeVar("ItemT", bound=Sized)


@dataclass(frozen=True, slots=True)
class File:
    """One file to write, whole."""

    uri: str
    content: bytes
    items: int
    """How many items are in it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the items."""

    received: int = 0
    stored: int = 0
    dropped: int = 0
    write_failures: int = 0

    @property
    def pending(self) -> int:
        """Items that still wait."""
        return self.received - self.stored - self.dropped


@dataclass(frozen=True)
class Limits:
    """How much may wait, and for how long."""

    capacity: int = 50_000
    """Rows that may wait; more are dropped."""
    batch: int = 20_000
    """Rows after which a batch is written before its time."""
    interval: float = 5.0
    """Seconds that an item may wait."""
    first_retry: float = 0.5
    """Seconds before a failed writing is tried again; doubled each time."""
    last_retry: float = 15.0
    """Longest time between two tries, in seconds."""


class BatchWriter(Generic[ItemT]):
    """A bounded queue and the thread that empties it.

    `encode` turns a batch into files (pure), `write` writes one of them. Errors of `write` are retried; an error of
    `encode` would come again, so it costs that batch.
    """

    def __init__(
        self,
        name: str,
        encode: Callable[[Sequence[ItemT]], Sequence[File]],
        write: Callable[[str, bytes], None],
        limits: Limits,
    ) -> None:
        self._counts = Counts()
        self._name = name
        self._encode = encode
        self._write = write
        self._limits = limits
        self._queue: list[ItemT] = []
        self._waiting_rows = 0
        self._closing_until: float | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"evermodel-{name}", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        """What became of the items so far: one consistent picture."""
        return self._counts

    def put(self, item: ItemT) -> bool:
        """Take an item; False, and counted as dropped, when there is no room or the writer is closed. Never waits."""
        with self._changed:
            if self._waiting_rows + item.rows > self._limits.capacity or self._closing_until is not None:
                self._count(received=1, dropped=1)
                return False
            self._count(received=1)
            self._queue.append(item)
            self._waiting_rows += item.rows
            if len(self._queue) == 1 or self._waiting_rows >= self._limits.batch:
                self._changed.notify()
        return True

    def close(self, timeout: float = 10.0) -> None:
        """Write what waits, trying for at most `timeout` seconds; what is then left is dropped, counted and told."""
        with self._changed:
            self._closing_until = time.monotonic() + timeout
            self._changed.notify()
        self._thread.join(timeout + 1.0)

    def _run(self) -> None:
        while batch := self._next_batch():
            stored = self._store(batch)
            with self._changed:
                self._waiting_rows -= sum(item.rows for item in batch)
                self._count(stored=stored, dropped=len(batch) - stored)

    def _next_batch(self) -> list[ItemT]:
        """Wait for a batch that is full or old enough; empty when closed and nothing is left."""
        with self._changed:
            while not self._queue and self._closing_until is None:
                self._changed.wait()
            deadline = time.monotonic() + self._limits.interval
            while self._closing_until is None and self._waiting_rows < self._limits.batch:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
            batch, self._queue = self._queue, []
            return batch

    def _count(self, **more: int) -> None:
        """Replace the counts by larger ones, as a whole; the lock is held."""
        self._counts = replace(self._counts, **{name: getattr(self._counts, name) + n for name, n in more.items()})

    def _store(self, batch: list[ItemT]) -> int:
        """Write a batch; how many of its items are stored."""
        try:
            files = self._encode(batch)
        except Exception as error:  # noqa: BLE001  one batch that cannot be encoded must not end the writer
            self._tell(f"{len(batch)} requests could not be encoded and are lost to it: {error!r}")
            return 0
        return sum(file.items for file in files if self._store_file(file))

    def _store_file(self, file: File) -> bool:
        wait = self._limits.first_retry
        while True:
            try:
                self._write(file.uri, file.content)
            except Exception as error:  # noqa: BLE001  whatever the store raises, the answer is to try again
                with self._changed:
                    self._count(write_failures=1)
                if not self._may_retry(wait, error):
                    return False
                wait = min(2 * wait, self._limits.last_retry)
            else:
                return True

    def _may_retry(self, wait: float, error: Exception) -> bool:
        """Wait before the next try; False when the writer was closed and its time is over."""
        with self._changed:
            if self._closing_until is None:
                self._changed.wait(wait)
            else:
                time.sleep(min(wait, max(0.0, self._closing_until - time.monotonic())))
            over = self._closing_until is not None and time.monotonic() >= self._closing_until
        if over:
            self._tell(f"the store could not be written before the end, so requests are lost to it: {error}")
        return not over

    def _tell(self, sentence: str) -> None:
        print(f"evermodel serve: {self._name}: {sentence}", file=sys.stderr, flush=True)  # noqa: T201  the process's log
