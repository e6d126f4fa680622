"""What is answered, whichever way a request came; and the ASGI application, which answers all that is not direct.

Every answer carries the headers `Evermodel-Request-Id` and `Evermodel-Version`; every error is `{"error": sentence}`.
Both ways, this one and that of `http.py`, take the same steps: `open`, an answer or `refuse`, `end`.
"""

import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from time import perf_counter, time_ns
from typing import Any

import orjson

from evermodel.serving.counters import CLIENT_LEFT, IN_FLIGHT, UNKNOWN
from evermodel.serving.direct import DIRECT_BYTES, Direct, Target
from evermodel.serving.exchange import Exchange, Reply, reply_headers, request_ids
from evermodel.serving.faults import InternalError, RequestError, UnauthorizedError, UnavailableError
from evermodel.serving.forms import Form
from evermodel.serving.handlers import Handlers
from evermodel.serving.hooks import Hooks
from evermodel.serving.inference import Inference
from evermodel.serving.metrics import Metrics
from evermodel.serving.pages import key_reply_body
from evermodel.serving.receive import (
    BodyRoom,
    ClientLeftError,
    Receive,
    check_headers,
    client_request_id,
    read_body,
    rooms,
)
from evermodel.serving.registry import Registry, State
from evermodel.serving.routes import Name, Route, match
from evermodel.serving.worker import Worker

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

CONNECTION_LIMIT = 4096
"""Connections of one process that are answered; clients beyond are told to come again."""
NO_HOOKS = Hooks()
_ALWAYS = frozenset({Name.LIVE, Name.READY, Name.METRICS})
"""Answered to everybody at any time: whoever watches the server has no key and must not be sent away."""


def _now_micros() -> int:
    return time_ns() // 1000


