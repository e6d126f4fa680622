"""Talks to the cluster's containerd: which images it has, and how to bring one in."""

from __future__ import annotations

import platform
from typing import IO, TYPE_CHECKING

from hack.cluster.commands import pipe_into, run, succeeds
from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """This machine's, in Go's words."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


class Containers:
    """The images of one containerd; `ctr` is the command that reaches it, up to its subcommand."""

    def __init__(self, ctr: list[str]) -> None:
        self._ctr = [*ctr, "--namespace", "k8s.io"]

    def answers(self) -> bool:
        """Whether containerd can be talked to."""
        return succeeds([*self._ctr, "version"])

    def digests(self) -> dict[str, str]:
        """Digest of every image, by its name."""
        lines = run([*self._ctr, "images", "list"]).splitlines()[1:]
        return {fields[0]: fields[2] for fields in map(str.split, lines) if len(fields) > 2}

    def reference(self, repository: str, tag: str) -> str | None:
        """Reference by digest of the image with this tag, if it is here."""
        digests = self.digests()
        reference = f"{repository}@{digests.get(f'{repository}:{tag}')}"
        return reference if reference in digests else None

    def blobs(self) -> set[str]:
        """Digests of all stored content: layers among it need not be sent again."""
        return set(run([*self._ctr, "content", "list", "--quiet"]).split())

    def load(self, write: Callable[[IO[bytes]], object], repository: str, tag: str) -> str:
        """Import an archive and return the reference by digest of the image with this tag.

        Args:
            write: writes the archive, an OCI or a Docker one, to the file it is given.
            repository: the image's name with its registry and without its tag.
            tag: the tag that the archive gives it.

        Raises:
            ClusterError: the import failed, or the archive holds no image of that name.

        """
        # --digests adds the name REPOSITORY@sha256:..., by which a pod can ask for exactly this image.
        pipe_into([*self._ctr, "images", "import", "--digests", "--base-name", repository, "-"], write)
        reference = self.reference(repository, tag)
        if reference is None:
            raise ClusterError(f"the archive holds no image named {repository}:{tag}: build it with that name")
        return reference
