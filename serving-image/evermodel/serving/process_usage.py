"""What a process uses, as the kernel says in /proc."""

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process, or several together, use."""

    cpu_seconds: float = 0.0
    resident_bytes: int = 0
    virtual_bytes: int = 0
    open_files: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Both together."""
        return Usage(
            self.cpu_seconds + other.cpu_seconds,
            self.resident_bytes + other.resident_bytes,
            self.virtual_bytes + other.virtual_bytes,
            self.open_files + other.open_files,
        )


def read_usage(pid: int, proc: Path = Path("/proc")) -> Usage:
    """What a process uses now; nothing when it is gone."""
    try:
        # The name of a program stands in parentheses and may hold anything: fields are counted from behind it.
        fields = (proc / str(pid) / "stat").read_text(encoding="latin-1").rpartition(")")[2].split()
        files = len(os.listdir(proc / str(pid) / "fd"))  # noqa: PTH208  only the number is of interest
    except OSError:
        return Usage()
    ticks = int(fields[11]) + int(fields[12])
    return Usage(ticks / _TICKS, int(fields[21]) * _PAGE, int(fields[20]), files)


def seconds_since_start() -> float:
    """Seconds since this process was started, its interpreter and imports included."""
    fields = Path("/proc/self/stat").read_text(encoding="latin-1").rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / _TICKS


def cpu_seconds_of_ended_children() -> float:
    """Processor seconds of the children of this process that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def most_open_files() -> int:
    """How many files one process may open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def allow_open_files(count: int) -> None:
    """Let this process open that many files, as far as the system allows it to ask."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
