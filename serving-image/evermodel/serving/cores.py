"""How many processes a server should have: the cores that it was given, as far as its memory goes."""

import os
from pathlib import Path

MEMORY_FOR_EACH = 256 * 2**20
"""Bytes of memory that a process should have: one that serves by scikit-learn needs them, a compiled one half of it."""
_CGROUP = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def processes_for_limits(cgroup: Path = _CGROUP) -> int:
    """Whole cores of this container's CPU limit, at least one, and no more than its memory limit has room for.

    Without a CPU limit it is one: the node's cores are not this container's alone.
    """
    cores = _cores_of_limit(cgroup)
    memory = _number(cgroup / "memory.max") or _number(cgroup / "memory" / "memory.limit_in_bytes")
    room = cores if memory is None else memory // MEMORY_FOR_EACH
    return max(1, min(cores, room, available_cores()))


def _cores_of_limit(cgroup: Path) -> int:
    """Whole cores, of either version of the kernel's control groups; 1 where there is no limit."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        limit = _number(cgroup / "cpu" / "cpu.cfs_quota_us")
        whole = _number(cgroup / "cpu" / "cpu.cfs_period_us")
        return limit // whole if limit and whole else 1
    return int(quota) // int(period) if quota.isdigit() and int(period) else 1


def _number(file: Path) -> int | None:
    """The number in a file; None where there is none, or it says that there is no limit (`max`, -1)."""
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
