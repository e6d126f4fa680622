"""What kind of machine this is, as far as the cluster's configuration depends on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class Host:
    """The traits of this machine that change how components are configured."""

    unified_cgroups: bool
    may_raise_limits: bool
    overlay_usable: bool
    boot_id: str


def inspect(state: Path) -> Host:
    """Look at this machine; `state` is the folder that the cluster will use."""
    return Host(
        unified_cgroups=Path("/sys/fs/cgroup/cgroup.controllers").exists(),
        may_raise_limits=has_capability(Path("/proc/self/status").read_text(), _CAP_SYS_RESOURCE),
        # Overlays cannot be stacked on an overlay: containers of containers need plain copies.
        overlay_usable=filesystem(state, Path("/proc/self/mounts").read_text())
        not in {"overlay", "fuse.fuse-overlayfs"},
        boot_id=Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
    )


def has_capability(process_status: str, number: int) -> bool:
    """Whether the bounding set in the text of /proc/PID/status has the capability."""
    bounding = re.search(r"^CapBnd:\s*([0-9a-f]+)$", process_status, re.MULTILINE)
    return bounding is not None and bool(int(bounding[1], 16) >> number & 1)


def filesystem(path: Path, mounts: str) -> str:
    """Type of the file system that a path lies on, from the text of /proc/PID/mounts."""
    found, kind = Path("/"), "unknown"
    for line in mounts.splitlines():
        _, mount_point, mounted, *_ = line.split(" ")
        point = Path(mount_point.replace("\\040", " "))
        if (point == path or point in path.parents) and len(point.parts) >= len(found.parts):
            found, kind = point, mounted
    return kind
