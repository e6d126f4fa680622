"""Talks to the cluster's containerd: which images it has, and how to bring one in."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from hack.cluster.commands import pipe_into, run, succeeds
from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """This machine's, in Go's words."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


@dataclass(frozen=True)
class Archive:
    """An image in a file that another program wrote."""

    file: Path
    repository: str
    tag: str

    @classmethod
    def named(cls, file: Path, name: str) -> Archive:
        """The image of this name in an OCI or Docker archive.

        Raises:
            ClusterError: the file is not there, or the name has no registry or no tag.

        """
        if not file.is_file():
            raise ClusterError(f"{file} is not a file: name an archive, as `buildah push` or `docker save` writes it")
        repository, _, tag = name.rpartition(":")
        if not repository or "/" in tag or "." not in repository.partition("/")[0]:
            raise ClusterError(f"{name} must have a registry and a tag: write it like docker.io/library/{file.stem}:1")
        return cls(file, repository, tag)

    def write(self, archive: IO[bytes], present: AbstractSet[str]) -> None:  # noqa: ARG002 (it is copied whole)
        """Copy the file."""
        with self.file.open("rb") as content:
            shutil.copyfileobj(content, archive)

    def push(self, destination: str) -> str:
        """Refuse.

        Raises:
            ClusterError: always; it needs a program that knows the format.

        """
        raise ClusterError(
            f"a cluster that pulls its images needs {self.file} in its registry: push it to {destination}"
        )


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
