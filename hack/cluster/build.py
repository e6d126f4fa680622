"""Builds Kubernetes and Helm from their Go modules, once for each state of the module files."""

from __future__ import annotations

import hashlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster import toolchain
from hack.cluster.commands import last_words
from hack.cluster.console import clock
from hack.cluster.errors import ClusterError
from hack.cluster.locking import locked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hack.cluster.console import Console

MODULE = Path(__file__).resolve().parent.parent / "kubernetes"
# One program answers to all of these names; it looks at the one it was called by.
COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
    "coredns",
    "metrics-server",
    "directory-provisioner",
)
_VERSION_VARIABLES = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Target:
    """A Go package with a main function, and the program it becomes."""

    package: str
    program: str


KUBERNETES = (Target("./kubelocal", "kubelocal"), Target("./pause", "pause"))
HELM = (Target("helm.sh/helm/v4/cmd/helm", "helm"),)
KIND = (Target("sigs.k8s.io/kind", "kind"),)


def fingerprint(module: Path = MODULE) -> str:
    """What the built programs depend on: every source and module file, by name and content."""
    digest = hashlib.sha256()
    for path in sorted(module.rglob("*")):
        if path.suffix == ".go" or path.name in {"go.mod", "go.sum"}:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(module)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


def folder(cache: Path, module: Path = MODULE) -> Path:
    """Where the programs built from the present module files lie."""
    return cache / fingerprint(module)


def module_version(module_file: str, path: str) -> str:
    """Version of a required module in a go.mod text.

    Raises:
        ClusterError: it is not required there.

    """
    line = re.search(rf"^\s*(?:require )?{re.escape(path)} (v\S+)", module_file, re.MULTILINE)
    if line is None:
        raise ClusterError(f"go.mod does not require {path}: run `go get {path}` in hack/kubernetes")
    return line[1]


def linker_flags(module_file: str) -> str:
    """Flags that leave out debug tables and write the versions that `kubectl version` and `helm version` show."""
    kubernetes = module_version(module_file, "k8s.io/kubernetes")
    major, minor, _ = kubernetes.lstrip("v").split(".", 2)
    values = {
        f"{_VERSION_VARIABLES}.gitVersion": kubernetes,
        f"{_VERSION_VARIABLES}.gitMajor": major,
        f"{_VERSION_VARIABLES}.gitMinor": minor,
        f"{_VERSION_VARIABLES}.gitTreeState": "clean",
        f"{_VERSION_VARIABLES}.gitCommit": "",
        "helm.sh/helm/v4/internal/version.version": module_version(module_file, "helm.sh/helm/v4"),
    }
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in values.items())])


def build(targets: Sequence[Target], cache: Path, console: Console) -> Path:
    """Build what is not built yet and return the folder with the programs.

    Raises:
        ClusterError: no Go toolchain, or a build failed.

    """
    programs = folder(cache)
    # Two builds of the same programs at once would only slow each other down.
    with locked(programs / "lock"):
        wanted = [target for target in targets if not (programs / target.program).exists()]
        if wanted:
            _compile(wanted, programs, cache, console)
        if (programs / "kubelocal").exists():
            for name in COMPONENTS:
                if not (programs / name).is_symlink():
                    (programs / name).symlink_to("kubelocal")
    return programs


def _compile(targets: Sequence[Target], programs: Path, cache: Path, console: Console) -> None:
    module_file = (MODULE / "go.mod").read_text()
    go = toolchain.find_go(toolchain.required_version(module_file), cache, console)
    # The compiler is short-lived and memory is there: collecting its garbage less often saves a tenth of the time.
    environment = {**toolchain.environment(go), "GOGC": "400"}
    names = " and ".join(target.program for target in targets)
    packages = [target.package for target in targets]
    console.say(f"building {names} with {go} (once; kept in {programs})")
    began = time.monotonic()
    listed = _watch([str(go), "list", "-deps", *packages], environment, console, "fetching modules: {} fetched")
    total = len(listed)
    partial = programs / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    flags = ["-v", "-trimpath", "-buildvcs=false", "-ldflags", linker_flags(module_file), "-o", f"{partial}/"]
    _watch(
        [str(go), "build", *flags, *packages],
        environment,
        console,
        f"building {names}: {{}} of at most {total} packages compiled",
    )
    for target in targets:
        (partial / target.program).rename(programs / target.program)
    partial.rmdir()
    console.say(f"built {names} in {clock(time.monotonic() - began)}")


def _watch(argv: Sequence[str], environment: Mapping[str, str], console: Console, message: str) -> list[str]:
    """Run a go command, show how many lines it has said so far, and return what it printed."""
    began, said = time.monotonic(), b""
    # A file, not a pipe: nobody reads what it prints before its end.
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(argv, cwd=MODULE, env=dict(environment), stdout=printed, stderr=subprocess.PIPE)
        assert process.stderr is not None  # noqa: S101 (for the type checker: PIPE was asked for)
        try:
            while process.poll() is None:
                if select.select([process.stderr], [], [], 1.0)[0]:
                    said += os.read(process.stderr.fileno(), 65536)
                lines = said.count(b"\n")
                console.progress(f"{message.format(lines)}, {clock(time.monotonic() - began)} so far")
            said += process.stderr.read()
        except BaseException:
            process.terminate()
            raise
        if process.returncode != 0:
            raise ClusterError(
                f"`{' '.join(argv[:2])}` failed in {MODULE}: {last_words(said.decode(errors='replace'))}"
            )
        printed.seek(0)
        return printed.read().decode().splitlines()
