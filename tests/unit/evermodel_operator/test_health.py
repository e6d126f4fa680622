"""What the kubelet and Prometheus are told, over HTTP."""

from __future__ import annotations

import json
import logging
import socket

import aiohttp
import pytest

from evermodel_operator.health import Health, serving
from evermodel_operator.logs import JsonFormatter
from evermodel_operator.metrics import Metrics


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def test_a_process_is_alive_until_it_has_troubles_and_says_which():
    troubles: list[str] = []
    health, port = Health(lambda: troubles), free_port()

    async with serving(health, Metrics(), health_port=port, metrics_port=port):
        assert await get(port, "/healthz") == (200, "ok\n")
        troubles.append("the queue does not move: its oldest key is 301 s old")
        assert await get(port, "/healthz") == (500, "the queue does not move: its oldest key is 301 s old\n")


async def test_a_process_is_ready_when_it_says_so():
    health, port = Health(list), free_port()

    async with serving(health, Metrics(), health_port=port, metrics_port=port):
        assert await get(port, "/readyz") == (503, "starting\n")
        health.ready = True
        assert await get(port, "/readyz") == (200, "ok\n")


@pytest.mark.parametrize("same", [True, False])
async def test_metrics_have_a_port_of_their_own_or_the_same(same: bool):
    metrics, port = Metrics(), free_port()
    other = port if same else free_port()
    metrics.request("patch", "200")
    metrics.reconciles.labels("ModelTraining", "changed").inc()

    async with serving(Health(list), metrics, health_port=port, metrics_port=other):
        code, text = await get(other, "/metrics")

    assert code == 200
    assert 'evermodel_api_requests_total{code="200",verb="patch"} 1.0' in text
    assert 'evermodel_reconcile_total{kind="ModelTraining",result="changed"} 1.0' in text
    for name in ("evermodel_workqueue_depth", "evermodel_workqueue_queue_seconds_count", "evermodel_leader"):
        assert f"\n{name} " in text


def test_a_log_line_is_one_json_object_with_what_the_call_gave():
    record = logging.LogRecord("x", logging.WARNING, "f", 1, "%s: away", ("modeltraining ns/heart",), None)
    record.object = {"kind": "ModelTraining", "namespace": "ns", "name": "heart"}

    line = json.loads(JsonFormatter().format(record))

    assert line["severity"] == "warning"
    assert line["message"] == "modeltraining ns/heart: away"
    assert line["object"]["name"] == "heart"
    assert line["timestamp"].endswith("+00:00")
