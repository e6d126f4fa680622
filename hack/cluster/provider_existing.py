"""A cluster that somebody else made: the current context of kubectl."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.commands import succeeds
from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hack.cluster.console import Console
    from hack.cluster.provider import BuiltImage
    from hack.cluster.settings import Settings


def kubeconfig_path(environment: Mapping[str, str]) -> Path:
    """The file that kubectl itself would use.

    Raises:
        ClusterError: there is none, or KUBECONFIG names several.

    """
    named = environment.get("KUBECONFIG", "")
    if os.pathsep in named:
        raise ClusterError(
            f"KUBECONFIG={named} names several files: name one, as `kubectl config view --flatten` writes it"
        )
    path = Path(named) if named else Path(environment.get("HOME") or Path.home()) / ".kube" / "config"
    if not path.exists():
        raise ClusterError(f"CLUSTER=existing needs {path}, which is not there: set KUBECONFIG to your cluster's file")
    return path


def destination(registry: str | None, repository: str, tag: str) -> str:
    """Where an image is pushed so that the cluster can pull it.

    Raises:
        ClusterError: no registry is known.

    """
    if not registry:
        raise ClusterError(
            "an existing cluster can only pull images: set EVERMODEL_REGISTRY to a registry that you can push to and"
            " it can pull from, such as registry.example.com/team"
        )
    return f"{registry.rstrip('/')}/{repository.rpartition('/')[2]}:{tag}"


class ExistingProvider:
    """The cluster of the current context; see `Provider` for what its methods promise."""

    needs_root = False

    def __init__(self, settings: Settings, console: Console, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._console = console
        self._environment = environment

    def prepare(self) -> None:
        """Nothing is made."""

    def up(self) -> None:
        """See that the cluster answers.

        Raises:
            ClusterError: it does not.

        """
        if not self.is_up():
            raise ClusterError(
                f"the current context of {self.kubeconfig()} does not answer: see what `kubectl get --raw /readyz` says"
            )
        self._console.say(f"using the current context of {self.kubeconfig()}")

    def down(self) -> None:
        """Forget what was pushed; the cluster is not ours to remove."""
        shutil.rmtree(self._settings.state, ignore_errors=True)
        self._console.say(
            "the existing cluster is left as it is; `helm uninstall evermodel` removes what was installed"
        )

    def is_up(self) -> bool:
        """Whether its API server answers."""
        return succeeds([*self.kubectl(), "get", "--raw", "/readyz"])

    def status(self) -> list[str]:
        """Which cluster it is, and whether it answers."""
        answer = "answers" if self.is_up() else "does not answer"
        return [f"the current context of {self.kubeconfig()} {answer}"]

    def kubeconfig(self) -> Path:
        """The file that kubectl itself would use."""
        return kubeconfig_path(self._environment)

    def kubectl(self) -> list[str]:
        """This machine's kubectl."""
        return ["kubectl", f"--kubeconfig={self.kubeconfig()}"]

    def image(self, repository: str, tag: str) -> str | None:
        """Look whether this very image was pushed before."""
        return self._pushed().get(self._destination(repository, tag))

    def take_image(self, image: BuiltImage) -> str:
        """Push it to the registry."""
        place = self._destination(image.repository, image.tag)
        reference = f"{place.rpartition(':')[0]}@{image.push(place)}"
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._record.write_text(json.dumps({**self._pushed(), place: reference}))
        return reference

    @property
    def _record(self) -> Path:
        return self._settings.state / "pushed.json"

    def _pushed(self) -> dict[str, str]:
        pushed: dict[str, str] = json.loads(self._record.read_text()) if self._record.exists() else {}
        return pushed

    def _destination(self, repository: str, tag: str) -> str:
        return destination(self._environment.get("EVERMODEL_REGISTRY"), repository, tag)
