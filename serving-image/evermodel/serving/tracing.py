"""Traces: a span for each request, told to a collector by OTLP over HTTP, where the environment names one.

Configured as OpenTelemetry says: OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_SERVICE_NAME,
OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_SDK_DISABLED. A request that belongs to a trace says so by the
header `traceparent` (W3C). The library is imported only where there is an endpoint.
"""

import socket
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evermodel.errors import SpecError
from evermodel.serving.exchange import Exchange
from evermodel.serving.routes import Name
from evermodel_api import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as SdkSpan

CLOSE_SECONDS = 5.0
"""How long the last spans may take to leave at the end of a process."""
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PATHS = {
    Name.SERVER: "/v2",
    Name.LIVE: "/v2/health/live",
    Name.READY: "/v2/health/ready",
    Name.MODELS: "/v2/models",
    Name.MODEL: "/v2/models/{model}",
    Name.MODEL_READY: "/v2/models/{model}/ready",
    Name.INFER: "/v2/models/{model}/infer",
    Name.V1_MODELS: "/v1/models",
    Name.V1_MODEL: "/v1/models/{model}",
    Name.V1_PREDICT: "/v1/models/{model}:predict",
    Name.VALUES: "/v2/model/{values}/prediction",
    Name.CARD: "/v2/model/{model}",
    Name.FEEDBACK: "/v2/models/{model}/feedback",
    Name.REPOSITORY: "/v2/repository/index",
    Name.LOAD: "/v2/repository/models/{model}/load",
    Name.UNLOAD: "/v2/repository/models/{model}/unload",
    Name.METRICS: "/metrics",
    Name.PAGE: "/{page}",
}
"""`http.route` of each route: never the path itself, which may hold values."""


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment names a collector.

    Raises:
        SpecError: `TracingInvalid`, it wants it told in a way that is not spoken here.

    >>> is_wanted({}), is_wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    (False, True)
    """
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    if not any(environ.get(name) for name in _ENDPOINTS):
        return False
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        text = f"traces are told by OTLP as http/protobuf only, not {protocol}; name the collector's HTTP port (4318)"
        raise SpecError("TracingInvalid", f"{text} and unset OTEL_EXPORTER_OTLP_PROTOCOL")
    return True


def tracer(environ: Mapping[str, str], scheme: str) -> "Tracer | None":
    """What tells the collector that the environment names about requests by `scheme`; None where it names none.

    Raises:
        SpecError: `TracingInvalid`.
    """
    if not is_wanted(environ):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  see above
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create(_resource(environ)), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracer(provider, scheme)


def _resource(environ: Mapping[str, str]) -> dict[str, str]:
    """What is said of this server, but for what the environment says itself: the library would let ours win."""
    ours = {
        "service.name": "evermodel",
        "service.version": __version__,
        "service.instance.id": socket.gethostname(),
    }
    given = {part.partition("=")[0].strip() for part in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")}
    if environ.get("OTEL_SERVICE_NAME"):
        given.add("service.name")
    return {name: value for name, value in ours.items() if name not in given}


class Span:
    """One request in a trace."""

    def __init__(self, span: "SdkSpan") -> None:
        self._span = span

    def end(self, exchange: Exchange, status: int) -> None:
        """Say how it ended."""
        span = self._span
        said: dict[str, str | int] = {
            "http.response.status_code": status,
            "evermodel.request.id": exchange.id,
            "evermodel.rows": exchange.rows,
        }
        if exchange.version:
            said["evermodel.version"] = exchange.version
        if status >= 500:
            from opentelemetry.trace import StatusCode  # noqa: PLC0415  it is there already

            said["error.type"] = str(status)
            span.set_status(StatusCode.ERROR)
        span.set_attributes(said)
        span.end()


class Tracer:
    """Begins spans."""

    def __init__(self, provider: "TracerProvider", scheme: str) -> None:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._provider = provider
        self._scheme = scheme
        self._tracer: Any = provider.get_tracer("evermodel.serving", __version__)
        self._kind = SpanKind.SERVER
        self._propagator = TraceContextTextMapPropagator()

    def start(self, exchange: Exchange, route: str) -> Span | None:
        """Begin a span; None where this request is not sampled."""
        path = _PATHS.get(route)  # type: ignore[call-overload]  # a Name equals its text
        said = {"http.request.method": exchange.method, "url.scheme": self._scheme, "client.address": exchange.client}
        if path is not None:
            said["http.route"] = path
        name = f"{exchange.method} {path}" if path else exchange.method
        span = self._tracer.start_span(name, self._parent(exchange), self._kind, said)
        return Span(span) if span.is_recording() else None

    def close(self) -> None:
        """Tell what was not told yet; a collector that does not answer is given up after five seconds."""
        closing = threading.Thread(target=self._provider.shutdown, name="evermodel-traces", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)

    def _parent(self, exchange: Exchange) -> Any:
        """The context of the client's span; None where it has none."""
        found = exchange.headers.get(b"traceparent")
        if found is None:
            from opentelemetry.context import Context  # noqa: PLC0415

            return Context()
        carrier = {"traceparent": found.decode("latin-1")}
        if state := exchange.headers.get(b"tracestate"):
            carrier["tracestate"] = state.decode("latin-1")
        return self._propagator.extract(carrier)
