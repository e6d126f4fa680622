"""What every test against a real Kubernetes needs: kubectl, the kinds, and a namespace of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


class Kubectl:
    """kubectl with the test cluster's access; called with its arguments."""

    def __init__(self, program: str, kubeconfig: str) -> None:
        self.program = program
        self.kubeconfig = kubeconfig

    def run(self, *arguments: str, given: str | None = None, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """The finished process, whatever its end; `given` is its standard input."""
        command = [self.program, f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=timeout)

    def __call__(self, *arguments: str, given: str | None = None, timeout: float = 60) -> str:
        """What kubectl prints; the test fails with kubectl's words when it fails."""
        result = self.run(*arguments, given=given, timeout=timeout)
        assert result.returncode == 0, f"kubectl {' '.join(arguments)}: {result.stderr.strip()}"
        return result.stdout

    def json(self, *arguments: str) -> Any:
        """An object or a list, as the API server has it."""
        return json.loads(self(*arguments, "-o", "json"))

    def apply(self, *objects: dict[str, Any], namespace: str) -> None:
        """Write objects by server-side apply, as a GitOps tool does."""
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self("apply", "--server-side", "--force-conflicts", "-n", namespace, "-f", "-", given=document)


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """KUBECONFIG, or the access to the cluster that `make cluster` made."""
    named = os.environ.get("KUBECONFIG")
    if named:
        return named
    command = [sys.executable, "-m", "hack.cluster", "kubeconfig"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    path = made.stdout.strip()
    if made.returncode != 0 or not Path(path).is_file():
        pytest.skip("no cluster: run `make cluster`, or set KUBECONFIG")
    return path


@pytest.fixture(scope="session")
def kubectl(kubeconfig: str) -> Kubectl:
    """kubectl for the test cluster; the tests fail when its API server does not answer."""
    from hack import programs

    program = programs.find("kubectl")
    if program is None:
        pytest.skip("no kubectl: run `make cluster`, or put kubectl on the PATH")
    ready = Kubectl(str(program), kubeconfig)
    ready("get", "--raw", "/readyz", timeout=30)
    return ready


@pytest.fixture(scope="session")
def kinds(kubectl: Kubectl) -> None:
    """The four kinds, as they are in crds/ now."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(ROOT / "crds"))


@pytest.fixture(scope="module")
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace for this module, under the restricted Pod Security Standard; removed afterwards."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def operator_away(kubectl: Kubectl) -> Iterator[None]:
    """No operator works meanwhile: what the API server alone does is looked at. One that was there comes back."""
    where = ("--namespace", "evermodel-system")
    there = kubectl.run("get", "deployment", "evermodel", *where).returncode == 0
    if there:
        kubectl("scale", "deployment", "evermodel", *where, "--replicas=0")
        chosen = "--selector=app.kubernetes.io/name=evermodel,app.kubernetes.io/component=operator"
        kubectl("wait", "pod", chosen, *where, "--for=delete", "--timeout=60s", timeout=70)
    yield
    if there:
        kubectl("scale", "deployment", "evermodel", *where, "--replicas=1")
        kubectl("rollout", "status", "deployment", "evermodel", *where, "--timeout=90s", timeout=100)
