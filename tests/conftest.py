"""What holds for all tests."""

from __future__ import annotations

import asyncio

from evermodel.native import settle

settle()  # as the command does


def pytest_configure() -> None:
    """Say that there is no event loop outside of async tests.

    Python 3.11 would make one for whoever asks, looptime's plugin asks before every test, and nobody closes it.
    """
    asyncio.set_event_loop(None)
