"""Gets the rights of the system administrator where a command needs them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What must stay the same for the command that runs as root; above all whose cache and state it works on.
_KEPT = ("CLUSTER", "CLUSTER_NAME", "CLUSTER_RANGE", "EVERMODEL_REGISTRY", "PATH", "PYTHONPATH")
_KEPT_TAILS = ("_proxy", "_PROXY")


def sudo_command(sudo: str, arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Command that repeats this one as root, with the caller's folders and names."""
    home = environment.get("HOME") or str(Path.home())
    kept = {name: value for name, value in environment.items() if name in _KEPT or name.endswith(_KEPT_TAILS)}
    kept["XDG_CACHE_HOME"] = environment.get("XDG_CACHE_HOME") or f"{home}/.cache"
    kept["XDG_STATE_HOME"] = environment.get("XDG_STATE_HOME") or f"{home}/.local/state"
    assignments = [f"{name}={value}" for name, value in sorted(kept.items())]
    return [sudo, "env", *assignments, sys.executable, "-m", "hack.cluster", *arguments]


def become_root(arguments: Sequence[str]) -> None:
    """Go on as root: return if this is root, else repeat the command by sudo and never return.

    Raises:
        ClusterError: this is not root, and there is no sudo.

    """
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo")
    if sudo is None:
        raise ClusterError(
            "a cluster from source needs root (network namespace, containerd), and there is no sudo: run this as root"
        )
    sys.stderr.write("the next steps need root (network namespace, containerd): calling sudo\n")
    os.execv(sudo, sudo_command(sudo, arguments, os.environ))  # noqa: S606 (no shell is wanted)
