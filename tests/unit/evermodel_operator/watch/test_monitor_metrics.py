from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from evermodel_operator.watch.monitor_metrics import MonitorMetrics

WHOSE = 'monitor="heart",namespace="clinic"'


def monitor(**status: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "clinic", "name": "heart"}, "status": status}


def verdict(state: str = "Firing", columns: int = 1) -> dict[str, Any]:
    found = [{"column": f"c{n}", "test": "psi", "effect": "0.4", "limit": "0.1"} for n in range(columns)]
    return {"state": state, "since": "2026-11-23T10:00:00Z", "at": "2026-11-23T10:00:00Z", "votes": "2/3", "top": found}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> MonitorMetrics:
    return MonitorMetrics(registry)


def lines(registry: CollectorRegistry) -> list[str]:
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if not line.startswith("#") and "_created" not in line]


def test_where_a_monitor_stands(metrics: MonitorMetrics, registry: CollectorRegistry):
    conditions = [{"type": "Drifted", "status": "True"}, {"type": "DataHealthy", "status": "Unknown"}]
    window = {"rows": 300, "labelCoverage": "0.71"}
    metrics.seen(None, monitor(verdict=verdict(), window=window, conditions=conditions))
    told = lines(registry)
    assert f'evermodel_monitor_state{{{WHOSE},state="Firing"}} 1.0' in told
    assert f'evermodel_monitor_state{{{WHOSE},state="Healthy"}} 0.0' in told
    assert f'evermodel_monitor_condition{{condition="Drifted",{WHOSE}}} 1.0' in told
    assert not any("DataHealthy" in line for line in told)
    assert f'evermodel_monitor_finding_ratio{{column="c0",{WHOSE},test="psi"}} 4.0' in told
    assert f"evermodel_monitor_label_coverage_ratio{{{WHOSE}}} 0.71" in told


def test_what_is_no_more_found_is_no_more_shown(metrics: MonitorMetrics, registry: CollectorRegistry):
    first, second = monitor(verdict=verdict(columns=3)), monitor(verdict=verdict(columns=1))
    metrics.seen(None, first)
    metrics.seen(first, second)
    assert sum("finding_ratio" in line for line in lines(registry)) == 1


def test_columns_are_bounded(metrics: MonitorMetrics, registry: CollectorRegistry):
    metrics.seen(None, monitor(verdict=verdict(columns=500)))
    assert sum("finding_ratio" in line for line in lines(registry)) == 20


def test_evaluations_and_ends_are_counted_once(metrics: MonitorMetrics, registry: CollectorRegistry):
    failed = [{"type": "Ready", "status": "False", "reason": "EvaluationFailed"}]
    history = [{"id": "1", "result": "Rejected"}]
    states = [
        monitor(evaluated="1", retrain={"history": history}),
        monitor(evaluated="2", retrain={"history": history}),
        monitor(evaluated="2", retrain={"history": [{"id": "2", "result": "Helped"}, *history]}),
        monitor(evaluated="3", conditions=failed, retrain={"history": [{"id": "2", "result": "Helped"}, *history]}),
    ]
    for old, new in zip([None, *states], states, strict=False):
        metrics.seen(old, new)
    told = lines(registry)
    assert f'evermodel_monitor_evaluations_total{{{WHOSE},result="ok"}} 1.0' in told
    assert f'evermodel_monitor_evaluations_total{{{WHOSE},result="failed"}} 1.0' in told
    assert f'evermodel_monitor_retrainings_total{{{WHOSE},result="Helped"}} 1.0' in told
    assert not any("Rejected" in line for line in told)


def test_series_go_with_their_monitor(metrics: MonitorMetrics, registry: CollectorRegistry):
    there = monitor(evaluated="1", verdict=verdict(), window={"rows": 3, "labelCoverage": "0"})
    after = {**there, "status": {**there["status"], "evaluated": "2"}}
    metrics.seen(None, there)
    metrics.seen(there, after)
    metrics.seen(after, None)
    assert lines(registry) == []
