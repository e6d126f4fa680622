"""What every way to have a cluster offers, and how one of them is chosen."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Protocol

from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from pathlib import Path

NAMES = ("existing", "kind", "source")


class BuiltImage(Protocol):
    """An image that was built on this machine."""

    @property
    def repository(self) -> str:
        """Its name without a tag."""

    @property
    def tag(self) -> str:
        """Its tag."""

    def write(self, archive: IO[bytes], present: AbstractSet[str]) -> object:
        """Write it as an archive; blobs whose digests are present at the reader may be left out."""

    def push(self, destination: str) -> str:
        """Push it to REGISTRY/REPOSITORY:TAG and return the digest that it has there."""


class Provider(Protocol):
    """A way to have a Kubernetes cluster."""

    # Whether its commands need the rights of the system administrator.
    needs_root: bool

    def prepare(self) -> None:
        """Do what needs no special rights and takes long, such as building programs."""

    def up(self) -> None:
        """Make the cluster, or what is missing of it, and return when it can be used."""

    def down(self) -> None:
        """Remove the cluster and everything that was made for it."""

    def status(self) -> list[str]:
        """Say how the cluster is, a line for each part."""

    def is_up(self) -> bool:
        """Whether the cluster answers."""

    def kubeconfig(self) -> Path:
        """Path of the file that tells kubectl how to reach the cluster."""

    def kubectl(self) -> list[str]:
        """Command that talks to the cluster."""

    def image(self, repository: str, tag: str) -> str | None:
        """Reference by digest of an image that the cluster can run already."""

    def take_image(self, image: BuiltImage) -> str:
        """Bring an image into the cluster and return its reference by digest."""


def choose(requested: str | None, *, docker_answers: Callable[[], bool], kind_obtainable: Callable[[], bool]) -> str:
    """Name of the provider: the requested one, else kind where it can work, else source.

    Raises:
        ClusterError: the requested one is unknown.

    """
    if requested:
        if requested not in NAMES:
            raise ClusterError(f"CLUSTER={requested} is unknown: write one of {', '.join(NAMES)}, or leave it out")
        return requested
    return "kind" if kind_obtainable() and docker_answers() else "source"
