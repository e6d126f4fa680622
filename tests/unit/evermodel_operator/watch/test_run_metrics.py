from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from evermodel_operator.watch.run_metrics import RunMetrics


def past(run: str, outcome: str = "Succeeded", reason: str = "Scheduled") -> dict[str, Any]:
    times = {"started": "2026-11-23T10:00:00Z", "finished": "2026-11-23T10:02:00Z"}
    return {"id": run, "outcome": outcome, "cause": {"by": "schedule", "reason": reason}, **times}


def training(*runs: dict[str, Any], run: dict[str, Any] | None = None) -> dict[str, Any]:
    status = {"runs": list(runs), **({"run": run} if run else {})}
    return {"metadata": {"namespace": "ns", "name": "heart"}, "status": status}


class Watched:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = RunMetrics(self.registry)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def count(self, outcome: str, cause: str) -> float:
        return self.value("evermodel_runs_total", outcome=outcome, cause=cause) or 0.0


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_run_is_counted_once_when_it_has_ended(watched: Watched):
    watched.metrics.seen(training(), training(past("1")))
    watched.metrics.seen(training(past("1")), training(past("1")))
    watched.metrics.seen(training(past("1")), training(past("2", "Failed", "OutOfMemory"), past("1")))
    assert watched.count("Succeeded", "Scheduled") == 1
    assert watched.count("Failed", "OutOfMemory") == 1
    assert watched.value("evermodel_run_seconds_sum", outcome="Succeeded") == 120


def test_what_ended_before_this_process_began_is_not_counted(watched: Watched):
    watched.metrics.seen(None, training(past("1"), past("2")))
    assert watched.count("Succeeded", "Scheduled") == 0


def test_a_run_under_way_is_shown_with_its_progress_and_goes_with_its_end(watched: Watched):
    whose = {"namespace": "ns", "training": "heart"}
    watched.metrics.seen(None, training(run={"id": "1"}))
    assert watched.value("evermodel_run_active", **whose) == 1
    assert watched.value("evermodel_run_progress_ratio", **whose) is None
    watched.metrics.seen(training(), training(run={"id": "1", "progress": {"trial": 15, "trials": 60}}))
    assert watched.value("evermodel_run_progress_ratio", **whose) == 0.25
    watched.metrics.seen(training(run={"id": "1"}), training(past("1")))
    assert watched.value("evermodel_run_active", **whose) is None
    assert watched.value("evermodel_run_progress_ratio", **whose) is None


def test_a_training_that_is_deleted_leaves_no_series(watched: Watched):
    busy = training(run={"id": "1", "progress": {"trial": 1, "trials": 2}})
    watched.metrics.seen(None, busy)
    watched.metrics.seen(busy, None)
    assert watched.value("evermodel_run_active", namespace="ns", training="heart") is None
    assert watched.value("evermodel_run_progress_ratio", namespace="ns", training="heart") is None


def test_labels_are_words_of_the_contract(watched: Watched):
    watched.metrics.seen(training(), training(past("1", "Exploded", "because")))
    assert watched.count("Other", "Other") == 1
