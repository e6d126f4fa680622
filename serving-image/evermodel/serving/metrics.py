"""What Prometheus is told: requests by route, status and version, their seconds, and what became of logs and labels."""

from collections.abc import Iterator
from functools import lru_cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from evermodel.serving.registry import Registry, State

# A second series for each of ours that says when counting began: nobody asks, and each scrape would carry it.
disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OUTCOMES = ("stored", "sampled_out", "dropped")


class Metrics:
    """The metrics of one server."""

    def __init__(self, models: Registry) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_ModelCollector(models))
        self._requests = Counter(
            "evermodel_requests", "Requests that were answered.", ["route", "code", "version"], registry=self._registry
        )
        self._seconds = Histogram(
            "evermodel_request_duration_seconds",
            "Seconds from the first byte of a request's head to the last byte of its answer.",
            ["route", "version"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._rows = Counter(
            "evermodel_predicted_rows", "Rows that were answered.", ["version"], registry=self._registry
        )
        self.in_flight = Gauge(
            "evermodel_requests_in_flight", "Requests that are being answered.", registry=self._registry
        )
        # The label sets are few; looking each up anew would cost more than counting does.
        self._children = lru_cache(1024)(self._find_children)

    def _find_children(self, route: str, code: int, version: str) -> tuple[Counter, Histogram]:
        return self._requests.labels(route, str(code), version), self._seconds.labels(route, version)

    def observe(self, route: str, code: int, version: str, seconds: float) -> None:
        """Count one answered request; `version` is empty where no model was asked."""
        requests, duration = self._children(route, code, version)
        requests.inc()
        duration.observe(seconds)

    def observe_rows(self, version: str, rows: int) -> None:
        """Count rows that a version answered."""
        self._rows.labels(version).inc(rows)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)


class _ModelCollector(Collector):
    """Reads what models, logs and labels count themselves, at the moment of the scrape."""

    def __init__(self, models: Registry) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        ready = float(self._models.state is State.READY)
        yield GaugeMetricFamily("evermodel_ready", "1 while the server takes new clients.", value=ready)
        info = GaugeMetricFamily(
            "evermodel_model_info", "1 for each version that answers.", labels=["model", "version", "digest"]
        )
        for hosted in self._models.all:
            served = hosted.served
            info.add_metric([served.model, served.version, served.documents.digest], 1.0)
        yield info
        logs = {h.served.version: h.log.counts for h in self._models.all if h.log}
        labels = {h.served.model: h.feedback.counts for h in self._models.all if h.feedback}
        yield from _kept("log", "Requests", "version", logs)
        yield from _kept("feedback", "Labels", "model", labels)


def _kept(prefix: str, what: str, label: str, counts: dict[str, dict[str, int]]) -> Iterator[Metric]:
    """Received = stored + sampled_out + dropped + pending, for each version or model."""
    received = CounterMetricFamily(f"evermodel_{prefix}_received", f"{what} that came to the {prefix}.", labels=[label])
    ended = CounterMetricFamily(
        f"evermodel_{prefix}", f"{what} by what became of them in the {prefix}.", labels=[label, "outcome"]
    )
    pending = GaugeMetricFamily(f"evermodel_{prefix}_pending", f"{what} not written yet.", labels=[label])
    failures = CounterMetricFamily(
        f"evermodel_{prefix}_write_failures",
        f"Writings of the {prefix} that failed.",
        labels=[label],
    )
    for name, count in counts.items():
        received.add_metric([name], count["received"])
        pending.add_metric([name], count["pending"])
        failures.add_metric([name], count["write_failures"])
        for outcome in _OUTCOMES:
            if outcome in count:
                ended.add_metric([name, outcome], count[outcome])
    yield from (received, ended, pending, failures)
