"""Spans, as a real collector gets them."""

import os
import socket
import time

import pytest

from evermodel.errors import SpecError
from evermodel.serving.exchange import Exchange
from evermodel.serving.tracing import is_wanted, tracer
from tests.unit.evermodel.serving.collector import attributes, collecting

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def exchange(**headers: str) -> Exchange:
    found = {name.encode(): value.encode() for name, value in headers.items()}
    return Exchange("r-1", found, method="POST", client="10.0.0.1")


@pytest.mark.parametrize(
    "service",
    [{"OTEL_SERVICE_NAME": "ward"}, {"OTEL_RESOURCE_ATTRIBUTES": "service.name=ward, deployment.environment=test"}],
)
def test_a_request_is_told_with_its_route_and_what_became_of_it(monkeypatch, service):
    with collecting() as collector:
        for name, value in (collector.environment | service).items():
            monkeypatch.setenv(name, value)
        found = tracer(os.environ, "https")
        # given a request that belongs to a trace, and one that begins one and fails
        asked = exchange(traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="a=b")
        span = found.start(asked, "infer")
        asked.version, asked.rows = "heart-3", 7
        span.end(asked, 200)
        found.start(exchange(), "something new").end(exchange(), 503)
        found.close()
    # then the collector has both
    assert collector.paths == ["/v1/traces"]
    assert collector.services == {"ward"}
    first, second = collector.spans
    assert (first.name, first.trace_id.hex(), first.parent_span_id.hex()) == (
        "POST /v2/models/{model}/infer",
        TRACE,
        PARENT,
    )
    said = attributes(first)
    assert said == {"http.response.status_code": 200, "evermodel.request.id": "r-1", "evermodel.rows": 7} | {
        "evermodel.version": "heart-3", "http.route": "/v2/models/{model}/infer", "url.scheme": "https",
        "http.request.method": "POST", "client.address": "10.0.0.1",
    }  # fmt: skip
    assert (second.name, second.parent_span_id, second.status.code) == ("POST", b"", 2)
    assert attributes(second)["error.type"] == "503"
    assert first.end_time_unix_nano >= first.start_time_unix_nano


@pytest.mark.parametrize("header", ["", "00-0-0-zz", "\xff", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 10000])
def test_a_header_that_is_no_trace_begins_one(monkeypatch, header):
    with collecting() as collector:
        monkeypatch.setenv(*next(iter(collector.environment.items())))
        found = tracer(collector.environment, "http")
        asked = exchange(traceparent=header)
        found.start(asked, "infer").end(asked, 200)
        found.close()
    assert collector.spans[0].parent_span_id == b""


def test_who_is_not_sampled_is_not_told(monkeypatch):
    with collecting() as collector:
        monkeypatch.setenv(*next(iter(collector.environment.items())))
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
        found = tracer(collector.environment, "http")
        assert found.start(exchange(), "infer") is None
        assert found.start(exchange(traceparent=f"00-{TRACE}-{PARENT}-01"), "infer") is not None
        found.close()


def test_a_collector_that_is_away_holds_nobody(monkeypatch):
    # given a port where nobody listens
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
    monkeypatch.setenv(*next(iter(environment.items())))
    found = tracer(environment, "http")
    begun = time.monotonic()
    for _ in range(100):
        found.start(exchange(), "infer").end(exchange(), 200)
    assert time.monotonic() - begun < 1
    # then its end comes in time too
    found.close()
    assert time.monotonic() - begun < 8


def test_only_what_is_spoken_here_is_taken():
    endpoint = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}
    assert is_wanted(endpoint)
    assert not is_wanted(endpoint | {"OTEL_SDK_DISABLED": "TRUE"})
    assert not is_wanted(endpoint | {"OTEL_TRACES_EXPORTER": "none"})
    assert tracer({}, "http") is None
    with pytest.raises(SpecError, match="4318") as caught:
        is_wanted(endpoint | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert caught.value.reason == "TracingInvalid"
