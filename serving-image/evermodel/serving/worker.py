"""Where predictions run: a few threads behind a bounded queue, so that the event loop always answers health checks."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from evermodel.serving.faults import UnavailableError

ResultT = TypeVar("ResultT")

QUEUE_LIMIT = 256
"""Requests that may wait or run; beyond it a client is told to come again, so that latency stays bounded."""


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


class Worker:
    """Runs calls in threads; refuses more than its queue holds."""

    def __init__(self, threads: int, limit: int = QUEUE_LIMIT) -> None:
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="evermodel-predict")
        self._limit = limit
        self._busy = 0

    async def run(self, call: Callable[[], ResultT]) -> ResultT:
        """The result of the call.

        Raises:
            UnavailableError: the queue is full.
        """
        if self._busy >= self._limit:
            raise UnavailableError(f"{self._busy} requests are waiting already; send it again in a second")
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, call)
        finally:
            self._busy -= 1

    def close(self) -> None:
        """Finish what runs."""
        self._executor.shutdown(wait=True)
