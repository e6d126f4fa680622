"""Helm itself: found, or built once from its Go module."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hack import programs
from hack.cluster import build
from hack.cluster.console import Console
from hack.cluster.errors import ClusterError
from hack.cluster.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def helm_program() -> Path:
    """Path of Helm. Building it takes one to two minutes the first time."""
    found = programs.find("helm")
    if found is not None:
        return found
    try:
        return build.build(build.HELM, Settings.from_environment(os.environ).cache, Console()) / "helm"
    except ClusterError as error:
        pytest.skip(f"no Helm to test the chart with: {error}")
