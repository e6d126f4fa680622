"""What the commands say while they work: one line a step, and one moving line while something takes long."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS_BETWEEN_LINES = 20.0


def clock(seconds: float) -> str:
    """Write a duration the short way: `4.2 s`, `3 min 08 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


class Console:
    """Says what happens, with the time since the command began."""

    def __init__(self, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._now = now
        self._began = now()
        self._moving = False
        self._last_line = float("-inf")

    def elapsed(self) -> float:
        """Seconds since the command began."""
        return self._now() - self._began

    def say(self, message: str) -> None:
        """One finished line."""
        self._end_moving_line()
        self._stream.write(f"[{clock(self.elapsed()):>10}] {message}\n")
        self._stream.flush()

    def progress(self, message: str) -> None:
        """How far a long step is: rewritten in place on a terminal, else a line every 20 seconds."""
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K[{clock(self.elapsed()):>10}] {message}")
            self._stream.flush()
            self._moving = True
        elif self._now() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = self._now()
            self.say(message)

    def _end_moving_line(self) -> None:
        if self._moving:
            self._stream.write("\r\x1b[K")
            self._moving = False
