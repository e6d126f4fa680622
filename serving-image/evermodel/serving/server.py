"""Runs the application under uvicorn: listen at once, load in the background, answer when ready, drain at the end."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import orjson
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from evermodel.serving.app import Application
from evermodel.serving.drain import StopSignals, drain
from evermodel.serving.listener import ACCEPT_SECONDS, BACKLOG, address_of, listen, refuse_handshakes
from evermodel.serving.pages import Pages
from evermodel.serving.registry import Hosted, Registry
from evermodel.serving.worker import Worker, available_cores

KEEP_ALIVE_SECONDS = 75
"""Longer than what clients and proxies usually keep an idle connection: who closes first must not be us."""
FINISH_SECONDS = 10
"""How long requests in flight may take after the drain."""


@dataclass(frozen=True)
class ServerOptions:
    """How the server listens and ends."""

    host: str | None
    """None for all addresses."""
    port: int
    """0 for any free one."""
    drain_seconds: float


class _Protocol(HttpToolsProtocol):
    """Speaks our error shape also where the request is not even HTTP."""

    def send_400_response(self, msg: str) -> None:
        body = orjson.dumps({"error": f"{msg.rstrip('.').lower().capitalize()}; this server speaks HTTP/1.1"})
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the drain comes first."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        super().__init__(config)
        self._listener = listener

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def stop_listening(self) -> None:
        """Take no new connections, but those that clients already believe to have."""
        refuse_handshakes(self._listener)
        await asyncio.sleep(ACCEPT_SECONDS)
        for server in self.servers:
            server.close()

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        return len(self.server_state.connections)


def run_server(options: ServerOptions, load: Callable[[], Sequence[Hosted]], announce: Callable[[str], None]) -> None:
    """Serve until a signal comes; `load` runs in a thread, `announce` is told the address when all models answer.

    Raises:
        RunError: what `load` raises, or the port cannot be listened on.
    """
    with listen(options.host, options.port) as listener:
        uvloop.run(_serve(options, listener, load, announce))


async def _serve(
    options: ServerOptions,
    listener: socket.socket,
    load: Callable[[], Sequence[Hosted]],
    announce: Callable[[str], None],
) -> None:
    signals = StopSignals()
    signals.install(asyncio.get_running_loop())
    registry, worker = Registry(), Worker(min(4, available_cores()))
    server = _Server(_config(Application(registry, worker, Pages(registry))), listener)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    serving.add_done_callback(lambda _: signals.stop.set())  # a server that dies must not leave a process that waits
    try:
        if await _load(registry, load, signals):
            announce(address_of(listener))
            await signals.stop.wait()
            await drain(registry, signals, options.drain_seconds, server)
    finally:
        server.should_exit = True
        await serving
        worker.close()
        await asyncio.to_thread(_close_logs, registry)


def _config(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=_Protocol,
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
        backlog=BACKLOG,
    )


async def _load(registry: Registry, load: Callable[[], Sequence[Hosted]], signals: StopSignals) -> bool:
    """Load the models; False when a signal came first."""
    loading = asyncio.ensure_future(asyncio.to_thread(load))
    stopping = asyncio.ensure_future(signals.stop.wait())
    await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not loading.done():
        return False
    stopping.cancel()
    registry.publish(loading.result())
    return True


def _close_logs(registry: Registry) -> None:
    closed: set[int] = set()
    for hosted in registry.all:
        for log in (hosted.log, hosted.feedback):
            if log is not None and id(log) not in closed:
                closed.add(id(log))
                log.close()
