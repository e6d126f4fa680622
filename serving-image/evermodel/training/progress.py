"""What a run tells of itself while it works, and the words for it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol


class Progress(Protocol):
    """Whom a run tells how far it is: a terminal, a log and its pod's port, or nobody."""

    def phase(self, name: str) -> None:
        """A phase begins: Collecting, Preparing, Searching, Fitting, Judging or Recording."""

    def say(self, sentence: str) -> None:
        """One sentence for people."""

    def rows(self, count: int) -> None:
        """So many rows are left after cleaning."""

    def trials(self, ended: int, total: int, best: str | None, seconds_left: float | None) -> None:
        """How far the search is; `best` names metric and score, such as `roc_auc 0.9123`."""


class Silent:
    """Tells nobody."""

    def phase(self, name: str) -> None:
        """Nothing."""

    def say(self, sentence: str) -> None:
        """Nothing."""

    def rows(self, count: int) -> None:
        """Nothing."""

    def trials(self, ended: int, total: int, best: str | None, seconds_left: float | None) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Standing:
    """How far a run is. Moments are seconds of one clock."""

    began: float
    """When the run began."""
    phase: str = "Starting"
    """What it does."""
    phase_began: float = 0.0
    """Since when."""
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds of each phase that ended."""
    ended: int = 0
    """Trials that ended."""
    total: int = 0
    """Trials in all; 0 where there is no search."""
    best: str | None = None
    """The best score so far, with its metric."""
    done_at: float | None = None
    """When the search is expected to end."""
    row_count: int | None = None
    """Rows after cleaning."""
    message: str = ""
    """The last sentence."""

    def enter(self, name: str, now: float) -> "Standing":
        """The same in another phase; one that comes again counts on."""
        return replace(self, phase=name, phase_began=now, phases=self.phase_seconds(now), done_at=None)

    def phase_seconds(self, now: float) -> dict[str, float]:
        """Seconds of each phase, the present one included."""
        if self.phase == "Starting":
            return self.phases
        spent = self.phases.get(self.phase, 0.0) + now - self.phase_began
        return {**self.phases, self.phase: spent}

    def seconds_left(self, now: float) -> float | None:
        """How long the search will still take; None when nobody can tell."""
        return None if self.done_at is None else max(0.0, self.done_at - now)


class Follower:
    """A Progress that follows a run and knows how far it is. Threads may tell and ask at any time."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is a clock in seconds."""
        self._now = now
        self._lock = threading.RLock()
        began = now()
        self._standing = Standing(began=began, phase_began=began)

    @property
    def standing(self) -> Standing:
        """How far the run is."""
        with self._lock:
            return self._standing

    def phase(self, name: str) -> None:
        """A phase begins."""
        with self._lock:
            self._standing = self._standing.enter(name, self._now())

    def say(self, sentence: str) -> None:
        """One sentence for people."""
        with self._lock:
            self._standing = replace(self._standing, message=sentence)

    def rows(self, count: int) -> None:
        """So many rows are left after cleaning."""
        with self._lock:
            self._standing = replace(self._standing, row_count=count)

    def trials(self, ended: int, total: int, best: str | None, seconds_left: float | None) -> None:
        """How far the search is."""
        with self._lock:
            done_at = None if seconds_left is None else self._now() + seconds_left
            self._standing = replace(self._standing, ended=ended, total=total, best=best, done_at=done_at)


class Pace:
    """Lets one of many sentences through from time to time, so that a log stays readable."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        """At most one in so many seconds."""
        self._seconds = seconds
        self._now = now
        self._last = now()

    def is_due(self, *, last: bool) -> bool:
        """Whether to speak; always when it is the last chance."""
        if not last and self._now() - self._last < self._seconds:
            return False
        self._last = self._now()
        return True


def trial_words(ended: int, total: int, best: str | None, seconds_left: float | None) -> str:
    """How far a search is.

    >>> trial_words(12, 60, "roc_auc 0.9123", 80.2)
    'trial 12 of 60, best roc_auc 0.9123, 1 min 20 s left'
    """
    told = [f"trial {ended} of {total}"]
    if best:
        told.append(f"best {best}")
    if seconds_left is not None and ended < total:
        told.append(f"{duration_words(seconds_left)} left")
    return ", ".join(told)


def duration_words(seconds: float) -> str:
    """A span of time in two units at most.

    >>> duration_words(0.4), duration_words(80.2), duration_words(7322)
    ('0 s', '1 min 20 s', '2 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
