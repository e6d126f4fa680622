"""Ending the operator as a machine does that loses power: SIGKILL, no goodbye."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hack.demo.kubectl import Kubectl

_SECONDS_TO_START = 10.0
NAMESPACE = "evermodel-system"
SELECTOR = "app.kubernetes.io/name=evermodel,app.kubernetes.io/component=operator"


def operator_pods(kubectl: Kubectl) -> list[tuple[str, str]]:
    """Name and uid of the operator's pods."""
    template = "{range .items[*]}{.metadata.name} {.metadata.uid}{'\\n'}{end}"
    lines = kubectl("get", "pods", f"--selector={SELECTOR}", f"--output=jsonpath={template}").splitlines()
    return [(line.split()[0], line.split()[1]) for line in lines]


def processes_of(pod_uid: str, proc: Path = Path("/proc")) -> Iterator[int]:
    """Processes on this machine that belong to a pod, its sandbox aside: their control group names the pod's uid."""
    forms = (f"pod{pod_uid}", f"pod{pod_uid.replace('-', '_')}")
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            groups = (folder / "cgroup").read_text()
            command = (folder / "cmdline").read_bytes().split(b"\0")[0]
        except OSError:
            continue
        if any(form in groups for form in forms) and not command.endswith(b"pause"):
            yield int(folder.name)


def kill_operator(kubectl: Kubectl) -> str:
    """SIGKILL to the operator's process where it runs on this machine; then its pod goes too.

    The pod is removed so that the next one starts at once: a kubelet lets a container that ends often wait for minutes.
    Where the process is on another machine, removing the pod without grace is what ends it (SIGKILL as well).
    """
    pods, pids = _running(kubectl)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for name, _ in pods:
        kubectl("delete", "pod", name, "--grace-period=0", "--force", "--wait=false")
    return f"{', '.join(name for name, _ in pods) or 'nobody'}, processes {pids or 'elsewhere'}"


def _running(kubectl: Kubectl) -> tuple[list[tuple[str, str]], list[int]]:
    """The operator's pods and its processes; one that was just started gets the time to have a process."""
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        pods = operator_pods(kubectl)
        pids = [pid for _, uid in pods for pid in processes_of(uid)]
        if pids or time.monotonic() > deadline:
            return pods, pids
        time.sleep(0.2)
