"""Progress of a pod: GET /progress for the operator, GET /metrics for Prometheus, sentences for the pod's log."""

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self, TextIO

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from evermodel.training.progress import Follower, Pace, Standing, trial_words
from evermodel_api.runs import PROGRESS_PORT
from evermodel_api.training import Progress as ProgressDocument

PHASES = ("Collecting", "Preparing", "Searching", "Fitting", "Judging", "Recording")
_CLIENT_SECONDS = 5.0
_SENTENCE_SECONDS = 10.0
"""A log gets one line about the search this often."""


class ReportPort(Follower):
    """Tells a pod's log, and answers whoever asks at its port. A port that is taken is told and nothing more."""

    def __init__(
        self,
        training: str,
        run: int,
        *,
        port: int = PROGRESS_PORT,
        out: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`training` and `run` are labels of the metrics; port 0 takes a free one."""
        super().__init__(now)
        self._out = out or sys.stdout
        self._wanted = port
        self._pace = Pace(_SENTENCE_SECONDS, now)
        self._server: ThreadingHTTPServer | None = None
        self._registry = CollectorRegistry()
        self._registry.register(_Collector(self, training, run))
        ProcessCollector(registry=self._registry)

    @property
    def port(self) -> int | None:
        """Where it answers; None when it does not."""
        return None if self._server is None else int(self._server.server_address[1])

    def __enter__(self) -> Self:
        """Begin to answer."""
        try:
            self._server = _serve(_listen(self._wanted), self)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            self.say(f"the port {self._wanted} cannot be listened on ({why}): nobody can ask for progress")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def say(self, sentence: str) -> None:
        """Keep it, and print it."""
        super().say(sentence)
        print(sentence, file=self._out, flush=True)

    def trials(self, ended: int, total: int, best: str | None, seconds_left: float | None) -> None:
        """Keep it, and print it from time to time."""
        super().trials(ended, total, best, seconds_left)
        if self._pace.is_due(last=ended == total):
            print(trial_words(ended, total, best, seconds_left), file=self._out, flush=True)

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Content type and body of a path; None when there is no such page."""
        if path == "/progress":
            document = progress_document(self.standing, self._now())
            return "application/json", json.dumps(document.dump()).encode()
        if path == "/metrics":
            return CONTENT_TYPE_LATEST, generate_latest(self._registry)
        return None

    def families(self, labels: dict[str, str]) -> Iterator[Metric]:
        """What Prometheus is told."""
        return metric_families(self.standing, self._now(), labels)


def progress_document(standing: Standing, now: float) -> ProgressDocument:
    """What the operator writes into `status.run.progress`; what is too long for it is cut."""
    left = standing.seconds_left(now)
    return ProgressDocument(
        phase=standing.phase[:63],
        trial=standing.ended if standing.total else None,
        trials=standing.total or None,
        best=standing.best[:63] if standing.best else None,
        seconds_left=None if left is None else round(left),
        message=standing.message if len(standing.message) <= 256 else f"{standing.message[:255]}…",
    )


def metric_families(standing: Standing, now: float, labels: dict[str, str]) -> Iterator[Metric]:
    """The run in Prometheus' words; what is not known is left out.

    Args:
        standing: how far the run is.
        now: the moment, by the clock of `standing`.
        labels: labels of every metric.
    """

    def gauge(name: str, meaning: str, key: str | None = None, values: dict[str, float] | None = None) -> Metric:
        family = GaugeMetricFamily(f"evermodel_run_{name}", meaning, labels=[*labels, *([key] if key else [])])
        for label, value in (values or {}).items():
            family.add_metric([*labels.values(), *([label] if key else [])], value)
        return family

    names = dict.fromkeys((*PHASES, standing.phase))
    yield gauge("phase", "1 for what the run does now.", "phase", {name: name == standing.phase for name in names})
    yield gauge("seconds", "Time since the run began.", None, {"": now - standing.began})
    yield gauge("phase_seconds", "Time in each phase so far.", "phase", standing.phase_seconds(now))
    if standing.row_count is not None:
        yield gauge("rows", "Rows after cleaning.", None, {"": standing.row_count})
    if standing.total:
        counts = {"ended": standing.ended, "planned": standing.total}
        yield gauge("trials", "Trials of the search.", "state", {name: float(n) for name, n in counts.items()})
    metric, _, score = (standing.best or "").rpartition(" ")
    with contextlib.suppress(ValueError):
        yield gauge("best_score", "The best score so far, mean over the folds.", "metric", {metric: float(score)})
    left = standing.seconds_left(now)
    if left is not None:
        yield gauge("seconds_left", "How long the search will take at its present pace.", None, {"": left})


class _Collector:
    """Asks the run when Prometheus asks."""

    def __init__(self, report: ReportPort, training: str, run: int) -> None:
        self._report = report
        self._labels = {"training": training, "run": str(run)}

    def collect(self) -> Iterator[Metric]:
        return self._report.families(self._labels)


def _listen(port: int) -> socket.socket:
    """A socket on all addresses, IPv6 included where the machine has it.

    Raises:
        OSError: when the port is taken.
    """
    with contextlib.suppress(OSError):
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("0.0.0.0", port))  # noqa: S104  a pod is asked at its own address


def _serve(listener: socket.socket, report: ReportPort) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"report": report})
    server = _Server(listener.getsockname()[:2], handler, bind_and_activate=False)
    server.socket.close()
    server.socket, server.server_address = listener, listener.getsockname()[:2]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.25}, daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    """Does not wait for slow clients, and does not write of those that go away."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: whoever went away is not interested."""


class _Handler(BaseHTTPRequestHandler):
    """Answers GET."""

    report: ClassVar[ReportPort]
    timeout = _CLIENT_SECONDS
    server_version = "evermodel"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a page, or that there is none."""
        found = self.report.answer(self.path.partition("?")[0])
        kind, body = found or ("text/plain; charset=utf-8", b"There are /progress and /metrics.\n")
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's own name
        """Nothing: the pod's log is for the run."""
