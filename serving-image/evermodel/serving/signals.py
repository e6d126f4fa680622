"""What the signals of a process ask for."""

import asyncio
import signal


class StopSignals:
    """SIGTERM asks for a drain; SIGINT (a person's Ctrl-C), or a second signal, for an end without waiting."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen to the signals."""
        loop.add_signal_handler(signal.SIGTERM, self.on_terminate)
        loop.add_signal_handler(signal.SIGINT, self.on_interrupt)

    def on_terminate(self) -> None:
        """Begin to drain; the second time, hurry."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()

    def on_interrupt(self) -> None:
        """End without waiting for clients to leave."""
        self.hurry.set()
        self.stop.set()
