"""What holds for all tests."""

from __future__ import annotations

import asyncio
import os

# As the command does: threads that spin while they wait cost much where several tests run at a time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_configure() -> None:
    """Say that there is no event loop outside of async tests.

    Python 3.11 would make one for whoever asks, looptime's plugin asks before every test, and nobody closes it.
    """
    asyncio.set_event_loop(None)
