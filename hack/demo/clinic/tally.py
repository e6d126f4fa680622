"""Counts what the clients saw. Nothing is forgiven: an answer is right at the first try or it is a failure."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any


def percentile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed; 0 when there are none.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 0.5)
    2.0
    """
    if not values:
        return 0.0
    rank = max(1, -(-len(values) * share // 1))
    return sorted(values)[int(rank) - 1]


class Tally:
    """Thread-safe counts of requests, failures and versions, since the first answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first_answer: float | None = None
        self._requests = 0
        self._failed = 0
        self._unnamed = 0
        self._labels = 0
        self._last_failure = ""
        self._versions: Counter[str] = Counter()
        self._seconds: list[float] = []
        self._worst = 0.0

    @property
    def answering(self) -> bool:
        """Whether there was an answer yet."""
        return self._first_answer is not None

    def answered(self, began: float, seconds: float, header: str | None, body: str | None) -> None:
        """An answer with status 200. `header` and `body` are the version that each of them names."""
        with self._lock:
            if self._first_answer is None:
                self._first_answer = began + seconds
            self._requests += 1
            self._seconds.append(seconds)
            self._worst = max(self._worst, seconds)
            if header and header == body:
                self._versions[header] += 1
            else:
                self._unnamed += 1

    def failed(self, began: float, sentence: str) -> None:
        """Anything else. Requests that began before the first answer found no model yet and do not count."""
        with self._lock:
            if self._first_answer is None or began < self._first_answer:
                return
            self._requests += 1
            self._failed += 1
            self._last_failure = sentence

    def labelled(self, count: int) -> None:
        """So many labels were taken by the server."""
        with self._lock:
            self._labels += count

    def snapshot(self) -> dict[str, Any]:
        """The counts so far, and the latency in milliseconds of the answers since the last snapshot."""
        with self._lock:
            seconds, self._seconds = self._seconds, []
            return {
                "requests": self._requests,
                "failed": self._failed,
                "unnamed": self._unnamed,
                "labels": self._labels,
                "lastFailure": self._last_failure,
                "versions": dict(self._versions),
                "lately": len(seconds),
                "p50": round(percentile(seconds, 0.5) * 1000, 2),
                "p99": round(percentile(seconds, 0.99) * 1000, 2),
                "worst": round(self._worst * 1000, 2),
            }
