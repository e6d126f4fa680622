"""A server as a tree of processes: started on one core, watched, and ended, whoever its processes belong to by then."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MARK = "EVERMODEL_BENCH_RUN"
"""In the environment of all processes of a server: daemons leave their parents, and keep it."""
END_SECONDS, LEFT_SECONDS = 10.0, 3.0
MIB = 1 << 20


def pinned(core: int | None) -> list[str]:
    """The command that keeps what follows on one core; none where there is no such tool, or no core is named."""
    return ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []


@dataclass(frozen=True)
class Memory:
    """Of all processes of a server, in MiB."""

    pss: float
    """Shared pages in equal parts to those who share them."""
    rss: float
    """Shared pages once for each."""
    processes: int


@dataclass(frozen=True)
class Tree:
    """A running server."""

    process: subprocess.Popen[bytes]
    mark: str
    started: float
    """By the clock of `time.monotonic`."""
    log: Path

    def pids(self) -> list[int]:
        """All its processes that live now."""
        wanted = f"{MARK}={self.mark}".encode()
        found = []
        for place in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if place.name.isdigit() and wanted in (place / "environ").read_bytes().split(b"\0"):
                    found.append(int(place.name))
        return found

    def memory(self) -> Memory:
        """What it holds now."""
        kib = {"Pss:": 0, "Rss:": 0}
        pids = self.pids()
        for pid in pids:
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
                    key, value, *_ = line.split()
                    if key in kib:
                        kib[key] += int(value)
        return Memory(round(kib["Pss:"] / 1024, 1), round(kib["Rss:"] / 1024, 1), len(pids))

    def end(self) -> None:
        """End all of it: its first process politely, which should end the others; then those who are left."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.terminate()
            self.process.wait(END_SECONDS)
        for kind in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                with contextlib.suppress(OSError):
                    os.kill(pid, kind)
            self._wait_for_nobody()
        self.process.wait(END_SECONDS)

    def _wait_for_nobody(self) -> None:
        end = time.monotonic() + LEFT_SECONDS
        while self.pids() and time.monotonic() < end:
            time.sleep(0.02)

    def last_lines(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-600:]


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path, core: int | None) -> Iterator[Tree]:
    """Start a server, and end it in the end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex
    path = f"{Path(command[0]).parent}:{os.environ['PATH']}"
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*pinned(core), *command],
            env={**own, **environment, "PATH": path, MARK: mark},
            stdout=out,
            stderr=out,
            cwd=log.parent,
            start_new_session=True,
        )
        tree = Tree(process, mark, time.monotonic(), log)
        try:
            yield tree
        finally:
            tree.end()
