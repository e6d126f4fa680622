from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster.settings import Addresses, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A cluster whose folders are this test's own."""
    return Settings("evermodel", Addresses.within("198.18.0.0/16"), tmp_path / "state", tmp_path / "cache")
