"""The work queue: which objects are to be looked at, each once, and never one by two workers at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from evermodel_operator.watch.keys import Key


@dataclass(frozen=True)
class Backoff:
    """Seconds between attempts: `first`, doubled with each failure, up to `most`; drawn from its upper half."""

    first: float = 0.5
    most: float = 300.0

    def delay(self, failures: int, draw: float) -> float:
        """Seconds to wait after so many failures in a row; `draw` is random in [0, 1)."""
        whole: float = min(self.most, self.first * 2 ** min(failures - 1, 32))
        return whole * (0.5 + draw / 2)


class WorkQueue:
    """Keys that wait, keys that are worked on, and keys that come later.

    A key that is added while it waits is there once; one that is added while it is worked on comes again afterwards.
    Each key has one timer: what a reconcile asks for replaces what an earlier one asked for.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        backoff: Backoff | None = None,
        on_wait: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._clock = clock
        self._random = random
        self._backoff = backoff or Backoff()
        self._on_wait = on_wait
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: dict[Key, float] = {}
        self._running: dict[Key, float] = {}
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest(self) -> float:
        """Seconds that the first in the queue has waited, or the longest reconcile has run; 0 when there is nothing."""
        now = self._clock()
        firsts = [next(iter(times.values())) for times in (self._waiting, self._running) if times]
        return max((now - at for at in firsts), default=0.0)

    def add(self, key: Key) -> None:
        """Ask for a look at an object, now."""
        if key in self._running:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = self._clock()
            self._ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Ask for a look at an object, later; replaces what was asked for before."""
        self._cancel(key)
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._due, key)

    def retry(self, key: Key, at_least: float = 0.0) -> float:
        """Ask for another attempt after a failure.

        Returns:
            Seconds until then.
        """
        self._failures[key] = self._failures.get(key, 0) + 1
        seconds = max(at_least, self._backoff.delay(self._failures[key], self._random()))
        self.add_after(key, seconds)
        return seconds

    def succeeded(self, key: Key) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    def forget(self, key: Key) -> None:
        """Drop a key whose object is gone: its failures and its timer."""
        self.succeeded(key)
        self._cancel(key)

    async def get(self) -> Key:
        """Wait for the next key; its worker must call `done` in the end."""
        key = await self._ready.get()
        now = self._clock()
        self._on_wait(now - self._waiting.pop(key))
        self._running[key] = now
        return key

    def done(self, key: Key) -> None:
        """Say that a key is no longer worked on."""
        del self._running[key]
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def close(self) -> None:
        """Stop all timers."""
        for key in list(self._timers):
            self._cancel(key)

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _cancel(self, key: Key) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
