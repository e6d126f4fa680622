"""The ASGI application: a lean path for everything that machines ask, and FastAPI for the pages that people read.

Every answer carries the headers `Evermodel-Request-Id` and `Evermodel-Version`; every error is `{"error": sentence}`.
"""

import sys
import traceback
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import orjson

from evermodel.serving.faults import InternalError, RequestError
from evermodel.serving.handlers import Exchange, Handlers, Reply
from evermodel.serving.metrics import Metrics
from evermodel.serving.receive import ClientLeftError, Receive, check_headers, client_request_id, read_body
from evermodel.serving.registry import Registry, State
from evermodel.serving.routes import Name, Route, match
from evermodel.serving.worker import Worker

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex


class Application:
    """The ASGI application of one server."""

    def __init__(
        self,
        registry: Registry,
        worker: Worker,
        pages: AsgiApplication,
        *,
        now: Callable[[], datetime] = _now,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self._registry = registry
        self._metrics = Metrics(registry)
        self._handlers = Handlers(registry, worker, self._metrics, now)
        self._pages = pages
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"this server speaks HTTP only, not {scope['type']}")
        started = perf_counter()
        exchange = Exchange(b"", client_request_id(scope["headers"]) or self._new_id())
        label, status = "unknown", 500
        self._metrics.in_flight.inc()
        try:
            route = match(scope["method"], (scope.get("raw_path") or scope["path"].encode()).decode("ascii"))
            label = route.name.value
            status = await self._respond(route, exchange, scope, receive, send)
        except ClientLeftError:
            status = 499
        except RequestError as error:
            status = await self._refuse(error, exchange, send)
        except Exception:  # noqa: BLE001  a fault of ours must not cost the client its answer, nor the server its life
            print(f"evermodel serve: request {exchange.id}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)  # noqa: T201
            fault = InternalError(f"the server failed to answer; its log has the cause under request {exchange.id}")
            status = await self._refuse(fault, exchange, send)
        finally:
            self._metrics.in_flight.dec()
            self._metrics.observe(label, status, exchange.version, perf_counter() - started)

    async def _respond(self, route: Route, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> int:
        if route.name is Name.PAGE:
            return await self._show_page(route, exchange, scope, receive, send)
        if scope["method"] == "POST":
            check_headers(scope["headers"])
            exchange.body = await read_body(receive)
        reply = await self._handlers.handle(route, exchange)
        await self._send(200, reply, exchange, (), send)
        return 200

    async def _refuse(self, error: RequestError, exchange: Exchange, send: Send) -> int:
        reply = Reply(orjson.dumps({"error": str(error)}))
        await self._send(error.status, reply, exchange, error.headers, send)
        return error.status

    async def _send(
        self, status: int, reply: Reply, exchange: Exchange, more: tuple[tuple[bytes, bytes], ...], send: Send
    ) -> None:
        headers: Headers = [
            (b"content-type", reply.content_type),
            (b"content-length", str(len(reply.body)).encode()),
            *self._common_headers(exchange),
            *more,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    def _common_headers(self, exchange: Exchange) -> Headers:
        version = exchange.version or ", ".join(self._registry.default_versions)
        headers = [(b"evermodel-request-id", exchange.id.encode()), (b"evermodel-version", version.encode())]
        if self._registry.state is State.DRAINING:
            # Clients that keep connections open have to leave before the server does, or their next request is lost.
            headers.append((b"connection", b"close"))
        return headers

    async def _show_page(self, route: Route, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> int:
        status = 500

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *self._common_headers(exchange)]
            await send(message)

        await self._pages({**scope, "path": f"/{route.page}"}, receive, send_with_headers)
        return status
