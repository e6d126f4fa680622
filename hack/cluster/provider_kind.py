"""A cluster of `kind`: Kubernetes in a container of the Docker engine."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from hack.cluster.commands import run, succeeds
from hack.cluster.containers import Containers

if TYPE_CHECKING:
    from pathlib import Path

    from hack.cluster.console import Console
    from hack.cluster.provider import BuiltImage
    from hack.cluster.settings import Settings

VERSION = "v0.33.0"
_MODULE = f"sigs.k8s.io/kind@{VERSION}"
_CREATION_TIMEOUT = 900.0


def docker_answers() -> bool:
    """Whether a Docker engine can be used from here."""
    return succeeds(["docker", "info"], timeout=20)


def is_obtainable() -> bool:
    """Whether kind is installed, or can be built with the Go that is."""
    return shutil.which("kind") is not None or shutil.which("go") is not None


def node(settings: Settings) -> str:
    """Name of the container that is the cluster's only node."""
    return f"{settings.name}-control-plane"


def creation(settings: Settings, kind: str) -> list[str]:
    """Command that makes the cluster and waits until its node is ready."""
    options = ["--name", settings.name, "--kubeconfig", str(settings.kubeconfig), "--wait", "5m"]
    return [kind, "create", "cluster", *options]


def deletion(settings: Settings, kind: str) -> list[str]:
    """Command that removes the cluster."""
    return [kind, "delete", "cluster", "--name", settings.name, "--kubeconfig", str(settings.kubeconfig)]


def containerd(settings: Settings) -> list[str]:
    """Command that reaches the node's containerd.

    Used instead of `kind load`, which gives the images names by which no pod can ask for a digest.
    """
    return ["docker", "exec", "--interactive", node(settings), "ctr"]


class KindProvider:
    """A single-node cluster of kind; see `Provider` for what its methods promise."""

    needs_root = False

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._containers = Containers(containerd(settings))

    def prepare(self) -> None:
        """Build kind, if it is not installed."""
        self._kind()

    def _kind(self) -> str:
        installed = shutil.which("kind")
        if installed is not None:
            return installed
        folder = self._settings.cache / f"kind-{VERSION}"
        if not (folder / "kind").exists():
            self._console.say(f"building kind {VERSION} (once; kept in {folder})")
            go = shutil.which("go") or "go"
            run([go, "install", _MODULE], environment={**os.environ, "GOBIN": str(folder)}, timeout=900)
        return str(folder / "kind")

    def _exists(self) -> bool:
        return self._settings.name in run([self._kind(), "get", "clusters"]).split()

    def up(self) -> None:
        """Make the cluster unless it is there; start its container if it was stopped."""
        kind = self._kind()
        self._settings.state.mkdir(parents=True, exist_ok=True)
        if not self._exists():
            self._console.say(f"creating cluster {self._settings.name} with kind")
            run(creation(self._settings, kind), timeout=_CREATION_TIMEOUT)
        elif not self.is_up():
            run(["docker", "start", node(self._settings)])
            run([kind, "export", "kubeconfig", "--name", self._settings.name, "--kubeconfig", str(self.kubeconfig())])
            wait = ["wait", "--for=condition=Ready", "node", "--all", "--timeout=120s"]
            run([*self.kubectl(), *wait], timeout=150)
        self._console.say(f"cluster {self._settings.name} is ready")

    def down(self) -> None:
        """Remove the cluster and its files."""
        run(deletion(self._settings, self._kind()))
        shutil.rmtree(self._settings.state, ignore_errors=True)
        self._console.say(f"cluster {self._settings.name} is gone")

    def is_up(self) -> bool:
        """Whether its API server answers."""
        return self.kubeconfig().exists() and succeeds([*self.kubectl(), "get", "--raw", "/readyz"])

    def status(self) -> list[str]:
        """Whether the API server answers, and the node's container."""
        answer = "answers" if self.is_up() else "does not answer"
        return [f"cluster {self._settings.name} of kind {answer}; its node is the container {node(self._settings)}"]

    def kubeconfig(self) -> Path:
        """Path of the administrator's file."""
        return self._settings.kubeconfig

    def kubectl(self) -> list[str]:
        """This machine's kubectl, or the one in the node."""
        if shutil.which("kubectl") is not None:
            return ["kubectl", f"--kubeconfig={self._settings.kubeconfig}"]
        inside = ["docker", "exec", "--interactive", node(self._settings)]
        return [*inside, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"]

    def image(self, repository: str, tag: str) -> str | None:
        """Ask the node's containerd."""
        return self._containers.reference(repository, tag)

    def take_image(self, image: BuiltImage) -> str:
        """Import it into the node's containerd, leaving out the layers that are there."""
        present = self._containers.blobs()
        return self._containers.load(lambda archive: image.write(archive, present), image.repository, image.tag)
