"""One loop: take a key, observe its object in the cache, plan, apply; and say when to look again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from evermodel_api import API_VERSION
from evermodel_operator.cluster.errors import ApiError, Conflict, Refused, Unavailable
from evermodel_operator.kinds.conditions import refused
from evermodel_operator.plan import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from evermodel_operator.cluster.apply import Executor
    from evermodel_operator.cluster.events import Recorder
    from evermodel_operator.metrics import Metrics
    from evermodel_operator.plan import Object, Plan
    from evermodel_operator.settings import Settings
    from evermodel_operator.watch.cache import Cache
    from evermodel_operator.watch.keys import Key
    from evermodel_operator.watch.queue import WorkQueue

RESYNC = 600.0
TIMEOUT = 120.0
LOG = logging.getLogger(__name__)


class Observe(Protocol):
    """Reads from the cache what the plan for one object depends on; None when the object is gone."""

    def __call__(self, cache: Cache, namespace: str, name: str, /) -> Any | None:
        """Observe."""


class MakePlan(Protocol):
    """Decides, from what was observed; pure."""

    def __call__(self, observed: Any, settings: Settings, now: datetime, /) -> Plan:
        """Plan."""


@dataclass(frozen=True)
class Tools:
    """What a reconcile works with; clock and randomness come from outside."""

    cache: Cache
    queue: WorkQueue
    executor: Executor
    recorder: Recorder
    metrics: Metrics
    settings: Settings
    now: Callable[[], datetime]
    clock: Callable[[], float]
    random: Callable[[], float]


class Reconciler:
    """Works through the queue, for the kinds it was given: {kind: (observe, plan)}."""

    def __init__(self, kinds: Mapping[str, tuple[Observe, MakePlan]], tools: Tools) -> None:
        self._kinds = kinds
        self._tools = tools

    async def work(self) -> None:
        """Be one worker, until cancelled."""
        queue = self._tools.queue
        while True:
            key = await queue.get()
            try:
                await self.attempt(key)
            finally:
                queue.done(key)

    async def attempt(self, key: Key) -> None:
        """Reconcile one object; whatever goes wrong is told, and tried again later."""
        began = self._tools.clock()
        result = "error"
        try:
            async with asyncio.timeout(TIMEOUT):
                result = await self._reconcile(key)
        except Unavailable as error:
            self._again(key, str(error), error.retry_after or 0.0)
        except Conflict as error:
            # Everyday: somebody wrote the object while it was looked at, and the watch is about to tell.
            self._again(key, str(error), level=logging.DEBUG)
        except (ApiError, TimeoutError) as error:
            self._again(key, str(error) or f"not done within {TIMEOUT:g} s")
        except Exception:
            LOG.exception("%s: this is a defect of the operator; please report it with this line", key, extra=_ref(key))
            self._again(key, "the operator has a defect")
        self._tools.metrics.reconciles.labels(key.kind, result).inc()
        self._tools.metrics.reconcile_seconds.labels(key.kind).observe(self._tools.clock() - began)

    async def _reconcile(self, key: Key) -> str:
        owner = self._tools.cache.get(API_VERSION, key.kind, key.namespace, key.name)
        observe, make_plan = self._kinds[key.kind]
        observed = observe(self._tools.cache, key.namespace, key.name)
        if owner is None or observed is None or "deletionTimestamp" in owner["metadata"]:
            self._tools.queue.forget(key)
            return "gone"
        plan = make_plan(observed, self._tools.settings, self._tools.now())
        try:
            done = await self._tools.executor.execute(owner, plan)
        except Refused as error:
            await self._tell_refusal(key, owner, error)
            return "refused"
        self._tools.queue.succeeded(key)
        self._tools.queue.add_after(key, self._next_look(plan))
        if done:
            LOG.info("%s: %s", key, ", ".join(done), extra={**_ref(key), "changes": done})
        return "changed" if done else "unchanged"

    def _next_look(self, plan: Plan) -> float:
        """Seconds: what the plan asks for, and at most ten minutes, spread so that not all objects come at once."""
        resync = RESYNC * (0.9 + 0.2 * self._tools.random())
        return resync if plan.requeue is None else min(resync, max(0.0, plan.requeue.total_seconds()))

    async def _tell_refusal(self, key: Key, owner: Object, error: Refused) -> None:
        """Stalled, with the cause, on top of the status as it was: what the plan said did not come true."""
        status = refused(owner, error.reason, str(error), self._tools.now())
        if status != owner.get("status"):
            await self._tools.executor.write_status(owner, status)
            await self._tools.recorder.record(owner, Event("Warning", error.reason, str(error)))
        self._again(key, str(error))

    def _again(self, key: Key, why: str, at_least: float = 0.0, level: int = logging.WARNING) -> None:
        seconds = self._tools.queue.retry(key, at_least)
        LOG.log(level, "%s: %s; tried again in %.1f s", key, why, seconds, extra=_ref(key))


def _ref(key: Key) -> dict[str, Any]:
    return {"object": {"kind": key.kind, "namespace": key.namespace, "name": key.name}}
