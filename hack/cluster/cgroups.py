"""The cluster's own part of the cgroup tree, on both versions of cgroups.

`/NAME/components` holds the programs of the cluster and what they start; the kubelet keeps the pods in
`/NAME/kubepods`. So everything that the cluster ever started can be found again, and ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/sys/fs/cgroup")
_COMPONENTS = "components"


def hierarchies(root: Path = ROOT) -> list[Path]:
    """The roots of the cgroup trees: one for version 2, one for each controller for version 1."""
    if (root / "cgroup.controllers").exists():
        return [root]
    # `cpu` may be a link to `cpu,cpuacct`: the same tree must not be listed twice.
    return sorted({path.resolve() for path in root.iterdir() if (path / "cgroup.procs").exists()})


def create(name: str, root: Path = ROOT) -> None:
    """Make the cluster's groups in every tree."""
    for tree in hierarchies(root):
        if (tree / "cgroup.controllers").exists():
            _delegate(tree)
        for group in (tree / name, tree / name / _COMPONENTS):
            if group.exists():
                continue
            group.mkdir()
            _inherit_cpuset(group)


def _delegate(tree: Path) -> None:
    for controller in (tree / "cgroup.controllers").read_text().split():
        # A controller may be bound to a version 1 tree, or lack support for threads: the kubelet says so if it matters.
        with contextlib.suppress(OSError):
            (tree / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(group: Path) -> None:
    # Version 1 gives a new cpuset no CPU at all, and refuses processes until it has one.
    for setting in ("cpuset.cpus", "cpuset.mems"):
        if (group / "cpuset.sched_load_balance").exists():
            (group / setting).write_text((group.parent / setting).read_text())


def enter(name: str, pid: int, root: Path = ROOT) -> None:
    """Put a process into the group of the components."""
    for tree in hierarchies(root):
        (tree / name / _COMPONENTS / "cgroup.procs").write_text(str(pid))


def _groups(name: str, root: Path) -> Iterator[Path]:
    for tree in hierarchies(root):
        # Deepest first: the order in which they can be removed.
        for folder, _, _ in os.walk(tree / name, topdown=False):
            yield Path(folder)


def members(name: str, root: Path = ROOT) -> set[int]:
    """Processes in the cluster's groups."""
    found: set[int] = set()
    for group in _groups(name, root):
        with contextlib.suppress(OSError):
            found.update(map(int, (group / "cgroup.procs").read_text().split()))
    return found


def kill(name: str, root: Path = ROOT, *, patience: float = 10.0) -> None:
    """End every process in the cluster's groups.

    Raises:
        ClusterError: some are still there after `patience` seconds.

    """
    deadline = time.monotonic() + patience
    while left := members(name, root):
        if time.monotonic() > deadline:
            raise ClusterError(
                f"processes {sorted(left)} of cluster {name} do not end: look at them with ps, then repeat"
            )
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def remove(name: str, root: Path = ROOT, *, patience: float = 5.0) -> None:
    """Remove the cluster's groups; ended processes may hold them for a moment.

    Raises:
        ClusterError: some are still busy after `patience` seconds.

    """
    deadline = time.monotonic() + patience
    while True:
        for group in _groups(name, root):
            with contextlib.suppress(OSError):
                group.rmdir()
        left = [tree / name for tree in hierarchies(root) if (tree / name).exists()]
        if not left:
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"the cgroup {left[0]} is still in use: see its cgroup.procs, then repeat")
        time.sleep(0.05)
