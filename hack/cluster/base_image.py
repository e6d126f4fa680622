"""The base image of a machine that cannot pull one: the host's own distribution, with Python."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.commands import run
from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from hack.cluster.builders import Buildah
    from hack.cluster.console import Console

_PACKAGES = ("ca-certificates", "python3", "python3-venv", "tzdata")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def codename(os_release: str) -> str:
    """Name of the distribution's release, from the text of /etc/os-release.

    Raises:
        ClusterError: it names none.

    """
    line = re.search(r'^VERSION_CODENAME="?([a-z]+)"?$', os_release, re.MULTILINE)
    if line is None:
        raise ClusterError(
            "/etc/os-release has no VERSION_CODENAME: images can be built on Debian and Ubuntu, or by Docker"
        )
    return line[1]


def mirror(index_targets: str, release: str) -> str:
    """Where this machine gets its packages from: lines of `SITE RELEASE` as apt-get prints them.

    Raises:
        ClusterError: apt has no source for the release.

    """
    for line in index_targets.splitlines():
        site, _, suite = line.partition(" ")
        if suite == release:
            return site
    raise ClusterError(f"apt has no source for {release}: add one to /etc/apt/sources.list and run again")


def name(release: str, certificates: bytes) -> str:
    """Name of the base image; another release, package list or set of certificates makes another name."""
    content = hashlib.sha256(f"{release} {_PACKAGES}".encode() + certificates).hexdigest()
    return f"localhost/evermodel-base:{content[:12]}"


def ensure(buildah: Buildah, console: Console) -> str:
    """Make the base image unless it is there, and return its name.

    Raises:
        ClusterError: debootstrap or buildah failed.

    """
    release = codename(Path("/etc/os-release").read_text())
    certificates = _CERTIFICATES.read_bytes()
    image = name(release, certificates)
    if buildah.has(image):
        return image
    site = mirror(run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"]), release)
    console.say(f"making the base image: {release} with Python, by debootstrap (once, about a minute)")
    container = run(buildah.command("from", "scratch")).strip()
    try:
        _fill(buildah, container, release, site)
        run(buildah.command("commit", "--quiet", container, image))
    finally:
        # Also after Ctrl-C: a half-made container is of no use to the next attempt.
        with contextlib.suppress(ClusterError):
            run(buildah.command("rm", container))
    return image


def _fill(buildah: Buildah, container: str, release: str, site: str) -> None:
    root = Path(run(buildah.command("mount", container)).strip())
    include = f"--include={','.join(_PACKAGES)}"
    run(["debootstrap", "--variant=minbase", include, release, str(root), site], timeout=1200)
    # Builds go through the same network as this machine, whatever inspects it.
    shutil.copyfile(_CERTIFICATES, root / _CERTIFICATES.relative_to("/"))
    for downloaded in (root / "var/cache/apt/archives").glob("*.deb"):
        downloaded.unlink()
    shutil.rmtree(root / "var/lib/apt/lists")
    # pip brings a list of authorities of its own; this one is the system's.
    environment = [f"--env={variable}={_CERTIFICATES}" for variable in ("PIP_CERT", "SSL_CERT_FILE")]
    run(buildah.command("config", *environment, "--cmd", "[]", container))
