"""Accepts connections where several processes listen on one socket, so that each gets a fair share of them.

The kernel wakes all processes and the first takes what there is: with few clients that keep their connections, some
processes would have all and others none. Here a process that has more connections than another one leaves new ones to
it for a moment; when nobody has taken them by then, it does.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from evermodel.serving.counters import CONNECTIONS, READY, Counters

PATIENCE_SECONDS = 0.002
"""How long a connection is left to a process that has fewer."""
_AT_ONCE = 16
"""Connections that are accepted before requests are looked after again."""


class Acceptor:
    """Accepts for one process."""

    def __init__(
        self,
        listener: socket.socket,
        counters: Counters,
        make_protocol: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = listener
        self._counters = counters
        self._make_protocol = make_protocol
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        listener.setblocking(False)

    def start(self) -> None:
        """Begin to accept."""
        if not self._closed:
            self._loop.add_reader(self._listener.fileno(), self._on_waiting)

    def close(self) -> None:
        """Accept no more."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._listener.fileno())

    async def wait_closed(self) -> None:
        """Nothing is left to wait for: connections are the server's."""

    def is_ahead(self) -> bool:
        """Whether a sibling that answers has fewer connections."""
        connections, ready = self._counters.all_of(CONNECTIONS), self._counters.all_of(READY)
        fewest = min((count for count, up in zip(connections, ready, strict=True) if up), default=0.0)
        return self._counters.get(CONNECTIONS) > fewest

    def _on_waiting(self) -> None:
        if self.is_ahead():
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(PATIENCE_SECONDS, self._take_what_is_left)
            return
        for _ in range(_AT_ONCE):
            if not self._accept() or self.is_ahead():
                break

    def _take_what_is_left(self) -> None:
        if not self._closed:
            self._accept()
            self.start()

    def _accept(self) -> bool:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return False  # somebody else was quicker, or the client has left again
        self._counters.add(CONNECTIONS, 1)  # at once, so that this process and its siblings see it
        task = self._loop.create_task(self._connect(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection, ssl=self._context)
        except OSError:
            with contextlib.suppress(OSError):
                connection.close()