class Application:
    """The application of one process."""

    def __init__(  # noqa: PLR0913  each is a part of the server, or the clock of a test
        self,
        registry: Registry,
        worker: Worker,
        pages: AsgiApplication,
        metrics: Metrics,
        hooks: Hooks = NO_HOOKS,
        *,
        now: Callable[[], int] = _now_micros,
        new_id: Callable[[], str] | None = None,
        body_room: int | None = None,
    ) -> None:
        self.connection_limit = CONNECTION_LIMIT
        self.metrics = metrics
        self.direct = Direct(registry)
        self._registry = registry
        self._inference = Inference(worker, now, hooks.limits.rows)
        self._handlers = Handlers(registry, self._inference, metrics, now, hooks.limits)
        self._pages = pages
        self._keys, self._access_log, self._tracer = hooks.keys, hooks.access_log, hooks.tracer
        self.names_clients = bool(hooks.access_log or hooks.tracer)
        """Whether it has to be known who asks."""
        self._new_id = new_id or request_ids()
        self._bytes = hooks.limits.body_bytes
        self.direct_bytes = min(DIRECT_BYTES, self._bytes)
        """Bytes that a body may have to be read on the event loop."""
        self._room = BodyRoom(body_room or rooms(self._bytes), self._bytes)
        self.date = b""
        """The header line with the time, which HTTP wants in every answer."""

    def on_second(self, default_headers: list[tuple[bytes, bytes]]) -> None:
        """Take the time of this second, and publish what logs have counted."""
        self.date = b"".join(b"%b: %b\r\n" % header for header in default_headers)
        self.metrics.publish()

    # The steps that both ways share

    @property
    def closing(self) -> bool:
        """Whether clients are asked to leave."""
        return self._registry.state is State.DRAINING

    def version_of(self, exchange: Exchange) -> str:
        """The version that an answer names: the one that was asked, else those that answer by default."""
        return exchange.version or self._registry.default_versions

    def open(self, headers: Iterable[tuple[bytes, bytes]], method: str, client: str = "") -> Exchange:
        """What is known of a request from its headers."""
        found = dict(headers)
        return Exchange(client_request_id(found) or self._new_id(), found, method=method, client=client)

    def admit(self, name: Name, exchange: Exchange) -> None:
        """Let a request in, and begin its span.

        Raises:
            RequestError: it has no valid key.
        """
        if self._tracer is not None:
            exchange.span = self._tracer.start(exchange, name.value)
        if self._keys is not None and name not in _ALWAYS:
            refusal = self._keys.refuse(exchange.headers)
            if refusal is not None:
                raise refusal

    def answer_directly(self, target: Target, exchange: Exchange) -> Reply | None:
        """Answer at once; None when that would hold the event loop for too long. Never raises."""
        try:
            self.admit(target.route.name, exchange)
            exchange.version = target.version
            check_headers(exchange.headers, self._bytes)
            return self._inference.answer_directly(target.route, target.hosted, exchange)
        except RequestError as error:
            return self.refuse(error)
        except Exception:  # noqa: BLE001  a fault of ours must not cost the client its answer, nor the server its life
            return self.fail(exchange)

    def refuse(self, error: RequestError) -> Reply:
        """What a client is told whose request cannot be answered."""
        return Reply(orjson.dumps({"error": str(error)}), status=error.status, headers=error.headers)

    def fail(self, exchange: Exchange) -> Reply:
        """What a client is told when the fault is ours."""
        return self.refuse(self.fault(exchange))

    def fault(self, exchange: Exchange) -> InternalError:
        """The exception that is being handled as a client is told of it; it goes to standard error."""
        print(f"evermodel serve: request {exchange.id}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)  # noqa: T201
        return InternalError(f"the server failed to answer; its log has the cause under request {exchange.id}")

    def end(self, exchange: Exchange, label: str, status: int, size: int, started: float) -> None:
        """Count what was answered with `size` bytes, and tell who watches."""
        seconds = perf_counter() - started
        self.metrics.observe(label, status, exchange.version, seconds, exchange.rows)
        try:
            if exchange.span is not None:
                exchange.span.end(exchange, status)
            if self._access_log is not None:
                self._access_log.write(exchange, label, status, size, seconds)
        except Exception:  # noqa: BLE001  the request was answered: who watches must not change that
            print(f"evermodel serve: request {exchange.id}:\n{traceback.format_exc()}", file=sys.stderr)  # noqa: T201

    # What other ways than HTTP need

    def tell(self, route: Route, exchange: Exchange) -> Any:
        """The document that answers what asks for no prediction.

        Raises:
            RequestError: what to tell the client instead.
        """
        return self._handlers.tell(route, exchange)

    async def infer(self, route: Route, exchange: Exchange, form: Form) -> Reply:
        """Answer rows in a form that neither route nor headers say.

        Raises:
            RequestError: what to tell the client instead.
        """
        with self._room.take({b"content-length": b"%d" % len(exchange.body)}):
            return await self._handlers.predict(route, exchange, form)

    # ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"this server speaks HTTP only, not {scope['type']}")
        started = perf_counter()
        exchange = self.open(scope["headers"], scope["method"], _client_of(scope) if self.names_clients else "")
        counters = self.metrics.counters
        counters.add(IN_FLIGHT, 1)
        label, status, size = UNKNOWN, 500, 0
        try:
            route = match(scope["method"], (scope.get("raw_path") or scope["path"].encode()).decode("ascii"))
            label = route.name.value
            self.admit(route.name, exchange)
            self._refuse_crowd(route, scope)
            if route.name is Name.PAGE:
                status, size = await self._show_page(route, exchange, scope, receive, send)
            else:
                status, size = await self._send(await self._answer(route, exchange, scope, receive), exchange, send)
        except ClientLeftError:
            status = CLIENT_LEFT
        except UnauthorizedError as error:
            reply = self._ask_for_key(error, exchange) if label == Name.PAGE else self.refuse(error)
            status, size = await self._send(reply, exchange, send)
        except RequestError as error:
            status, size = await self._send(self.refuse(error), exchange, send)
        except Exception:  # noqa: BLE001  as above
            status, size = await self._send(self.fail(exchange), exchange, send)
        finally:
            counters.add(IN_FLIGHT, -1)
            self.end(exchange, label, status, size, started)

    def _refuse_crowd(self, route: Route, scope: Scope) -> None:
        if route.name not in _ALWAYS and scope.get("state", {}).get("crowded"):
            raise UnavailableError(
                f"more than {self.connection_limit} connections are open; come again in a second",
                headers=[(b"connection", b"close")],
            )

    def _ask_for_key(self, error: UnauthorizedError, exchange: Exchange) -> Reply:
        """A page with a field for the key to who reads pages; to others what everybody is told."""
        if b"text/html" not in exchange.headers.get(b"accept", b""):
            return self.refuse(error)
        from evermodel.serving.auth import given_key  # noqa: PLC0415  there are keys, so it is there already

        body, headers = key_reply_body(str(error) if given_key(exchange.headers) else "")
        return Reply(body, b"text/html; charset=utf-8", error.status, (*error.headers, *headers))

    async def _answer(self, route: Route, exchange: Exchange, scope: Scope, receive: Receive) -> Reply:
        if scope["method"] == "POST":
            if route.name is not Name.REPOSITORY:
                self._handlers.find(route, exchange)  # who asks what is not there need not send a body
            check_headers(exchange.headers, self._bytes)
            with self._room.take(exchange.headers):
                exchange.body = await read_body(receive, self._bytes)
                return await self._handlers.handle(route, exchange)
        return await self._handlers.handle(route, exchange)

    async def _send(self, reply: Reply, exchange: Exchange, send: Send) -> tuple[int, int]:
        headers = reply_headers(reply, exchange.id, self.version_of(exchange), closing=self.closing)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        return reply.status, len(reply.body)

    async def _show_page(
        self, route: Route, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> tuple[int, int]:
        status, size = 500, 0

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                ours = reply_headers(Reply(b""), exchange.id, self.version_of(exchange), closing=self.closing)
                kept = [header for header in ours if header[0] not in (b"content-type", b"content-length")]
                message["headers"] = [*message.get("headers", []), *kept]
            else:
                size += len(message.get("body", b""))
            await send(message)

        await self._pages({**scope, "path": f"/{route.page}"}, receive, send_with_headers)
        return status, size


def _client_of(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
