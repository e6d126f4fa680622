"""One process that answers: listens at once, loads in the background, answers when ready, drains at the end."""

import asyncio
import contextlib
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from evermodel.serving.accept import Acceptor
from evermodel.serving.app import CONNECTION_LIMIT, NO_HOOKS, Application
from evermodel.serving.cores import available_cores
from evermodel.serving.counters import READY, READY_ONCE, Counters
from evermodel.serving.drain import drain
from evermodel.serving.hooks import Hooks
from evermodel.serving.http import Protocol
from evermodel.serving.listener import ACCEPT_SECONDS, BACKLOG, refuse_handshakes
from evermodel.serving.metrics import Metrics
from evermodel.serving.pages import Pages
from evermodel.serving.process_usage import allow_open_files
from evermodel.serving.registry import Hosted, Registry
from evermodel.serving.signals import StopSignals
from evermodel.serving.warm import warm_up
from evermodel.serving.worker import Worker

if TYPE_CHECKING:
    from evermodel.serving.grpc.port import Port

KEEP_ALIVE_SECONDS = 75
"""Longer than what clients and proxies usually keep an idle connection: who closes first must not be us."""
FINISH_SECONDS = 10
"""How long requests in flight may take after the drain."""
SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another one waits: the event loop, the log and slow models share it,
and a model that lets go of it for each of its hundred trees would wait a hundred times."""
_OTHER_FILES = 256
"""Files beside connections that a process may have open."""


@dataclass(frozen=True)
class Place:
    """Where one process stands among those that share a port."""

    listener: socket.socket
    counters: Counters
    drain_seconds: float
    hooks: Hooks = NO_HOOKS
    grpc: str | None = None
    """Address to speak gRPC at; None where nobody does."""
    again: bool = False
    """Whether it takes the place of one that died: its siblings answer, so it takes no clients before it is ready."""

    @property
    def has_siblings(self) -> bool:
        """Whether others accept from the same socket."""
        return self.counters.layout.processes > 1


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the drain comes first."""

    def __init__(self, config: uvicorn.Config, application: Application, place: Place) -> None:
        super().__init__(config)
        self._application = application
        self._place = place

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs this server."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections, all that come or a fair share."""
        if not self._place.has_siblings:
            await super().startup(sockets)
            return
        acceptor = Acceptor(self._place.listener, self._place.counters, self._make_protocol, self.config.ssl)
        acceptor.start()
        self.servers = [acceptor]  # type: ignore[list-item]  # it is closed as uvicorn's own are, and no more
        self.started = True

    def _make_protocol(self) -> Protocol:
        return Protocol(self.config, self.server_state, {})

    async def on_tick(self, counter: int) -> bool:
        """Once a second: what changes slowly."""
        ended: bool = await super().on_tick(counter)
        if counter % 10 == 0:
            self._application.on_second(self.server_state.default_headers)
        return ended

    async def stop_listening(self) -> None:
        """Take no new connections, but those that clients already believe to have."""
        refuse_handshakes(self._place.listener)
        await asyncio.sleep(ACCEPT_SECONDS)
        for server in self.servers:
            server.close()

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        return len(self.server_state.connections)


def run_process(place: Place, load: Callable[[], Sequence[Hosted]], on_ready: Callable[[], None]) -> None:
    """Serve until a signal comes; `load` runs in a thread, `on_ready` is called when all models answer.

    Raises:
        RunError: what `load` raises.
    """
    allow_open_files(CONNECTION_LIMIT + _OTHER_FILES)
    sys.setswitchinterval(SWITCH_SECONDS)
    # Too large a number in a request is the client's affair, and answered as scikit-learn answers it.
    warnings.filterwarnings("ignore", "overflow|invalid value|divide by zero", RuntimeWarning)
    place.counters.begin(time.time())
    uvloop.run(_serve(place, load, on_ready))


async def _serve(place: Place, load: Callable[[], Sequence[Hosted]], on_ready: Callable[[], None]) -> None:
    signals = StopSignals()
    signals.install(asyncio.get_running_loop())
    registry, counters = Registry(), place.counters
    worker = Worker(min(4, max(1, available_cores() // counters.layout.processes)))
    hooks = place.hooks
    pages = Pages(registry, hooks.limits, asks_for_keys=hooks.keys is not None)
    application = Application(registry, worker, pages, Metrics(registry, counters), hooks)
    server = Server(make_config(application, place.hooks), application, place)
    serving: asyncio.Task[None] | None = None if place.again else _start(server, place, signals)
    port = None if place.again else await _start_grpc(application, place)
    try:
        hosted = await _load(load, signals)
        if hosted is not None:
            registry.publish(hosted)
            counters.set(READY_ONCE, 1)
            counters.set(READY, 1)
            serving = serving or _start(server, place, signals)
            port = port or await _start_grpc(application, place)
            on_ready()
            await signals.stop.wait()
            counters.set(READY, 0)
            await drain(registry, signals, place.drain_seconds, server)
    finally:
        server.should_exit = True
        ending = [] if port is None else [port.stop(FINISH_SECONDS, hurry=signals.hurry.is_set())]
        await asyncio.gather(*ending, *([] if serving is None else [serving]))
        worker.close()
        if place.hooks.close is not None:
            await asyncio.to_thread(place.hooks.close)
        await asyncio.to_thread(_close_logs, registry)


def _start(server: Server, place: Place, signals: StopSignals) -> asyncio.Task[None]:
    serving: asyncio.Task[None] = asyncio.create_task(server.serve(sockets=[place.listener]))
    serving.add_done_callback(lambda _: signals.stop.set())  # a server that dies must not leave a process that waits
    return serving


async def _start_grpc(application: Application, place: Place) -> "Port | None":
    if place.grpc is None:
        return None
    from evermodel.serving.grpc.port import Port  # noqa: PLC0415  a server that does not speak it does not pay for it

    port = Port(application, place.grpc, place.hooks)
    await port.start()
    return port


def make_config(application: Application, hooks: Hooks) -> uvicorn.Config:
    """How uvicorn runs the application: with our protocol, and no logs, headers or signals of its own."""
    config = uvicorn.Config(
        application,
        http=Protocol,
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
        backlog=BACKLOG,
    )
    config.load()
    if hooks.tls is not None:
        config.ssl = hooks.tls()
    return config


async def _load(load: Callable[[], Sequence[Hosted]], signals: StopSignals) -> list[Hosted] | None:
    """Load the models and warm them; None when a signal came first."""
    loading = asyncio.ensure_future(asyncio.to_thread(lambda: [warm_up(hosted) for hosted in load()]))
    stopping = asyncio.ensure_future(signals.stop.wait())
    await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not loading.done():
        return None
    stopping.cancel()
    return loading.result()


def _close_logs(registry: Registry) -> None:
    closed: set[int] = set()
    for hosted in registry.all:
        for log in (hosted.log, hosted.feedback):
            if log is not None and id(log) not in closed:
                closed.add(id(log))
                log.close()
