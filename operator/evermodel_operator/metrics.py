"""What Prometheus can ask the operator, named as controllers usually name it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """All metrics of one operator, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconciles = Counter(
            "evermodel_reconcile", "Reconciles, by their end.", ["kind", "result"], registry=self.registry
        )
        self.reconcile_seconds = Histogram(
            "evermodel_reconcile_seconds", "Time of a reconcile.", ["kind"], buckets=_SECONDS, registry=self.registry
        )
        self.queue_depth = Gauge("evermodel_workqueue_depth", "Keys that wait for a worker.", registry=self.registry)
        self.queue_seconds = Histogram(
            "evermodel_workqueue_queue_seconds",
            "Time a key waited for a worker.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.requests = Counter(
            "evermodel_api_requests", "Requests to the API server.", ["verb", "code"], registry=self.registry
        )
        self.missed = Counter(
            "evermodel_watch_missed",
            "Changes that a list found and no watch had told; more than a few mean that watches are dead.",
            ["kind"],
            registry=self.registry,
        )
        self.progress_polls = Counter(
            "evermodel_run_progress_polls",
            "Questions to runs about their progress.",
            ["result"],
            registry=self.registry,
        )
        self.serving_polls = Counter(
            "evermodel_serving_counts_polls",
            "Questions to the serving pods of new versions about their counts.",
            ["result"],
            registry=self.registry,
        )
        self.leader = Gauge("evermodel_leader", "1 while this process leads.", registry=self.registry)

    def request(self, verb: str, code: str) -> None:
        """Count one request."""
        self.requests.labels(verb, code).inc()

    def asked_runs(self, result: str) -> None:
        """Count one question to a run."""
        self.progress_polls.labels(result).inc()

    def asked_serving(self, result: str) -> None:
        """Count one question to a serving pod."""
        self.serving_polls.labels(result).inc()

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
