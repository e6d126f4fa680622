"""What Prometheus is told of runs, read from the changes of trainings' statuses."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from evermodel_api.reasons import Reason
from evermodel_api.runs import Outcome

if TYPE_CHECKING:
    from evermodel_operator.plan import Object

_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 3 * 24 * 3600)
_OUTCOMES = frozenset(str(outcome) for outcome in Outcome)
_CAUSES = frozenset(str(reason) for reason in Reason)
OTHER = "Other"


class RunMetrics:
    """Counts runs as they end, and shows those that are under way.

    Ended runs have labels from the contract only. Runs under way name their training; their series go with the run.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter(
            "evermodel_runs", "Training runs that ended, by outcome and cause.", ["outcome", "cause"], registry=registry
        )
        self._seconds = Histogram(
            "evermodel_run_seconds",
            "Time from a run's start to its end.",
            ["outcome"],
            buckets=_SECONDS,
            registry=registry,
        )
        whose = ["namespace", "training"]
        self._active = Gauge("evermodel_run_active", "1 while a run is under way.", whose, registry=registry)
        self._ratio = Gauge(
            "evermodel_run_progress_ratio",
            "Share of the search's trials that have ended, of the run under way.",
            whose,
            registry=registry,
        )

    def seen(self, old: Object | None, new: Object | None) -> None:
        """Take in a change of a training. One that is seen for the first time tells nothing of its past."""
        if old is not None and new is not None:
            known = {run["id"] for run in _runs(old)}
            for run in _runs(new):
                if run["id"] not in known:
                    self._count(run)
        there = new or old
        if there is not None:
            whose = (there["metadata"]["namespace"], there["metadata"]["name"])
            self._show(whose, _status(new).get("run") if new is not None else None)

    def _count(self, run: Object) -> None:
        outcome = _one_of(str(run.get("outcome")), _OUTCOMES)
        self._ended.labels(outcome, _one_of(str(run.get("cause", {}).get("reason")), _CAUSES)).inc()
        took = datetime.fromisoformat(run["finished"]) - datetime.fromisoformat(run["started"])
        self._seconds.labels(outcome).observe(max(0.0, took.total_seconds()))

    def _show(self, whose: tuple[str, str], run: Object | None) -> None:
        if run is None:
            self._active.remove(*whose)
        else:
            self._active.labels(*whose).set(1)
        progress = (run or {}).get("progress") or {}
        if progress.get("trials"):
            self._ratio.labels(*whose).set(min(1.0, progress.get("trial", 0) / progress["trials"]))
        else:
            self._ratio.remove(*whose)


def _status(training: Object) -> Object:
    return training.get("status") or {}


def _runs(training: Object) -> list[Object]:
    runs: list[Object] = _status(training).get("runs") or []
    return runs


def _one_of(word: str, words: frozenset[str]) -> str:
    return word if word in words else OTHER
