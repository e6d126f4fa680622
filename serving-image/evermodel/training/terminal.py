"""Progress of `evermodel train`: a bar at the bottom of a terminal, plain sentences elsewhere, nothing with --json."""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self, TextIO

from evermodel.training.progress import Follower, Pace, Progress, Silent, Standing, duration_words, trial_words

_CLEAR = "\r\x1b[2K"
_BAR_CELLS = 20
_REFRESH_SECONDS = 1.0
_SENTENCE_SECONDS = 10.0
"""Without a terminal the search speaks up this often."""


def open_progress(
    *, quiet: bool, out: TextIO | None = None, err: TextIO | None = None
) -> AbstractContextManager[Progress]:
    """Progress for whoever reads.

    Args:
        quiet: nobody does: the command prints a document.
        out: where sentences go; standard output when None.
        err: where the bar is drawn if it is a terminal; standard error when None.
    """
    out, err = out or sys.stdout, err or sys.stderr
    if quiet:
        return nullcontext(Silent())
    return Terminal(out, err) if err.isatty() and os.environ.get("TERM") != "dumb" else nullcontext(Plain(out))


class Plain:
    """Sentences, one a line: for logs, files and pipes."""

    def __init__(self, out: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        """`out` is where they go."""
        self._out = out
        self._pace = Pace(_SENTENCE_SECONDS, now)

    def phase(self, name: str) -> None:
        """Nothing: what matters in a phase is said."""

    def say(self, sentence: str) -> None:
        """Print it."""
        print(sentence, file=self._out, flush=True)

    def rows(self, count: int) -> None:
        """Nothing: it is said."""

    def trials(self, ended: int, total: int, best: str | None, seconds_left: float | None) -> None:
        """Say it from time to time, and at the end."""
        if self._pace.is_due(last=ended == total):
            self.say(trial_words(ended, total, best, seconds_left))


class Terminal(Follower):
    """One line at the bottom that is drawn anew each second; sentences go above it."""

    def __init__(self, out: TextIO, err: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        """`out` takes sentences, `err` is the terminal."""
        super().__init__(now)
        self._out, self._err = out, err
        self._ended = threading.Event()
        self._clock = threading.Thread(target=self._refresh, daemon=True)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away, so that what comes next begins at the left."""
        self._ended.set()
        self._clock.join()
        self._draw("")

    def phase(self, name: str) -> None:
        """Show it."""
        super().phase(name)
        self._show()

    def say(self, sentence: str) -> None:
        """Print it above the line."""
        with self._lock:
            super().say(sentence)
            self._draw("")
            print(sentence, file=self._out, flush=True)
            self._show()

    def trials(self, ended: int, total: int, best: str | None, seconds_left: float | None) -> None:
        """Show it."""
        super().trials(ended, total, best, seconds_left)
        self._show()

    def _refresh(self) -> None:
        while not self._ended.wait(_REFRESH_SECONDS):
            self._show()

    def _show(self) -> None:
        with self._lock:
            solid = (self._err.encoding or "").lower().startswith("utf")
            self._draw(bar_line(self._standing, self._now(), self._columns(), solid=solid))

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._err.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _draw(self, line: str) -> None:
        with self._lock:
            self._err.write(f"{_CLEAR}{line}")
            self._err.flush()


def bar_line(standing: Standing, now: float, columns: int, *, solid: bool = True) -> str:
    """The line, shorter than the terminal is wide: one that wraps could not be taken away again.

    Args:
        standing: how far the run is.
        now: the moment, by the clock of `standing`.
        columns: width of the terminal.
        solid: whether the terminal can show blocks; # and - otherwise.
    """
    if standing.phase == "Searching" and standing.total:
        words = trial_words(standing.ended, standing.total, standing.best, standing.seconds_left(now))
        line = f"{standing.phase} {_bar(standing.ended / standing.total, solid=solid)} {words}"
        if len(line) >= columns:
            line = words
    else:
        line = f"{standing.phase}, {duration_words(now - standing.phase_began)}"
    return line[: max(0, columns - 1)]


def _bar(share: float, *, solid: bool) -> str:
    full, rest = ("█", "░") if solid else ("#", "-")
    cells = int(min(1.0, share) * _BAR_CELLS)
    return full * cells + rest * (_BAR_CELLS - cells)
