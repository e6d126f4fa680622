"""Two programs that build images from a Dockerfile: buildah, which needs no daemon, and Docker."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

from hack.cluster import oci
from hack.cluster.commands import run
from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from hack.cluster.provider import BuiltImage

_BUILD_TIMEOUT = 1800.0


class Builder(Protocol):
    """Builds images; what it builds is kept until the next build of the same repository."""

    def build(self, repository: str, tag: str, dockerfile: Path, context: Path, base: str | None) -> BuiltImage:
        """Build one image, on another base than its Dockerfile names if one is given."""


class Buildah:
    """buildah with a storage of its own in a folder; it must run as root."""

    def __init__(self, folder: Path, *, overlay: bool) -> None:
        self._folder = folder
        self._storage = ["--root", str(folder / "storage"), "--runroot", str(folder / "run")]
        self._storage += ["--storage-driver", "overlay" if overlay else "vfs"]

    def command(self, *arguments: str) -> list[str]:
        """A buildah command line."""
        return ["buildah", *self._storage, *arguments]

    def has(self, image: str) -> bool:
        """Whether an image is in the storage."""
        return any(image in names for names in self._images())

    def _images(self) -> list[list[str]]:
        listed = json.loads(run(self.command("images", "--json")) or "[]") or []
        return [entry.get("names") or [] for entry in listed]

    def build(self, repository: str, tag: str, dockerfile: Path, context: Path, base: str | None) -> BuiltImage:
        """Build with the host's network, as pip and apt need it."""
        options = ["--isolation", "chroot", "--layers", "--pull-never", "--file", str(dockerfile)]
        if base is not None:
            options += ["--build-arg", f"BASE={base}"]
        name = f"{repository}:{tag}"
        run(self.command("bud", *options, "--tag", name, str(context)), timeout=_BUILD_TIMEOUT)
        return _BuildahImage(repository, tag, self)

    def layout(self, image: str) -> Path:
        """The image as an OCI layout folder, where its layers stay between builds."""
        folder = self._folder / "layouts" / image.rpartition(":")[0].replace("/", "_")
        folder.parent.mkdir(parents=True, exist_ok=True)
        (folder / "index.json").unlink(missing_ok=True)
        # buildah always compresses here; the layers never leave this machine, so the quickest way will do.
        run(self.command("push", "--compression-level", "1", image, f"oci:{folder}"), timeout=_BUILD_TIMEOUT)
        _drop_unused(folder)
        return folder


@dataclass(frozen=True)
class _BuildahImage:
    repository: str
    tag: str
    _buildah: Buildah

    def write(self, archive: IO[bytes], present: AbstractSet[str]) -> None:
        name = f"{self.repository}:{self.tag}"
        oci.write_layout(self._buildah.layout(name), name, archive, present)

    def push(self, destination: str) -> str:
        with tempfile.NamedTemporaryFile("r") as digest:
            name = f"{self.repository}:{self.tag}"
            arguments = ["push", "--digestfile", digest.name, name, f"docker://{destination}"]
            run(self._buildah.command(*arguments), timeout=_BUILD_TIMEOUT)
            return digest.read().strip()


def _drop_unused(layout: Path) -> None:
    """Remove blobs of earlier images from a layout folder."""
    blobs = layout / "blobs" / "sha256"
    manifest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"].partition(":")[2]
    content = json.loads((blobs / manifest).read_text())
    used = {part["digest"].partition(":")[2] for part in (content["config"], *content["layers"])} | {manifest}
    for blob in blobs.iterdir():
        if blob.name not in used:
            blob.unlink()


class Docker:
    """The Docker engine of this machine."""

    def build(self, repository: str, tag: str, dockerfile: Path, context: Path, base: str | None) -> BuiltImage:
        """Build with the engine."""
        options = ["--file", str(dockerfile), "--tag", f"{repository}:{tag}"]
        if base is not None:
            options += ["--build-arg", f"BASE={base}"]
        run(["docker", "build", *options, str(context)], timeout=_BUILD_TIMEOUT)
        return _DockerImage(repository, tag)


@dataclass(frozen=True)
class _DockerImage:
    repository: str
    tag: str

    def write(self, archive: IO[bytes], present: AbstractSet[str]) -> None:  # noqa: ARG002 (Docker saves all layers)
        with subprocess.Popen(["docker", "save", f"{self.repository}:{self.tag}"], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101 (for the type checker: PIPE was asked for)
            shutil.copyfileobj(process.stdout, archive)
        if process.returncode != 0:
            raise ClusterError(
                f"`docker save {self.repository}:{self.tag}` failed: is the Docker engine still running?"
            )

    def push(self, destination: str) -> str:
        run(["docker", "tag", f"{self.repository}:{self.tag}", destination])
        run(["docker", "push", destination], timeout=_BUILD_TIMEOUT)
        template = "{{range .RepoDigests}}{{println .}}{{end}}"
        repository = destination.rpartition(":")[0]
        for line in run(["docker", "image", "inspect", "--format", template, destination]).split():
            name, _, digest = line.partition("@")
            if name == repository:
                return digest
        raise ClusterError(
            f"Docker reports no digest for {destination}: push it again, and see what `docker push` says"
        )
