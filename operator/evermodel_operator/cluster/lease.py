"""Leader election by a Lease: one process works, the others wait.

Other processes' clocks are not trusted: a holder counts as dead when its record has not changed for the whole duration
by our own monotonic clock. Our own right to write ends `renew_within` after the last renewal *began*, well before
anybody else may take over, whatever the renewal that is under way comes to.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evermodel_operator.cluster.errors import ApiError, Conflict, NotFound
from evermodel_operator.cluster.microtime import microtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from evermodel_operator.cluster.client import Client
    from evermodel_operator.plan import Object

API_VERSION = "coordination.k8s.io/v1"
LOG = logging.getLogger(__name__)


class LeaseLost(Exception):  # noqa: N818
    """The process led and does not any more; it must end."""


@dataclass(frozen=True)
class Terms:
    """Seconds: others wait `duration` for a silent holder; it stops by itself after `renew_within`; tries `every`."""

    duration: float = 15.0
    renew_within: float = 10.0
    every: float = 2.0


class Lease:
    """The claim of one process, `identity`, to lead."""

    def __init__(  # noqa: PLR0913 - the clocks are passed in
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        terms: Terms | None = None,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._now = now
        self._terms = terms or Terms()
        self._ours: Object | None = None
        self._renewed = 0.0
        self._seen: tuple[str, float] | None = None

    @property
    def held(self) -> bool:
        """Whether this process may write, at this moment."""
        return self._ours is not None and self._clock() < self._renewed + self._terms.renew_within

    async def acquire(self) -> None:
        """Wait until this process leads."""
        while not await self._try():  # noqa: ASYNC110 - what is waited for is in the cluster
            await asyncio.sleep(self._terms.every)
        LOG.info("this process leads: lease %s/%s is held by %s", self._namespace, self._name, self._identity)

    async def keep(self) -> None:
        """Renew for as long as it is possible.

        Raises:
            LeaseLost: when it is not any more.
        """
        while True:
            await asyncio.sleep(self._terms.every)
            # A request may hang longer than the right to write lasts.
            remaining = self._renewed + self._terms.renew_within - self._clock()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._try(), timeout=max(remaining, 0))
            if not self.held:
                raise LeaseLost(
                    f"lease {self._namespace}/{self._name} could not be renewed within {self._terms.renew_within:g} s,"
                    " or another process took it; this process ends so that it cannot write"
                )

    async def release(self) -> None:
        """Let the next process take over at once; nothing to do when this one does not lead. Raises no ApiError."""
        ours, self._ours = self._ours, None
        if ours is None:
            return
        spec = {**ours["spec"], "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": microtime(self._now())}
        try:
            await self._client.replace({**ours, "spec": spec})
        except ApiError as error:
            LOG.warning("lease %s/%s was not released: %s", self._namespace, self._name, error)

    async def _try(self) -> bool:
        began = self._clock()
        try:
            written = await self._claim()
        except ApiError as error:
            LOG.warning("lease %s/%s: %s", self._namespace, self._name, error)
            return False
        if written is not None:
            self._renewed = began
        self._ours = written
        return written is not None

    async def _claim(self) -> Object | None:
        try:
            return await self._write(self._ours or await self._read())
        except (Conflict, NotFound):
            # Somebody else wrote it, or the answer to an earlier renewal of ours was lost on its way: look again.
            current = await self._read()
            ours = current is not None and current["spec"].get("holderIdentity") == self._identity
            return await self._write(current) if ours else None

    async def _write(self, current: Object | None) -> Object | None:
        if current is None:
            return await self._client.create(self._record({"metadata": self._metadata()}, transitions=0))
        if current is self._ours or self._is_free(current):
            return await self._client.replace(self._claimed(current))
        return None

    async def _read(self) -> Object | None:
        try:
            return await self._client.get(API_VERSION, "Lease", self._namespace, self._name)
        except NotFound:
            return None

    def _is_free(self, lease: Object) -> bool:
        """Whether nobody holds it, or its holder has been silent for the whole duration while we looked."""
        spec = lease.get("spec") or {}
        if spec.get("holderIdentity") in {None, "", self._identity}:
            return True
        version = lease["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, self._clock())
        return self._clock() >= self._seen[1] + max(self._terms.duration, float(spec.get("leaseDurationSeconds") or 0))

    def _claimed(self, lease: Object) -> Object:
        spec = lease.get("spec") or {}
        transitions = int(spec.get("leaseTransitions") or 0)
        if spec.get("holderIdentity") == self._identity:
            return self._record(lease, transitions, acquired=spec.get("acquireTime"))
        return self._record(lease, transitions + 1)

    def _record(self, lease: Object, transitions: int, acquired: str | None = None) -> Object:
        now = microtime(self._now())
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._terms.duration),
            "acquireTime": acquired or now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }
        return {"apiVersion": API_VERSION, "kind": "Lease", "metadata": lease["metadata"], "spec": spec}

    def _metadata(self) -> Object:
        return {"namespace": self._namespace, "name": self._name}
