"""What serving pods of a new version say that they have counted."""

from __future__ import annotations

from typing import Any

import pytest

from evermodel_api import API_VERSION
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.observation import counted_of
from evermodel_operator.watch.serving_counts import ServingCounts, read_counts


def text(ok: int, failed: int = 0, slow: int = 0) -> bytes:
    lines = [
        "# TYPE evermodel_ready gauge",
        "evermodel_ready 1.0",
        "# TYPE evermodel_requests counter",
        f'evermodel_requests_total{{route="infer",code="200",version="heart-2"}} {ok}',
        f'evermodel_requests_total{{route="v1_predict",code="503",version="heart-2"}} {failed}',
        'evermodel_requests_total{route="ready",code="503",version=""} 999',
        "# TYPE evermodel_request_duration_seconds histogram",
        f'evermodel_request_duration_seconds_bucket{{route="infer",version="heart-2",le="0.25"}} {ok - slow}',
        f'evermodel_request_duration_seconds_bucket{{route="infer",version="heart-2",le="+Inf"}} {ok}',
    ]
    return ("\n".join(lines) + "\n").encode()


def a_pod(name: str, version: str) -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/component": "serving",
        "evermodel.dev/deployment": "heart",
        "evermodel.dev/version": version,
    }
    metadata = {"name": name, "namespace": "ns", "uid": f"u-{name}", "resourceVersion": "1", "labels": labels}
    status = {"phase": "Running", "podIP": "127.0.0.1"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


def a_deployment(version: int, status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": "heart", "namespace": "ns", "uid": "u", "resourceVersion": str(version)}
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelDeployment",
        "metadata": metadata,
        "spec": {"strategy": {"checks": {"errorRate": {"max": 0.1}}}, **spec},
        "status": status,
    }


@pytest.fixture
def cache() -> Cache:
    cache = Cache()
    cache.put(a_pod("old", "heart-1"))
    cache.put(a_pod("new", "heart-2"))
    return cache


def asked(counts: ServingCounts) -> list[tuple[str, str]]:
    return [(pod["metadata"]["name"], scheme) for pod, scheme in counts.pods()]


def test_only_pods_of_a_version_that_is_judged_are_asked(cache: Cache):
    counts = ServingCounts(cache)
    cache.put(a_deployment(1, {"live": {"version": "heart-1"}}))
    assert asked(counts) == []
    cache.put(a_deployment(2, {"candidate": {"version": "heart-2"}}))
    assert asked(counts) == [("new", "http")]
    cache.put(a_deployment(3, {"watched": {"version": "heart-2"}}, tls={"secretRef": {"name": "t"}}))
    assert asked(counts) == [("new", "https")]
    cache.put(a_deployment(4, {"candidate": {"version": "heart-2"}}, strategy={}))
    assert asked(counts) == []


def test_predictions_are_counted_and_probes_are_not():
    counted = read_counts(text(98, failed=2, slow=1))
    assert counted == {"requests": 100, "errors": 2, "le=0.25": 97, "le=+Inf": 98}


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"other_metric 1\n", b"evermodel_ready many\n"])
def test_what_is_no_text_of_a_server_is_nothing(body: bytes):
    assert read_counts(body) is None


def test_the_last_minute_is_what_the_counters_rose_by(cache: Cache):
    # given a pod that answered well for long
    clock = [0.0]
    counts = ServingCounts(cache, clock=lambda: clock[0])
    pod = a_pod("new", "heart-2")

    def says(at: float, body: bytes) -> tuple[int, int, int]:
        clock[0] = at
        assert counts.take(pod, body)
        (known,) = counted_of(cache, "ns", "heart")
        return known["recent"]["requests"], known["recent"]["errors"], known["total"]["requests"]

    assert says(0, text(1000)) == (0, 0, 1000)
    assert says(40, text(1100)) == (100, 0, 1100)
    # when it begins to fail
    assert says(100, text(1100, failed=50)) == (50, 50, 1150)
    # then what was longer ago is not in the last minute; and a container that began again has a new one
    assert says(105, text(3)) == (0, 0, 3)


def test_a_pod_that_is_judged_again_is_heard_again(cache: Cache):
    counts = ServingCounts(cache)
    cache.put(a_deployment(1, {"candidate": {"version": "heart-2"}}))
    ((pod, _),) = counts.pods()
    counts.take(pod, text(1))
    cache.put(a_deployment(2, {}))
    assert asked(counts) == []
    assert counted_of(cache, "ns", "heart") == []
    counts.take(pod, text(2))
    assert [each["total"]["requests"] for each in counted_of(cache, "ns", "heart")] == [2]
