"""The six methods of the service. Each takes the steps that a request over HTTP takes, in the same `Application`.

Errors have the sentences that they have over HTTP, and the status of gRPC that says the same. Every answer carries
`evermodel-request-id` and `evermodel-version` as trailing metadata.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import grpc

from evermodel.serving.counters import CLIENT_LEFT, IN_FLIGHT
from evermodel.serving.exchange import Exchange
from evermodel.serving.faults import RequestError, UnavailableError
from evermodel.serving.grpc.messages import form_of_message, read_message, write_message, write_metadata
from evermodel.serving.grpc.open_inference_pb2 import (
    ModelInferRequest,
    ModelMetadataRequest,
    ModelReadyRequest,
    ModelReadyResponse,
    ServerLiveResponse,
    ServerMetadataResponse,
    ServerReadyResponse,
)
from evermodel.serving.protocol.body import is_request_id
from evermodel.serving.routes import Name, Route

if TYPE_CHECKING:
    from evermodel.serving.app import Application

SERVICE = "inference.GRPCInferenceService"
METHOD = "gRPC"
"""What stands for the method of HTTP in the access log and in traces."""
Context = Any
Answer = Callable[[Exchange], Awaitable[bytes]]
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""The status of each status of HTTP; all others are INTERNAL."""


class Service:
    """Answers calls as the application says."""

    def __init__(self, application: "Application") -> None:
        self._application = application

    def handler(self) -> Any:
        """The methods as gRPC takes them: bytes in and bytes out, so that what is no message is answered by us."""
        methods = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server_metadata,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._infer,
        }
        handlers = {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()}
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    async def _server_live(self, request: bytes, context: Context) -> bytes:
        async def answer(exchange: Exchange) -> bytes:
            live = self._application.tell(Route(Name.LIVE), exchange)["live"]
            return write_message(ServerLiveResponse(live=live))

        return await self._call(Name.LIVE, request, context, answer)

    async def _server_ready(self, request: bytes, context: Context) -> bytes:
        async def answer(exchange: Exchange) -> bytes:
            ready = self._is_ready(Route(Name.READY), exchange)
            return write_message(ServerReadyResponse(ready=ready))

        return await self._call(Name.READY, request, context, answer)

    async def _model_ready(self, request: bytes, context: Context) -> bytes:
        async def answer(exchange: Exchange) -> bytes:
            asked = read_message(ModelReadyRequest, request)
            ready = self._is_ready(Route(Name.MODEL_READY, asked.name, asked.version or None), exchange)
            return write_message(ModelReadyResponse(ready=ready))

        return await self._call(Name.MODEL_READY, request, context, answer)

    def _is_ready(self, route: Route, exchange: Exchange) -> bool:
        """Not to be ready is an answer in this protocol, and no error."""
        try:
            self._application.tell(route, exchange)
        except UnavailableError:
            return False
        return True

    async def _server_metadata(self, request: bytes, context: Context) -> bytes:
        async def answer(exchange: Exchange) -> bytes:
            told = self._application.tell(Route(Name.SERVER), exchange)  # its extensions are of HTTP only
            return write_message(ServerMetadataResponse(name=told["name"], version=told["version"]))

        return await self._call(Name.SERVER, request, context, answer)

    async def _model_metadata(self, request: bytes, context: Context) -> bytes:
        async def answer(exchange: Exchange) -> bytes:
            asked = read_message(ModelMetadataRequest, request)
            route = Route(Name.MODEL, asked.name, asked.version or None)
            return write_metadata(self._application.tell(route, exchange))

        return await self._call(Name.MODEL, request, context, answer)

    async def _infer(self, request: bytes, context: Context) -> bytes:
        async def answer(exchange: Exchange) -> bytes:
            message = read_message(ModelInferRequest, request)
            if is_request_id(message.id):
                exchange.id = message.id  # also where the rest of it is wrong
            route = Route(Name.INFER, message.model_name, message.model_version or None)
            return (await self._application.infer(route, exchange, form_of_message(message))).body

        return await self._call(Name.INFER, request, context, answer)

    async def _call(self, name: Name, request: bytes, context: Context, answer: Answer) -> bytes:
        """Answer one call, and note it, whatever becomes of it."""
        started = perf_counter()
        application = self._application
        exchange = application.open(_headers(context), METHOD, _client(context))
        exchange.body = request
        application.metrics.counters.add(IN_FLIGHT, 1)
        status, size = CLIENT_LEFT, 0
        try:
            try:
                application.admit(name, exchange)
                body = await answer(exchange)
            except RequestError as error:
                refusal = error
            except Exception:  # noqa: BLE001  a fault of ours must not cost the client its answer
                refusal = application.fault(exchange)
            else:
                status, size = 200, len(body)
                context.set_trailing_metadata(self._metadata(exchange))
                return body
            status = refusal.status
            return await self._refuse(refusal, exchange, context)
        finally:
            application.metrics.counters.add(IN_FLIGHT, -1)
            application.end(exchange, name.value, status, size, started)

    async def _refuse(self, error: RequestError, exchange: Exchange, context: Context) -> bytes:
        metadata = self._metadata(exchange)
        for name, value in error.headers:
            if name == b"retry-after":  # as clients of gRPC are told it
                metadata += (("grpc-retry-pushback-ms", f"{int(value) * 1000}"),)
        code = _CODES.get(error.status, grpc.StatusCode.INTERNAL)
        await context.abort(code, str(error), metadata)
        raise AssertionError("abort returns to nobody")

    def _metadata(self, exchange: Exchange) -> tuple[tuple[str, str], ...]:
        version = self._application.version_of(exchange)
        return (("evermodel-request-id", exchange.id), ("evermodel-version", version))


def _headers(context: Context) -> list[tuple[bytes, bytes]]:
    """The metadata of a call as headers."""
    metadata = context.invocation_metadata() or ()
    return [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in metadata]


def _client(context: Context) -> str:
    """The address of the peer, which gRPC writes as ipv4:10.0.0.1:2345 or ipv6:%5B::1%5D:2345."""
    _, _, address = str(context.peer()).partition(":")
    host, _, _ = address.rpartition(":")
    return host.replace("%5B", "").replace("%5D", "").strip("[]")
