"""A real server on loopback inside the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from evermodel.serving.app import NO_HOOKS, Application
from evermodel.serving.counters import READY, READY_ONCE, Counters, Layout
from evermodel.serving.engine import load_served_model
from evermodel.serving.hooks import Hooks
from evermodel.serving.listener import listen
from evermodel.serving.metrics import Metrics
from evermodel.serving.pages import Pages
from evermodel.serving.registry import Hosted, Registry
from evermodel.serving.server import Place, Server, make_config
from evermodel.serving.worker import Worker
from tests.unit.evermodel.serving.conftest import MadeModel, make_line, make_patients


class LineEngine:
    """The line y = 2x + 4 as a program would compute it: quick, so that it is asked on the event loop."""

    name = "line"
    quick = True

    def __init__(self) -> None:
        self.calls: list[int] = []

    def predict(self, batch):
        self.calls.append(batch.rows)
        if batch.values[0, 0] == 13:
            raise RuntimeError("the insides")
        return np.asarray(2 * batch.values[:, 0] + 4)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Running:
    """A server that runs, and its parts."""

    server: Server
    application: Application
    registry: Registry
    counters: Counters
    engine: LineEngine
    port: int

    async def connect(self) -> "Wire":
        return Wire(*await asyncio.open_connection("127.0.0.1", self.port))

    async def ask(self, *requests: bytes) -> Answer:
        """Send the parts one after the other on a connection of their own; the last answer."""
        wire = await self.connect()
        try:
            for part in requests:
                wire.send(part)
                await asyncio.sleep(0.01 if len(requests) > 1 else 0)
            return await wire.answer()
        finally:
            wire.close()

    def count(self, route: str, code: int, version: str = "line-1") -> float:
        return self.counters.get(self.counters.layout.request(version, route, code))


class Wire:
    """One connection of a client that writes what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def close(self) -> None:
        self.writer.close()

    async def answer(self) -> Answer:
        """The next answer."""
        async with asyncio.timeout(10):
            first = await self.reader.readline()
            while first.startswith(b"HTTP/1.1 100"):
                await self.reader.readline()
                first = await self.reader.readline()
            headers: dict[str, str] = {}
            while (line := await self.reader.readline()) not in (b"\r\n", b""):
                name, _, value = line.decode().partition(":")
                assert name.lower() not in headers, f"{name} is there twice"
                headers[name.lower()] = value.strip()
            assert first.startswith(b"HTTP/1.1 "), first
            body = await self.reader.readexactly(int(headers["content-length"]))
            return Answer(int(first.split()[1]), headers, body)

    async def is_closed(self, seconds: float = 5) -> bool:
        """Whether the server closes the connection within that time."""
        try:
            async with asyncio.timeout(seconds):
                return await self.reader.read() == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


@pytest.fixture(scope="session")
def made_store(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def line(made_store) -> MadeModel:
    return make_line(made_store)


@pytest.fixture(scope="session")
def patients(made_store) -> MadeModel:
    return make_patients(made_store)


@pytest.fixture
def serve(line) -> Callable[..., AsyncIterator[Running]]:
    """A maker of running servers that have the line."""
    served = load_served_model("line", line.version, line.artifact.uri, line.artifact.digest)

    @asynccontextmanager
    async def run(
        *,
        hooks: Hooks = NO_HOOKS,
        direct_rows: int = 100,
        keep_alive: float = 75,
        limit: int = 4096,
        body_room: int | None = None,
        more: Sequence[Hosted] = (),
    ):
        engine = LineEngine()
        hosted = [Hosted(replace(served, engine=engine), direct_rows=direct_rows), *more]
        registry = Registry()
        registry.publish(hosted)
        counters = Counters(Layout.of([(item.served.model, item.served.version) for item in hosted]))
        for place in (READY, READY_ONCE):
            counters.set(place, 1)
        worker, numbers = Worker(2), count()
        application = Application(
            registry,
            worker,
            Pages(registry),
            Metrics(registry, counters),
            hooks,
            new_id=lambda: f"made-{next(numbers)}",
            body_room=body_room,
        )
        application.connection_limit = limit
        config = make_config(application, hooks)
        config.timeout_keep_alive = keep_alive
        with listen("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            server = Server(config, application, Place(listener, counters, 0))
            task = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
                await asyncio.sleep(0.005)
            try:
                yield Running(server, application, registry, counters, engine, port)
            finally:
                server.should_exit = True
                await task
                worker.close()

    return run
