"""The metrics as Prometheus reads them, made of what the processes have counted. Imported by the first scrape."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, product

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from evermodel.serving.counters import (
    CODES,
    CONNECTIONS,
    DURATION_PLACES,
    ENDED_CPU,
    IN_FLIGHT,
    LOG_OUTCOMES,
    PID,
    READY,
    ROUTES,
    SECONDS,
    STARTED,
    Counters,
    Layout,
)
from evermodel.serving.process_usage import Usage, most_open_files, read_usage
from evermodel.serving.registry import Hosted

_ENDED = {"log": ("stored", "sampled_out", "dropped", "recovered"), "feedback": ("stored", "dropped", "recovered")}
_BOUNDS = [*map(str, SECONDS), "+Inf"]


def render(counters: Counters, hosted: Sequence[Hosted]) -> bytes:
    """The text that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once([*_server(counters), *_models(hosted), *_requests(counters), *_kept(counters, hosted)]))
    return generate_latest(registry)


class _Once(Collector):
    """Hands over metrics that were collected already."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Sequence[Metric]:
        return self._metrics


def _server(counters: Counters) -> Iterator[Metric]:
    pids = [int(pid) for pid in counters.all_of(PID) if pid]
    used = sum((read_usage(pid) for pid in pids), Usage())
    cpu = used.cpu_seconds + counters.part(counters.layout.processes)[ENDED_CPU]
    started = min(moment for moment in counters.all_of(STARTED) if moment) if pids else 0.0
    yield CounterMetricFamily("process_cpu_seconds", "Processor seconds of all processes.", value=cpu)
    yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory.", value=used.resident_bytes)
    yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory.", value=used.virtual_bytes)
    yield GaugeMetricFamily("process_open_fds", "Open files.", value=used.open_files)
    yield GaugeMetricFamily("process_max_fds", "Files that one process may open.", value=most_open_files())
    yield GaugeMetricFamily("process_start_time_seconds", "When the server was started (Unix time).", value=started)
    yield GaugeMetricFamily("evermodel_processes", "Processes that answer.", value=sum(counters.all_of(READY)))
    ready = float(any(counters.all_of(READY)))
    yield GaugeMetricFamily("evermodel_ready", "1 while the server takes new clients.", value=ready)
    in_flight = sum(counters.all_of(IN_FLIGHT))
    yield GaugeMetricFamily("evermodel_requests_in_flight", "Requests that are being answered.", value=in_flight)
    connections = sum(counters.all_of(CONNECTIONS))
    yield GaugeMetricFamily("evermodel_connections", "Connections that are open.", value=connections)


def _models(hosted: Sequence[Hosted]) -> Iterator[Metric]:
    labels = ["model", "version", "digest", "engine"]
    info = GaugeMetricFamily("evermodel_model_info", "1 for each version that answers.", labels=labels)
    for item in hosted:
        served = item.served
        info.add_metric([served.model, served.version, served.documents.digest, served.engine.name], 1.0)
    yield info


def _requests(counters: Counters) -> Iterator[Metric]:
    layout, total = counters.layout, counters.total()
    requests = CounterMetricFamily(
        "evermodel_requests", "Requests that were answered.", labels=["route", "code", "version"]
    )
    seconds = HistogramMetricFamily(
        "evermodel_request_duration_seconds",
        "Seconds from the first byte of a request's head to the last byte of its answer.",
        labels=["route", "version"],
    )
    for (version, route), first in zip(product(layout.named, ROUTES), _rows(layout), strict=True):
        for code, count in zip(CODES, total[first[0] : first[0] + len(CODES)], strict=True):
            if count:
                requests.add_metric([route, str(code), version], count)
        *buckets, spent = total[first[1] : first[1] + DURATION_PLACES]
        if any(buckets):
            seconds.add_metric([route, version], list(zip(_BOUNDS, accumulate(buckets), strict=True)), spent)
    yield requests
    yield seconds
    rows = CounterMetricFamily("evermodel_predicted_rows", "Rows that were answered.", labels=["version"])
    for version, count in zip(layout.named, total[layout.rows :], strict=False):
        if version:
            rows.add_metric([version], count)
    yield rows


def _rows(layout: Layout) -> Iterator[tuple[int, int]]:
    """First places of requests and seconds, for each version and route."""
    for row in range(len(layout.named) * len(ROUTES)):
        yield layout.requests + row * len(CODES), layout.durations + row * DURATION_PLACES


def _kept(counters: Counters, hosted: Sequence[Hosted]) -> Iterator[Metric]:
    layout, total = counters.layout, counters.total()
    logged = {item.served.version for item in hosted if item.log is not None}
    labelled = {item.served.model for item in hosted if item.feedback is not None}
    yield from _outcomes("log", "Requests", "version", _counts(total, layout.logs, layout.versions, logged))
    yield from _outcomes("feedback", "Labels", "model", _counts(total, layout.labels, layout.models, labelled))


def _counts(total: list[float], first: int, names: tuple[str, ...], shown: set[str]) -> dict[str, dict[str, float]]:
    width = len(LOG_OUTCOMES)
    found = {}
    for row, name in enumerate(names):
        if name in shown:
            start = first + row * width
            found[name] = dict(zip(LOG_OUTCOMES, total[start : start + width], strict=True))
    return found


def _outcomes(prefix: str, what: str, label: str, counts: dict[str, dict[str, float]]) -> Iterator[Metric]:
    """Received = stored + sampled_out + dropped + pending, for each version or model."""
    received = CounterMetricFamily(f"evermodel_{prefix}_received", f"{what} that came to the {prefix}.", labels=[label])
    ended = CounterMetricFamily(
        f"evermodel_{prefix}", f"{what} by what became of them in the {prefix}.", labels=[label, "outcome"]
    )
    pending = GaugeMetricFamily(f"evermodel_{prefix}_pending", f"{what} not written yet.", labels=[label])
    failures = CounterMetricFamily(
        f"evermodel_{prefix}_write_failures", f"Writings of the {prefix} that failed.", labels=[label]
    )
    for name, count in counts.items():
        received.add_metric([name], count["received"])
        pending.add_metric([name], count["pending"])
        failures.add_metric([name], count["write_failures"])
        for outcome in _ENDED[prefix]:
            ended.add_metric([name, outcome], count[outcome])
    yield from (received, ended, pending, failures)
