"""The Debian and Ubuntu packages that the cluster needs, installed only where a program of theirs is missing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.commands import run
from hack.cluster.errors import ClusterError
from hack.cluster.locking import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hack.cluster.console import Console

_LOCK = Path("/run/lock/evermodel-packages")
CNI_PLUGINS = Path("/usr/lib/cni")
# cron, sudo and system services often leave these out of PATH.
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Need:
    """A program, the package that brings it, and what for."""

    program: str
    package: str
    purpose: str


CLUSTER_NEEDS = (
    Need("containerd", "containerd", "runs the containers"),
    Need("runc", "runc", "starts each container"),
    Need(str(CNI_PLUGINS / "ptp"), "containernetworking-plugins", "connects the pods"),
    Need("ip", "iproute2", "makes the network namespace"),
    Need("iptables", "iptables", "carries the Services (kube-proxy)"),
    Need("conntrack", "conntrack", "forgets connections to pods that ended (kube-proxy)"),
    Need("nsenter", "util-linux", "starts the components inside the network namespace"),
    Need("openssl", "openssl", "makes the cluster's certificates"),
)
IMAGE_NEEDS = (
    Need("buildah", "buildah", "builds images without a daemon"),
    Need("debootstrap", "debootstrap", "makes the base image"),
)


def system_path() -> None:
    """Let this process and its children find the programs of the system administrator."""
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"


def missing(needs: Sequence[Need], find: Callable[[str], str | None] = shutil.which) -> list[Need]:
    """Those whose program is not on this machine."""
    return [need for need in needs if find(need.program) is None]


def install(needs: Sequence[Need], console: Console) -> None:
    """Install what is missing, and say which packages and why.

    Raises:
        ClusterError: this is not Debian or Ubuntu, or apt-get failed.

    """
    if missing(needs):
        with locked(_LOCK):  # apt-get does not wait for another apt-get
            _install(missing(needs), console)


def _install(absent: Sequence[Need], console: Console) -> None:
    if not absent:
        return
    packages = list(dict.fromkeys(need.package for need in absent))
    if shutil.which("apt-get") is None:
        raise ClusterError(
            f"this machine lacks {', '.join(need.program for need in absent)} and has no apt-get:"
            f" install what your system calls {', '.join(packages)}"
        )
    for need in absent:
        console.say(f"package {need.package} is missing: it {need.purpose}")
    console.say(f"apt-get install {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], environment=environment)
    run(["apt-get", "install", "--yes", "--no-install-recommends", *packages], environment=environment, timeout=1200)
