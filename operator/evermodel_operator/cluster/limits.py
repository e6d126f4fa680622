"""How hard the API server may be pressed: a token bucket for the rate, a semaphore for what is under way at once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class TokenBucket:
    """`rate` tokens a second, `burst` at most saved up. Callers wait in the order they came."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()

    def reserve(self) -> float:
        """Take a token, on credit if need be.

        Returns:
            Seconds to wait before it may be used.
        """
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        return max(0.0, -self._tokens / self._rate)


class Limits:
    """Both limits around one request."""

    def __init__(self, bucket: TokenBucket, in_flight: int) -> None:
        self._bucket = bucket
        self._in_flight = asyncio.Semaphore(in_flight)

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the time of the request."""
        async with self._in_flight:
            wait = self._bucket.reserve()
            if wait > 0:
                await asyncio.sleep(wait)
            yield
