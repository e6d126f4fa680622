"""The end of a server, in steps, so that no request is lost.

1. Not ready any more, so that nobody sends new clients here; every answer says `Connection: close`, so that those who
   keep connections open leave. It still answers everybody, for the drain time: endpoints take a while to be updated.
2. No new connections. Those that are open finish what they asked for.
3. What the log and the labels still hold is written.
"""

import asyncio
from typing import Protocol

from evermodel.serving.registry import Registry
from evermodel.serving.signals import StopSignals


class Listener(Protocol):
    """What the steps need of the HTTP server."""

    async def stop_listening(self) -> None:
        """Take no new connections."""

    @property
    def open_connections(self) -> int:
        """How many connections are open."""


async def drain(registry: Registry, signals: StopSignals, seconds: float, listener: Listener) -> None:
    """Steps 1 and 2. The first lasts `seconds`, or until somebody is in a hurry."""
    registry.drain()
    if not signals.hurry.is_set() and seconds > 0:
        await wait_for_event(signals.hurry, seconds)
    await listener.stop_listening()
    if not signals.hurry.is_set():
        await _settle(listener)


async def wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; False when the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def _settle(listener: Listener, seconds: float = 1.0) -> None:
    """Let those who had just connected send their request, but do not wait for clients that never leave."""
    try:
        async with asyncio.timeout(seconds):
            while listener.open_connections:  # noqa: ASYNC110  uvicorn has no event for its last connection
                await asyncio.sleep(0.005)
    except TimeoutError:
        return
