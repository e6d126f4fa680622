"""Removes what programs of the cluster leave outside its state folder, and what is mounted inside it."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.commands import run

if TYPE_CHECKING:
    from hack.cluster.settings import Settings

# The kubelet keeps links to the logs here, whatever it is told.
_CONTAINER_LOGS = Path("/var/log/containers")
# So does the kubelet with the socket for plugins of devices, whatever its root folder is.
_DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
# containerd's shims listen here, whatever its state folder is.
_SHIM_SOCKETS = Path("/run/containerd/s")
# CNI plugins are called through a library that remembers its results here.
_CNI_CACHE = Path("/var/lib/cni")


def mounts_below(folder: Path, mounts: str) -> list[str]:
    """Mount points below a folder, the deepest first, from the text of /proc/PID/mounts."""
    points = [line.split(" ")[1].replace("\\040", " ") for line in mounts.splitlines()]
    return sorted((point for point in points if folder in Path(point).parents), key=len, reverse=True)


def unmount(folder: Path) -> None:
    """Unmount everything below a folder."""
    # More than one mount may lie on the same point: look again until there is none.
    for _ in range(100):
        points = mounts_below(folder, Path("/proc/self/mounts").read_text())
        if not points:
            return
        for point in points:
            run(["umount", "--lazy", point])


def shim_sockets(containerd_state: Path) -> list[Path]:
    """Sockets of the processes that hold containers, which lie outside containerd's own folder."""
    sockets = []
    for bundle in containerd_state.glob("io.containerd.runtime.v2.task/*/*"):
        for name in ("address", "bootstrap.json"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                text = (bundle / name).read_text()
                address = json.loads(text)["address"] if name.endswith(".json") else text
                sockets.append(Path(address.strip().removeprefix("unix://")))
    return sockets


def remove_shim_sockets(containerd_state: Path) -> None:
    """Remove them; they stay when their process is killed."""
    for path in shim_sockets(containerd_state):
        path.unlink(missing_ok=True)


def remove_traces(settings: Settings) -> None:
    """Remove links and caches that lead to this cluster from the folders that all clusters share."""
    for link in _entries(_CONTAINER_LOGS):
        if link.is_symlink() and settings.state in Path(link.readlink()).parents:
            link.unlink()
    for file in _entries(_CNI_CACHE / "results"):
        # Another cluster may remove its own meanwhile.
        with contextlib.suppress(OSError):
            # Each names the network namespace of its pod, which lay in the state folder.
            if f'"{settings.state}/' in file.read_text():
                file.unlink()
    for path in _entries(_DEVICE_PLUGINS):
        if is_abandoned(path):
            path.unlink()
    shared = (_DEVICE_PLUGINS, _SHIM_SOCKETS, _CNI_CACHE / "results")
    for folder in (_CONTAINER_LOGS, *(level for path in shared for level in (path, path.parent))):
        # Only if nobody else keeps anything there.
        with contextlib.suppress(OSError):
            folder.rmdir()


def is_abandoned(path: Path) -> bool:
    """Whether a path is a Unix socket that nobody listens on."""
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX) as caller:
        try:
            caller.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
