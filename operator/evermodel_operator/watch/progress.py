"""Asks the pods of runs how far they are: GET /progress of each leading pod, every few seconds, while there are any.

What they say goes into the cache (`observation`), which wakes the training; plans stay pure. A pod that does not answer
is nothing special: it starts, it ends, or a network policy is in the way. So no failure here goes further than a count.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import aiohttp
from pydantic import ValidationError

from evermodel_api.runs import PROGRESS_PORT
from evermodel_api.training import Progress
from evermodel_operator.labels import COMPLETION_INDEX, COMPONENT, RUN, TRAINING
from evermodel_operator.watch.observation import API_VERSION, PROGRESS, progress_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evermodel_operator.plan import Object
    from evermodel_operator.watch.cache import Cache

EVERY = 5.0
TIMEOUT = 2.0
AT_ONCE = 16
BODY_LIMIT = 16 * 1024
_MESSAGE_LIMIT = 256
LOG = logging.getLogger(__name__)


class Poller:
    """Asks all leading pods of runs that are under way, a bounded number of them at a time."""

    def __init__(
        self, cache: Cache, *, port: int = PROGRESS_PORT, on_answer: Callable[[str], None] = lambda _result: None
    ) -> None:
        """`on_answer` is told ok, unreachable or invalid for each pod that was asked."""
        self._cache = cache
        self._port = port
        self._on_answer = on_answer

    async def ask_forever(self, every: float = EVERY) -> None:
        """Ask in rounds, until cancelled. Without runs a round is a look into the cache."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=True)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=False) as session:
            while True:
                try:
                    await self.ask_all(session)
                except Exception:
                    LOG.exception("asking runs for their progress: this is a defect of the operator; please report it")
                await asyncio.sleep(every)

    async def ask_all(self, session: aiohttp.ClientSession) -> int:
        """One round.

        Returns:
            How many pods were asked.
        """
        pods = list(leading_pods(self._cache))
        self._forget_others({pod["metadata"]["name"] for pod in pods})
        turns = asyncio.Semaphore(AT_ONCE)

        async def ask(pod: Object) -> None:
            async with turns:
                await self._ask(session, pod)

        await asyncio.gather(*(ask(pod) for pod in pods))
        return len(pods)

    async def _ask(self, session: aiohttp.ClientSession, pod: Object) -> None:
        address = str(pod["status"]["podIP"])
        host = f"[{address}]" if ":" in address else address
        try:
            async with session.get(f"http://{host}:{self._port}/progress", allow_redirects=False) as answer:
                body = await _bounded(answer) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            LOG.debug("pod %s does not tell its progress: %s", pod["metadata"]["name"], error)
            self._on_answer("unreachable")
            return
        progress = read_progress(body) if body is not None else None
        self._on_answer("ok" if progress is not None else "invalid")
        if progress is not None:
            self._take(pod, progress)

    def _take(self, pod: Object, progress: Object) -> None:
        """Keep what was said, where it is news."""
        metadata = pod["metadata"]
        known = self._cache.get(API_VERSION, PROGRESS, metadata["namespace"], metadata["name"])
        if known is None or known["progress"] != progress:
            self._cache.put(progress_object(pod, progress))

    def _forget_others(self, names: set[str]) -> None:
        for known in self._cache.list(API_VERSION, PROGRESS):
            if known["metadata"]["name"] not in names:
                self._cache.pop(known, for_good=True)


def leading_pods(cache: Cache) -> Iterator[Object]:
    """Pods that work on a run: one for each run, with index 0 where the run has several."""
    for pod in cache.list("v1", "Pod", labels={COMPONENT: "training"}):
        carried, status = pod["metadata"]["labels"], pod.get("status") or {}
        works = status.get("phase") == "Running" and status.get("podIP") and "deletionTimestamp" not in pod["metadata"]
        if works and TRAINING in carried and RUN in carried and carried.get(COMPLETION_INDEX) in {None, "0"}:
            yield pod


def read_progress(body: bytes) -> Object | None:
    """What a pod said, as the status writes it; None where it is nothing that can be read.

    The pod's image may be newer than this operator, so what is not known here is left out.
    """
    try:
        document: Any = json.loads(body)
        if not isinstance(document, dict):
            return None
        known = {field.alias or name for name, field in Progress.model_fields.items()} - {"at"}
        said = {key: value for key, value in document.items() if key in known}
        if isinstance(said.get("message"), str):
            said["message"] = said["message"][:_MESSAGE_LIMIT]
        return Progress.model_validate(said).dump()
    except (ValueError, RecursionError, ValidationError):
        return None


async def _bounded(answer: aiohttp.ClientResponse) -> bytes | None:
    """The body, or None when it is longer than any progress."""
    try:
        await answer.content.readexactly(BODY_LIMIT)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    return None
