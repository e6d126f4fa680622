"""The project's images: what goes into each, when it must be built anew, and how it comes into a cluster."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.console import clock
from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hack.cluster.builders import Builder
    from hack.cluster.console import Console
    from hack.cluster.provider import BuiltImage, Provider

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# As containerd writes a name without a registry: nothing is ever pulled from there.
_PREFIX = "docker.io/library/"


@dataclass(frozen=True)
class Image:
    """One image: the name that charts know it by, its Dockerfile, and all that its content depends on."""

    key: str
    name: str
    dockerfile: str
    inputs: tuple[str, ...]
    upon: str = ""
    """Key of the image that it is built upon; empty for the base image."""

    @property
    def repository(self) -> str:
        """Its name in a cluster, without a tag."""
        return _PREFIX + self.name


IMAGES = (
    Image(
        "evermodel",
        "evermodel",
        "serving-image/Dockerfile",
        ("requirements/serving.txt", "crds/evermodel_api", "serving-image/evermodel"),
    ),
    Image(
        "operator",
        "evermodel-operator",
        "operator/Dockerfile",
        ("requirements/operator.txt", "crds/evermodel_api", "operator/evermodel_operator"),
    ),
    Image("postgres", "evermodel-postgres", "hack/images/postgres/Dockerfile", ("hack/images/postgres",)),
)


ON_DEMAND = (
    Image("s3", "evermodel-s3", "hack/images/s3/Dockerfile", ("hack/images/s3",)),
    Image("older", "evermodel-older", "hack/images/older/Dockerfile", ("hack/images/older",), upon="evermodel"),
)
"""Images that only some tests need: built when they are named. Their programs are put there by who names them."""


def select(keys: Sequence[str]) -> tuple[Image, ...]:
    """The images with these keys, or all but those on demand.

    Raises:
        ClusterError: there is no image with one of the keys.

    """
    known = {image.key: image for image in (*IMAGES, *ON_DEMAND)}
    for key in keys:
        if key not in known:
            raise ClusterError(f"there is no image {key}: write some of {', '.join(known)}, or nothing for all")
    return tuple(known[key] for key in keys) or IMAGES


def tag(image: Image, base: str | None, repository: Path = REPOSITORY) -> str:
    """A tag that is the same as long as everything that goes into the image is the same."""
    digest = hashlib.sha256((base or "").encode())
    for name in (image.dockerfile, *image.inputs):
        path = repository / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            # the kernel is compiled anew in the image: what lies here is of this machine
            if file.is_file() and "__pycache__" not in file.parts and not file.match("kernel-*.so"):
                content = file.read_bytes()
                digest.update(f"{file.relative_to(repository)} {file.stat().st_mode & 0o111} {len(content)}\n".encode())
                digest.update(content)
    return digest.hexdigest()[:16]


def build(images: tuple[Image, ...], builder: Builder, base: Callable[[], str | None], console: Console) -> None:
    """Build images before there is a cluster: what `bring` builds later is then there already.

    Raises:
        ClusterError: a build failed.

    """
    base_name = base()
    for image in images:
        began = time.monotonic()
        _build(image, builder, base_name)
        console.say(f"built {image.name} in {clock(time.monotonic() - began)}")


def bring(
    images: tuple[Image, ...],
    provider: Provider,
    builder: Builder,
    base: Callable[[], str | None],
    console: Console,
) -> dict[str, str]:
    """Build the images that have changed, bring those into the cluster that it lacks, and return all references.

    Raises:
        ClusterError: a build or an import failed.

    """
    references = {}
    base_name = base()
    for image in images:
        began = time.monotonic()
        reference = provider.image(image.repository, tag(image, _below(image, base_name)))
        if reference is None:
            console.say(f"building image {image.name} from {image.dockerfile}")
            built = _build(image, builder, base_name)
            console.say(f"built {image.name} in {clock(time.monotonic() - began)}; bringing it into the cluster")
            reference = provider.take_image(built)
            console.say(f"{image.name} is there after {clock(time.monotonic() - began)}")
        references[image.key] = reference
    return references


def _below(image: Image, base: str | None) -> str | None:
    """Name of what an image is built upon."""
    if not image.upon:
        return base
    (other,) = select([image.upon])
    return f"{other.repository}:{tag(other, base)}"


def _build(image: Image, builder: Builder, base: str | None) -> BuiltImage:
    """Build an image, and first the one that it is built upon; what did not change is taken as it is."""
    if image.upon:
        (other,) = select([image.upon])
        _build(other, builder, base)
    below = _below(image, base)
    return builder.build(image.repository, tag(image, below), REPOSITORY / image.dockerfile, REPOSITORY, below)


def record(references: dict[str, str], file: Path) -> None:
    """Keep the references for whoever installs the chart; those of other images stay."""
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps({**known, **references}, indent=2) + "\n")
    partial.rename(file)
