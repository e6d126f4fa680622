"""HTTP/1.1 as uvicorn speaks it, but predictions that take less time than a switch of threads are answered at once.

A request is *direct* when it asks a quick model, is small, and nothing else is under way on its connection: its body
is collected here and the answer written in the parser's own callback. Everything else goes on to ASGI as it came; so
does a direct request that turns out to be too large. Both ways share `Application`, which says what is answered.
"""

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httptools
import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from evermodel.serving.counters import CLIENT_LEFT, CONNECTIONS
from evermodel.serving.direct import Target
from evermodel.serving.exchange import Exchange, Reply, asks_to_close, encode_reply
from evermodel.serving.receive import BODY_SECONDS, slow_request
from evermodel.serving.routes import Name

if TYPE_CHECKING:
    from evermodel.serving.app import Application


HEAD_BYTES = 64 * 1024
"""Bytes of a request line and headers (or of what follows a body in chunks): the parser keeps them until they end."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._application: Application = config.loaded_app
        self._counters = self._application.metrics.counters
        self._started = 0.0
        self._active = 0.0
        self._target: Target | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._unheard = 0  # bytes that the parser has taken and that it has said nothing of yet
        self._body_timer: asyncio.TimerHandle | None = None
        self._ignored = False
        self._last_request = False

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin; a client that never asks anything is not kept for ever."""
        super().connection_made(transport)
        self._counters.set(CONNECTIONS, len(self.connections))
        self._stay()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; a direct request whose body never became whole is counted as one whose client left."""
        target, self._target = self._target, None
        super().connection_lost(exc)
        self._counters.set(CONNECTIONS, len(self.connections))
        self._stop_body_timer()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        if target is not None:
            exchange = Exchange("", version=target.version)
            self._application.end(exchange, target.route.name.value, CLIENT_LEFT, 0, self._started)

    def data_received(self, data: bytes) -> None:
        """Take bytes off the wire."""
        self._unheard += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._target = None
            self.send_400_response("Invalid HTTP request received.")
            return
        except httptools.HttpParserUpgrade:
            return  # it was answered as if it had not asked for another protocol
        if self._unheard > HEAD_BYTES and not self.transport.is_closing():
            self._refuse_head()
            return
        if self._target is not None and self._body_timer is None:
            self._body_timer = self.loop.call_later(BODY_SECONDS, self._on_slow_body)

    def send_400_response(self, msg: str) -> None:
        """Speak our error shape also where the request is not even HTTP."""
        self._end_with("400 Bad Request", f"{msg.rstrip('.').lower().capitalize()}; this server speaks HTTP/1.1")

    def _refuse_head(self) -> None:
        self._target = None
        sentence = f"the headers have more than {HEAD_BYTES} bytes; send fewer, and values in the body"
        self._end_with("431 Request Header Fields Too Large", sentence)

    def _end_with(self, status: str, sentence: str) -> None:
        """Answer what no request was made of, and leave."""
        self._stop_body_timer()
        body = orjson.dumps({"error": sentence})
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def shutdown(self) -> None:
        """Leave as soon as what is under way was answered."""
        if self._target is None:
            super().shutdown()
        else:
            self._last_request = True

    # Idle connections: one timer that looks when it fires, instead of one that is set and cancelled by each request

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer alone: it looks for itself whether the connection was idle."""

    def on_response_complete(self) -> None:
        """Note when an answer of the ASGI way was whole."""
        self._active = self.loop.time()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has been idle for long enough; while it is busy, its end sets the timer again."""
        self.timeout_keep_alive_task = None
        busy = self._target is not None or (self.cycle is not None and not self.cycle.response_complete)
        if self.transport.is_closing() or busy:
            return
        rest = self._active + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self.timeout_keep_alive_task = self.loop.call_later(rest, self.timeout_keep_alive_handler)
        else:
            self.transport.close()

    def _stay(self) -> None:
        self._active = self.loop.time()
        if self.timeout_keep_alive_task is None:
            handler = self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, handler)

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """Note when a request begins; what ASGI needs is made when it turns out to go that way."""
        self._started = perf_counter()
        self._active = self.loop.time()
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Choose the way."""
        self._unheard = 0
        if self.transport.is_closing():
            self._ignored = True
            return
        self._target = self._find_target()
        if self._target is None:
            self._begin_asgi()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unheard = 0
        if self._target is not None:
            self._parts.append(body)
            self._size += len(body)
            if self._size > self._application.direct_bytes:
                self._go_to_asgi()
        elif not self._ignored:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole: answer it, or let ASGI do so."""
        self._unheard = 0
        if self._target is not None:
            self._answer(self._target)
        elif not self._ignored:
            super().on_message_complete()

    def _find_target(self) -> Target | None:
        """What a direct request asks; None for one that ASGI has to answer."""
        cycle = self.cycle
        if (cycle is not None and not cycle.response_complete) or self.expect_100_continue or self.flow.write_paused:
            return None
        target = self._application.direct.find(self.parser.get_method(), self.url)
        if target is None or self.parser.should_upgrade() or self._is_crowded():
            return None
        for name, value in self.headers:
            if name == b"content-length" and int(value) > self._application.direct_bytes:
                return None
        return target

    def _is_crowded(self) -> bool:
        return len(self.connections) > self._application.connection_limit

    def _begin_asgi(self) -> None:
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)  # the list that the scope holds
        self.scope["state"]["crowded"] = self._is_crowded()
        super().on_headers_complete()

    def _go_to_asgi(self) -> None:
        """Hand a request that was taken as direct to ASGI after all, with what has come of its body."""
        self._target = None
        self._stop_body_timer()
        parts = self._take_parts()
        self._begin_asgi()
        super().on_body(parts)

    def _take_parts(self) -> bytes:
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts, self._size = [], 0
        return body

    def _open(self, target: Target) -> Exchange:
        application = self._application
        method = "GET" if target.route.name is Name.VALUES else "POST"
        client = self.client[0] if application.names_clients and self.client else ""
        return application.open(self.headers, method, client)

    def _answer(self, target: Target) -> None:
        application = self._application
        exchange = self._open(target)
        body = exchange.body = self._take_parts()
        reply = application.answer_directly(target, exchange)
        self._target = None
        if self._body_timer is not None:
            self._stop_body_timer()
        if reply is None:
            self._begin_asgi()
            if body:
                super().on_body(body)
            super().on_message_complete()
        else:
            self._write(reply, exchange, target)

    def _write(self, reply: Reply, exchange: Exchange, target: Target) -> None:
        application = self._application
        parser = self.parser
        closing = (
            application.closing
            or self._last_request
            or not parser.should_keep_alive()
            or parser.get_http_version() == "1.0"
        )
        version = application.version_of(exchange)
        self.transport.write(encode_reply(reply, exchange.id, version, application.date, closing=closing))
        application.end(exchange, target.route.name.value, reply.status, len(reply.body), self._started)
        if closing or asks_to_close(reply):
            self.transport.close()
        else:
            self._stay()

    def _on_slow_body(self) -> None:
        target, self._target, self._body_timer = self._target, None, None
        if target is None or self.transport.is_closing():
            return
        self._take_parts()
        self._ignored = True  # whatever still comes: the answer closes the connection
        exchange = self._open(target)
        exchange.version = target.version
        reply = self._application.refuse(slow_request(BODY_SECONDS))
        self._write(reply, exchange, target)

    def _stop_body_timer(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None
