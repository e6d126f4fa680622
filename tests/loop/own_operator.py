"""An operator with other settings than the installed one, as a process beside the cluster, for one namespace."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hack.demo.kubectl import Kubectl
from tests.loop.operator_process import NAMESPACE, SELECTOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hack.demo.machine import Prepared

_PATIENCE = 20.0


@contextmanager
def installed_one_away(prepared: Prepared) -> Iterator[None]:
    """The installed operator looks after every namespace, so it rests as long as another one looks after one of them."""
    kubectl = Kubectl(prepared.kubectl, NAMESPACE)
    kubectl("scale", "deployment/evermodel", "--replicas=0")
    try:
        kubectl("wait", "pod", f"--selector={SELECTOR}", "--for=delete", "--timeout=60s", timeout=70)
        yield
    finally:
        kubectl("scale", "deployment/evermodel", "--replicas=1")
        kubectl("rollout", "status", "deployment/evermodel", "--timeout=90s", timeout=100)


@contextmanager
def own_operator(prepared: Prepared, folder: Path, namespace: str, settings: dict[str, Any]) -> Iterator[None]:
    """An operator works in the namespace by these settings; what it said is shown at its end."""
    config = folder / f"operator-{uuid.uuid4().hex[:6]}.yaml"
    port = _free_port()
    own = {
        "watchNamespaces": [namespace],
        "leaderElection": {"enabled": False},
        "log": {"format": "text"},
        "ports": {"health": port, "metrics": port},
    }
    config.write_text(json.dumps({**own, **settings}), encoding="utf-8")
    kubeconfig = next(word.removeprefix("--kubeconfig=") for word in prepared.kubectl if "--kubeconfig=" in word)
    command = [sys.executable, "-m", "evermodel_operator", "--config", str(config), "--kubeconfig", kubeconfig]
    log = config.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield
    finally:
        code = process.poll()
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        sys.stdout.write(f"--- the operator of {namespace}, ended before it was told to: {code}\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
