"""Starts and stops the programs of the cluster, and remembers which process is which."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hack.cluster.components import Component

_PROC = Path("/proc")


@dataclass(frozen=True)
class Record:
    """A process that was started: the start time tells it from a later one with the same number."""

    pid: int
    started: str
    digest: str


def digest(component: Component) -> str:
    """Identity of a component's arguments and files: another digest means that it must start anew."""
    state = hashlib.sha256("\0".join(component.argv).encode())
    for path in component.files:
        state.update(path.read_bytes())
    return state.hexdigest()


def start_time(pid: int, proc: Path = _PROC) -> str | None:
    """When a process started, in clock ticks since boot; None for one that ended or waits to be reaped."""
    try:
        # The second field is the program's name in parentheses, and may hold spaces.
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def called_with(arguments: Sequence[str], proc: Path = _PROC) -> list[int]:
    """Processes whose command line ends with these arguments."""
    wanted = b"".join(f"\0{argument}".encode() for argument in arguments) + b"\0"
    found = []
    for folder in proc.iterdir():
        if folder.name.isdecimal():
            # It may end while it is looked at.
            with contextlib.suppress(OSError):
                if (folder / "cmdline").read_bytes().endswith(wanted):
                    found.append(int(folder.name))
    return found


class Processes:
    """The programs of one cluster: one record and one log file for each."""

    def __init__(self, state: Path) -> None:
        self._records = state / "processes"
        self._logs = state / "log"

    def log(self, name: str) -> Path:
        """Where a program's output goes."""
        return self._logs / f"{name}.log"

    def record(self, name: str) -> Record | None:
        """The running process of a component, if it is running."""
        try:
            record = Record(**json.loads((self._records / f"{name}.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return record if start_time(record.pid) == record.started else None

    def is_current(self, component: Component) -> bool:
        """Whether the component runs with its present arguments and files."""
        record = self.record(component.name)
        return record is not None and record.digest == digest(component)

    def start(self, component: Component, prefix: Sequence[str], working_folder: Path) -> int:
        """Start a component in a session of its own, so that Ctrl-C in a terminal does not reach it."""
        self.end_unrecorded(component)
        for folder in (self._records, self._logs):
            folder.mkdir(parents=True, exist_ok=True)
        with self.log(component.name).open("ab") as log:
            process = subprocess.Popen(
                [*prefix, *component.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=working_folder,
                start_new_session=True,
            )
        # It outlives this command on purpose: without this, Python warns that nobody waited for it.
        process.returncode = 0
        record = Record(process.pid, start_time(process.pid) or "", digest(component))
        file = self._records / f"{component.name}.json"
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(record)))
        partial.rename(file)
        return process.pid

    def end_unrecorded(self, component: Component) -> None:
        """End what was started without being recorded, because the command was killed between the two."""
        record = self.record(component.name)
        for pid in called_with(component.argv[1:]):
            if record is None or record.pid != pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def stop(self, name: str, patience: float = 10.0) -> None:
        """Ask a component to end, and make it end after `patience` seconds."""
        record = self.record(name)
        if record is None:
            return
        for number, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, number)
            deadline = time.monotonic() + wait
            while time.monotonic() < deadline:
                # A child of this very process stays a zombie until it is waited for.
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(record.pid, os.WNOHANG)
                if self.record(name) is None:
                    return
                time.sleep(0.05)
