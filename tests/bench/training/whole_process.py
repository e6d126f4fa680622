"""A command measured from outside, start and imports included."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

LIBRARIES = ("scikit-learn", "xgboost-cpu", "lightgbm", "numpy", "pandas", "pyarrow", "optuna", "skops")


@dataclass(frozen=True)
class Ran:
    """What a command took, and what it said."""

    seconds: float
    """Wall clock."""
    cpu_seconds: float
    peak_mb: float
    """Resident memory of its largest process, in 10**6 bytes, as the kernel counts it."""
    out: str


def run_whole(command: Sequence[str], cores: Sequence[int], environment: Mapping[str, str] | None = None) -> Ran:
    """Run a command on these cores only.

    Raises:
        RuntimeError: when it fails, with what it said last.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, cores)), *command], stdout=out, stderr=err, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)  # of this one and those that it waited for
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            said = err.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said}")
        return Ran(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, out.read().decode())


def two_cores() -> list[int]:
    """The last two cores that this process may use: the first one is where other work tends to be."""
    return sorted(os.sched_getaffinity(0))[-2:]


def versions() -> str:
    """Of Python, the machine and the libraries, on one line."""
    listed = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores; {listed}"
