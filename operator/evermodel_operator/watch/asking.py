"""Asks pods over HTTP, in rounds: a bounded number at a time, a bounded time each, bounded answers.

What they say goes into the cache, which wakes whoever reads it; plans stay pure. A pod that does not answer is nothing
special: it starts, it ends, or a network policy is in the way. So no failure here goes further than a count.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evermodel_operator.plan import Object

EVERY = 5.0
TIMEOUT = 2.0
AT_ONCE = 16
LOG = logging.getLogger(__name__)


class Subject(Protocol):
    """What pods are asked about."""

    path: str
    """Path of the question."""
    limit: int
    """Bytes that an answer has at most."""

    def pods(self) -> Iterable[tuple[Object, str]]:
        """Those to ask in this round, each with the scheme it speaks; what is known of others is forgotten."""

    def take(self, pod: Object, body: bytes) -> bool:
        """Keep what a pod said; False where it is nothing that can be read."""


class Asker:
    """Asks all pods of a subject."""

    def __init__(self, subject: Subject, *, port: int, on_answer: Callable[[str], None] = lambda _result: None) -> None:
        """`on_answer` is told ok, unreachable or invalid for each pod that was asked."""
        self._subject = subject
        self._port = port
        self._on_answer = on_answer

    async def ask_forever(self, every: float = EVERY) -> None:
        """Ask in rounds, until cancelled. Without pods a round is a look into the cache."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=True)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=False) as session:
            while True:
                try:
                    await self.ask_all(session)
                except Exception:
                    LOG.exception("asking pods for %s: this is a defect of the operator; report it", self._subject.path)
                await asyncio.sleep(every)

    async def ask_all(self, session: aiohttp.ClientSession) -> int:
        """One round.

        Returns:
            How many pods were asked.
        """
        pods = list(self._subject.pods())
        turns = asyncio.Semaphore(AT_ONCE)

        async def ask(pod: Object, scheme: str) -> None:
            async with turns:
                await self._ask(session, pod, scheme)

        await asyncio.gather(*(ask(pod, scheme) for pod, scheme in pods))
        return len(pods)

    async def _ask(self, session: aiohttp.ClientSession, pod: Object, scheme: str) -> None:
        address = str(pod["status"]["podIP"])
        host = f"[{address}]" if ":" in address else address
        url = f"{scheme}://{host}:{self._port}{self._subject.path}"
        try:
            # A pod's certificate names its Service and not its address; nothing secret is sent or asked.
            async with session.get(url, allow_redirects=False, ssl=False) as answer:
                body = await _bounded(answer, self._subject.limit) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            LOG.debug("pod %s does not tell %s: %s", pod["metadata"]["name"], self._subject.path, error)
            self._on_answer("unreachable")
            return
        self._on_answer("ok" if body is not None and self._subject.take(pod, body) else "invalid")


def answers(pod: Object) -> bool:
    """Whether a pod can be asked: it runs, has an address and is not on its way out."""
    status = pod.get("status") or {}
    return status.get("phase") == "Running" and bool(status.get("podIP")) and "deletionTimestamp" not in pod["metadata"]


async def _bounded(answer: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body, or None when it is longer than `limit`."""
    try:
        await answer.content.readexactly(limit)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    return None
