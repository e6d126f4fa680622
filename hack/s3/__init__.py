"""A real S3 server for tests and demos: the Versity gateway, built once from its Go module, over a folder.

The program is static, so that it runs on this machine and in an image made from nothing.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from hack.cluster import build, toolchain
from hack.cluster.commands import run
from hack.cluster.console import Console
from hack.cluster.locking import locked
from hack.cluster.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

MODULE = build.MODULE.parent / "s3"
PACKAGE = "github.com/versity/versitygw/cmd/versitygw"
PROGRAM = "versitygw"


def binary(console: Console | None = None) -> Path:
    """Path of the program, built at the first call (about a minute) and kept in the cache for each state of go.mod.

    Raises:
        ClusterError: there is no Go toolchain, or the build failed.

    """
    cache = Settings.from_environment(os.environ).cache
    folder = build.folder(cache, MODULE)
    program = folder / PROGRAM
    with locked(folder / "lock"):
        if not program.exists():
            _compile(program, cache, console or Console())
    return program


def _compile(program: Path, cache: Path, console: Console) -> None:
    required = toolchain.required_version((MODULE / "go.mod").read_text())
    go = toolchain.find_go(required, cache, console)
    console.say(f"building {PROGRAM} with {go} (once; kept in {program.parent})")
    partial = program.with_name("partial")
    flags = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", str(partial)]
    run([str(go), "build", *flags, PACKAGE], environment=toolchain.environment(go), folder=MODULE, timeout=1800)
    shutil.move(partial, program)
