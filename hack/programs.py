"""Where Helm and kubectl are: named by HELM or KUBECTL, built beside the cluster's programs, or on the PATH."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hack.cluster import build
from hack.cluster.settings import Settings


def find(name: str) -> Path | None:
    """Path of a program that can be run now, or None.

    >>> find("no-such-program") is None
    True
    """
    built = build.folder(Settings.from_environment(os.environ).cache) / name
    for candidate in (os.environ.get(name.upper()), str(built), shutil.which(name)):
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    return None
