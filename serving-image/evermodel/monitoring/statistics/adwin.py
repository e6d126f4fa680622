"""ADWIN: a window over a stream that drops its older part when the means differ (Bifet and Gavalda 2007).

The window is kept as an exponential histogram: rows of buckets of 1, 2, 4... values. Every 32 values each boundary
between buckets is tried: the older part is cut off where |mean0 - mean1| > sqrt(2 m v d) + 2/3 m d, with v the variance
of the window, d = ln(2 ln(W) / delta) and m = 1 / (n0 - 4) + 1 / (n1 - 4). The same numbers as MOA's and River's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import log, sqrt

DELTA = 0.002
_CLOCK = 32
_BUCKETS = 5
"""Of one size at most; one more, and the two oldest become one of twice the size."""
_LEAST = 5
"""A part with fewer values is not compared."""
_GRACE = 10
"""A window with no more values than this is not looked at."""


@dataclass(slots=True)
class Bucket:
    """Values that came one after the other."""

    total: float
    variance: float
    """Sum of the squared distances from their mean."""


@dataclass(slots=True)
class Adwin:
    """One stream."""

    delta: float = DELTA
    width: int = 0
    """Values in the window."""
    total: float = 0.0
    variance: float = 0.0
    """Sum of the squared distances from the window's mean."""
    _ticks: int = 0
    _rows: list[list[Bucket]] = field(default_factory=lambda: [[]])
    """Row i has buckets of 2^i values, the oldest first; the last row is the oldest."""

    @property
    def mean(self) -> float:
        """Mean of the window."""
        return self.total / self.width if self.width else 0.0

    def add(self, value: float) -> bool:
        """Take one value; whether the mean has changed."""
        self._ticks += 1
        self.width += 1
        if self.width > 1:
            before = self.total / (self.width - 1)
            self.variance += (self.width - 1) * (value - before) ** 2 / self.width
        self.total += value
        self._rows[0].append(Bucket(value, 0.0))
        self._compress()
        if self._ticks % _CLOCK or self.width <= _GRACE:
            return False
        changed = False
        while self._shrink():
            changed = True
        return changed

    def _compress(self) -> None:
        for i, row in enumerate(self._rows):
            if len(row) <= _BUCKETS:
                return
            one, two = row.pop(0), row.pop(0)
            size = 1 << i
            apart = (one.total - two.total) / size
            merged = Bucket(one.total + two.total, one.variance + two.variance + size * apart * apart / 2)
            if i + 1 == len(self._rows):
                self._rows.append([])
            self._rows[i + 1].append(merged)

    def _shrink(self) -> bool:
        """Drop the oldest bucket if any boundary shows a change."""
        if not any(self._differ(n0, total0) for n0, total0 in self._boundaries()):
            return False
        row = len(self._rows) - 1
        oldest, size = self._rows[row].pop(0), 1 << row
        self.width -= size
        self.total -= oldest.total
        if self.width:
            apart = oldest.total / size - self.total / self.width
            self.variance -= oldest.variance + size * self.width * apart * apart / (size + self.width)
        while len(self._rows) > 1 and not self._rows[-1]:
            self._rows.pop()
        return self.width > 0

    def _boundaries(self) -> Iterator[tuple[int, float]]:
        """Values and their sum before each boundary, from the oldest on."""
        n0, total0 = 0, 0.0
        for row in range(len(self._rows) - 1, -1, -1):
            for bucket in self._rows[row]:
                n0 += 1 << row
                total0 += bucket.total
                yield n0, total0

    def _differ(self, n0: int, total0: float) -> bool:
        n1 = self.width - n0
        if n0 < _LEAST or n1 < _LEAST:
            return False
        d = log(2.0 * log(self.width) / self.delta)
        m = 1.0 / (n0 - _LEAST + 1) + 1.0 / (n1 - _LEAST + 1)
        limit = sqrt(2.0 * m * (self.variance / self.width) * d) + 2.0 / 3.0 * d * m
        return abs(total0 / n0 - (self.total - total0) / n1) > limit


def changes(values: Iterable[float], delta: float = DELTA) -> list[int]:
    """Numbers of the values, from 0, with which a change was seen.

    After a change the window begins anew, as River's does, so that one change is told once.
    """
    adwin, found = Adwin(delta), []
    for i, value in enumerate(values):
        if adwin.add(value):
            found.append(i)
            adwin = Adwin(delta)
    return found
