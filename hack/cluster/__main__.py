"""`python3 -m hack.cluster COMMAND`: see `--help`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hack.cluster import build, host, images, packages, provider
from hack.cluster.base_image import ensure as ensure_base_image
from hack.cluster.builders import Buildah, Docker
from hack.cluster.console import Console
from hack.cluster.containers import Archive
from hack.cluster.errors import ClusterError
from hack.cluster.locking import locked
from hack.cluster.privilege import become_root
from hack.cluster.provider_existing import ExistingProvider
from hack.cluster.provider_kind import KindProvider, docker_answers, is_obtainable
from hack.cluster.provider_source import SourceProvider
from hack.cluster.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hack.cluster.images import Image
    from hack.cluster.provider import Provider

_DESCRIPTION = """A Kubernetes for demo and tests.

CLUSTER=existing|kind|source chooses which; without it, kind where a Docker engine answers, else source.
CLUSTER_NAME and CLUSTER_RANGE (a /16 of addresses) let several clusters from source live side by side.
EVERMODEL_REGISTRY is where images are pushed for CLUSTER=existing."""
_TOOLS = ("kubectl", "helm")


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(
        prog="python3 -m hack.cluster",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="make the cluster, or what is missing of it")
    commands.add_parser("down", help="remove the cluster and everything that was made for it")
    commands.add_parser("status", help="how it is; ends with 1 if it does not answer")
    commands.add_parser("prepare", help="build the programs that `up` and `helm` need")
    commands.add_parser("kubeconfig", help="print the path of the kubeconfig file")
    named = commands.add_parser("images", help="build the project's images and bring them into the cluster")
    named.add_argument("--build", action="store_true", help="only build them: needs no cluster")
    named.add_argument(
        "names", nargs="*", help=f"some of {', '.join(image.key for image in images.IMAGES)}; default: all"
    )
    loaded = commands.add_parser("load", help="bring an image from an archive into the cluster")
    loaded.add_argument("archive", type=Path, help="an OCI or Docker archive")
    loaded.add_argument("name", help="the image's name in the archive, such as docker.io/library/IMAGE:TAG")
    for tool in _TOOLS:
        commands.add_parser(tool, help=f"call {tool} on the cluster")
    return top


def parse(words: Sequence[str]) -> dict[str, Any]:
    """The command and its arguments; what follows the name of a tool is all for the tool."""
    if words and words[0] in _TOOLS:
        return {"command": words[0], "arguments": list(words[1:])}
    return vars(parser().parse_args(words))


class Program:
    """One call of the command line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._settings = Settings.from_environment(os.environ)
        self._provider_name = provider.choose(
            os.environ.get("CLUSTER"), docker_answers=docker_answers, kind_obtainable=is_obtainable
        )
        self._provider = self._make_provider()

    def _make_provider(self) -> Provider:
        if self._provider_name == "existing":
            return ExistingProvider(self._settings, self._console, os.environ)
        if self._provider_name == "kind":
            return KindProvider(self._settings, self._console)
        return SourceProvider(self._settings, self._console)

    def _with_rights(self) -> None:
        if self._provider.needs_root:
            become_root(sys.argv[1:])

    def up(self) -> int:
        """Build without special rights, then start."""
        self._provider.prepare()
        self._with_rights()
        self._provider.up()
        self._console.say(f"export KUBECONFIG={self._provider.kubeconfig()}")
        return 0

    def down(self) -> int:
        """Remove the cluster."""
        self._with_rights()
        self._provider.down()
        return 0

    def status(self) -> int:
        """Print the state of the cluster."""
        print("\n".join(self._provider.status()))
        return 0 if self._provider.is_up() else 1

    def prepare(self) -> int:
        """Build what takes long."""
        self._provider.prepare()
        build.build(build.HELM, self._settings.cache, self._console)
        return 0

    def kubeconfig(self) -> int:
        """Print where it is."""
        print(self._provider.kubeconfig())
        return 0

    def kubectl(self, arguments: list[str]) -> int:
        """Become kubectl."""
        command = [*self._provider.kubectl(), *arguments]
        os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)

    def helm(self, arguments: list[str]) -> int:
        """Become Helm, built from its module."""
        program = build.build(build.HELM, self._settings.cache, self._console) / "helm"
        os.environ["KUBECONFIG"] = str(self._provider.kubeconfig())
        os.execv(program, ["helm", *arguments])  # noqa: S606 (no shell is wanted)

    def images(self, names: list[str], *, build: bool) -> int:
        """Build and bring in, and print the references; or only build."""
        wanted = images.select(names)
        docker = self._provider_name != "source" and docker_answers()
        if not docker:
            become_root(sys.argv[1:])
            packages.install(packages.IMAGE_NEEDS, self._console)
        # Two commands that build in the same folder would remove each other's layers.
        with locked(self._settings.cache / "images.lock"):
            return self._build_images(wanted, docker=docker, only=build)

    def _build_images(self, wanted: tuple[Image, ...], *, docker: bool, only: bool) -> int:
        folder = self._settings.cache / "buildah"
        buildah = Buildah(folder, overlay=host.inspect(folder).overlay_usable)
        base = (lambda: None) if docker else (lambda: ensure_base_image(buildah, self._console))
        builder = Docker() if docker else buildah
        if only:
            images.build(wanted, builder, base, self._console)
            return 0
        references = images.bring(wanted, self._provider, builder, base, self._console)
        images.record(references, self._settings.image_references)
        for key, reference in references.items():
            print(f"{key} {reference}")
        return 0

    def load(self, archive: Path, name: str) -> int:
        """Bring an image from an archive in, and print its reference."""
        image = Archive.named(archive, name)
        self._with_rights()
        print(self._provider.take_image(image))
        return 0


def main() -> int:
    """Run one command; returns the exit status."""
    arguments = parse(sys.argv[1:])
    console = Console()
    packages.system_path()
    try:
        command = getattr(Program(console), arguments.pop("command"))
        return int(command(**arguments))
    except ClusterError as error:
        console.say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        console.say("interrupted: run the same command again to go on from here")
        return 130


if __name__ == "__main__":
    sys.exit(main())
