"""Several processes behind one port: started by a parent that answers nothing itself, and started again when they die.

The processes are fresh interpreters. They inherit the listening socket and the file of the counters, and are told what
to serve through their standard input, which also tells them when their parent is gone. They report through a pipe that
they are ready, or the sentence why they cannot be.
"""

import asyncio
import contextlib
import os
import pickle
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import uvloop

from evermodel.errors import DataError, RunError, SpecError
from evermodel.serving.counters import CONNECTIONS, ENDED_CPU, IN_FLIGHT, PID, READY, Counters, Layout, make_file
from evermodel.serving.hosting import Ordered, Wanted
from evermodel.serving.process_usage import cpu_seconds_of_ended_children
from evermodel.serving.signals import StopSignals
from evermodel.serving.switches import NOTHING_ON, Switches
from evermodel_api.runs import Exit

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 60.0
"""A process that has run for so long is started again without a pause when it dies."""
_READY = b"ready\n"


@dataclass(frozen=True)
class Task:
    """What one process is told."""

    plan: Ordered | Wanted
    layout: Layout
    process: int
    again: bool
    """Whether it takes the place of one that died."""
    drain_seconds: float
    switches: Switches
    listener: int
    counters: int
    report: int
    """Descriptors that it inherits."""
    grpc: str | None = None
    """Address to speak gRPC at."""


def write_task(task: Task) -> bytes:
    """A task as its process reads it: only this program writes it and only this program reads it."""
    content = pickle.dumps(task)
    return len(content).to_bytes(8, "little") + content


def read_task(file: int) -> Task:
    """The task from a descriptor, which stays open behind it."""
    size = int.from_bytes(_read_exactly(file, 8), "little")
    task = pickle.loads(_read_exactly(file, size))  # noqa: S301  from our own parent
    if not isinstance(task, Task):
        raise TypeError("the parent sent something that is no task")
    return task


def _read_exactly(file: int, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = os.read(file, size - len(found))
        if not part:
            raise EOFError("the parent ended before it had said what to do")
        found += part
    return found


def report_ready(file: int) -> None:
    """Tell the parent that all models answer."""
    os.write(file, _READY)


def report_failure(file: int, error: RunError) -> None:
    """Tell the parent why this process cannot answer."""
    os.write(file, f"{error.reason.value} {error}\n".encode())


def read_failure(code: int | None, report: bytes) -> RunError:
    """The failure of a process from how it ended and what it reported."""
    kinds = {int(Exit.DATA_WRONG): DataError, int(Exit.SPEC_WRONG): SpecError}
    sentence = report.removeprefix(_READY).decode(errors="replace").strip()
    if not sentence:
        return RunError("Crashed", f"a serving process ended with {code} before it was ready; its log says why")
    reason, _, message = sentence.partition(" ")
    return kinds.get(code or 0, RunError)(reason, message)


@dataclass(frozen=True)
class Team:
    """Several processes that are to do the same behind one socket."""

    plan: Ordered | Wanted
    listener: socket.socket
    count: int
    drain_seconds: float
    switches: Switches = NOTHING_ON
    grpc: str | None = None
    """Address to speak gRPC at, which whoever starts the team keeps."""


def run_processes(team: Team, on_ready: Callable[[], None]) -> None:
    """Serve with several processes until a signal comes; `on_ready` is called once, when all of them answer.

    Raises:
        RunError: why the first of them that failed could not get ready.
    """
    uvloop.run(Parent(team, on_ready).run())


class Parent:
    """Starts the processes, passes on signals, and starts again what dies."""

    def __init__(self, team: Team, on_ready: Callable[[], None]) -> None:
        self._team = team
        count = team.count
        self._layout = Layout.of(team.plan.names, count)
        self._counters_file = make_file(self._layout)
        self._counters = Counters(self._layout, count, self._counters_file)
        self._on_ready = on_ready
        self._signals = StopSignals()
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._waiting_for = set(range(count))
        self._failure: RunError | None = None

    async def run(self) -> None:
        """Until a signal comes, or nothing can be started."""
        self._signals.install(asyncio.get_running_loop())
        keepers = [asyncio.ensure_future(self._keep(number)) for number in range(self._layout.processes)]
        passing = asyncio.ensure_future(self._pass_on_signals())
        try:
            await asyncio.gather(*keepers)
        finally:
            passing.cancel()
        if self._failure is not None:
            raise self._failure

    async def _pass_on_signals(self) -> None:
        await self._signals.stop.wait()
        self._send("hurry" if self._signals.hurry.is_set() else "stop")
        await self._signals.hurry.wait()
        self._send("hurry")

    def _send(self, what: str) -> None:
        for process in list(self._running.values()):
            with contextlib.suppress(ProcessLookupError):
                process.terminate() if what == "stop" else process.send_signal(2)

    async def _keep(self, number: int) -> None:
        """Keep one process running."""
        pause, again = FIRST_PAUSE_SECONDS, False
        while not self._signals.stop.is_set():
            begun = time.monotonic()
            code, report = await self._run_once(number, again=again)
            self._note_end(number)
            if self._signals.stop.is_set():
                break
            if not report.startswith(_READY) and not self._others_answer():
                self._fail(read_failure(code, report))
                break
            again = True
            steady = time.monotonic() - begun > STEADY_SECONDS
            pause = FIRST_PAUSE_SECONDS if steady else min(2 * pause, LONGEST_PAUSE_SECONDS)
            _say(f"process {number} ended with {code}; it is started again in {pause:.1f} s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._signals.stop.wait()

    def _others_answer(self) -> bool:
        return not self._waiting_for and any(self._counters.all_of(READY))

    def _fail(self, failure: RunError) -> None:
        self._failure = self._failure or failure
        self._signals.on_interrupt()

    def _note_end(self, number: int) -> None:
        part = self._counters.part(number)
        for place in (PID, READY, IN_FLIGHT, CONNECTIONS):
            part[place] = 0
        self._counters.set(ENDED_CPU, cpu_seconds_of_ended_children())

    async def _run_once(self, number: int, *, again: bool) -> tuple[int | None, bytes]:
        """Run one process to its end; how it ended, and what it reported."""
        team = self._team
        reader, writer = os.pipe()
        files = (team.listener.fileno(), self._counters_file, writer)
        task = Task(team.plan, self._layout, number, again, team.drain_seconds, team.switches, *files, team.grpc)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "evermodel.serving.process", stdin=asyncio.subprocess.PIPE, pass_fds=files
            )
        finally:
            os.close(writer)
        self._running[number] = process
        try:
            if process.stdin is None:
                raise RuntimeError("a process was started without a pipe to its standard input")
            with contextlib.suppress(ConnectionError):
                process.stdin.write(write_task(task))
                await process.stdin.drain()
            if self._signals.stop.is_set():
                process.terminate()
            report = await self._listen(number, reader)
            return await process.wait(), report
        finally:
            del self._running[number]

    async def _listen(self, number: int, reader: int) -> bytes:
        """What a process reports, until it closes the pipe, which it does with its end at the latest."""
        stream = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reader, "rb", buffering=0)
        )
        try:
            first = await stream.readline()
            if first == _READY:
                self._note_ready(number)
            return first + await stream.read()
        finally:
            transport.close()

    def _note_ready(self, number: int) -> None:
        if number in self._waiting_for:
            self._waiting_for.discard(number)
            if not self._waiting_for:
                self._on_ready()


def _say(sentence: str) -> None:
    print(f"evermodel serve: {sentence}", file=sys.stderr, flush=True)  # noqa: T201  for people who read the log
