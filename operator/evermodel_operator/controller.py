"""The parts at work: cache, queue, workers, watches and lists, wired together and run as one."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import kopf

from evermodel_api import API_VERSION
from evermodel_api.runs import PROGRESS_PORT, SERVING_PORT
from evermodel_operator.cluster.apply import Executor
from evermodel_operator.cluster.events import Recorder
from evermodel_operator.cluster.resources import CUSTOM
from evermodel_operator.health import ROUNDS_MISSED, STUCK_AFTER
from evermodel_operator.reconcile import Reconciler, Tools
from evermodel_operator.watch.affected import affected
from evermodel_operator.watch.asking import Asker
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.handlers import kopf_settings, registry_of
from evermodel_operator.watch.keys import key_of
from evermodel_operator.watch.listing import Lister
from evermodel_operator.watch.monitor_metrics import MonitorMetrics
from evermodel_operator.watch.progress import RunProgress
from evermodel_operator.watch.queue import WorkQueue
from evermodel_operator.watch.run_metrics import RunMetrics
from evermodel_operator.watch.serving_counts import ServingCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from evermodel_operator.cluster.client import Client
    from evermodel_operator.cluster.connection import Connection
    from evermodel_operator.metrics import Metrics
    from evermodel_operator.plan import Object
    from evermodel_operator.reconcile import MakePlan, Observe
    from evermodel_operator.settings import Settings

WORKERS = 8
LOG = logging.getLogger(__name__)


class ControllerFailed(Exception):  # noqa: N818
    """A part that must run for ever has ended."""


class Controller:
    """Keeps the given kinds as their plans want them, for as long as it runs."""

    def __init__(
        self,
        kinds: Mapping[str, tuple[Observe, MakePlan]],
        settings: Settings,
        client: Client,
        connection: Connection,
        metrics: Metrics,
        identity: str,
    ) -> None:
        self._namespaces = settings.watch_namespaces
        self._connection = connection
        self._metrics = metrics
        self._cache = Cache()
        draw = random.Random().random  # noqa: S311 - for spreading load, not for secrets
        self._queue = WorkQueue(clock=time.monotonic, random=draw, on_wait=metrics.queue_seconds.observe)
        metrics.queue_depth.set_function(lambda: len(self._queue))
        recorder = Recorder(client, identity, _now)
        tools = Tools(
            cache=self._cache,
            queue=self._queue,
            executor=Executor(client, self._cache, recorder),
            recorder=recorder,
            metrics=metrics,
            settings=settings,
            now=_now,
            clock=time.monotonic,
            random=draw,
        )
        self._reconciler = Reconciler(kinds, tools)
        self._kinds = kinds
        self._lister = Lister(client, self._cache, self._namespaces, on_missed=self._count_missed)
        self._told = {
            "ModelTraining": RunMetrics(metrics.registry).seen,
            "DriftMonitor": MonitorMetrics(metrics.registry).seen,
        }
        self._askers = {
            "progress": Asker(RunProgress(self._cache), port=PROGRESS_PORT, on_answer=metrics.asked_runs),
            "serving counts": Asker(ServingCounts(self._cache), port=SERVING_PORT, on_answer=metrics.asked_serving),
        }

    def troubles(self) -> list[str]:
        """Why this process should be started anew; empty while it works."""
        troubles = []
        if self._queue.oldest > STUCK_AFTER:
            troubles.append(f"the queue does not move: its oldest key is {self._queue.oldest:.0f} s old")
        if self._lister.missed_in_a_row >= ROUNDS_MISSED:
            troubles.append(
                f"watches are dead: {self._lister.missed_in_a_row} lists in a row found what no watch had told"
            )
        return troubles

    async def run(self, on_started: Callable[[], None] = lambda: None) -> None:
        """Prime the cache, then watch and work until cancelled; `on_started` is called once the watches begin.

        Raises:
            KindMissing: when the CRDs are not installed.
            ApiError: when the cluster cannot be read at the start.
            ControllerFailed: when a part ended that must not.
        """
        count = await self._lister.prime()
        self._cache.on_change = self._enqueue
        for resource in CUSTOM:
            if resource.kind in self._kinds:
                for obj in self._cache.list(API_VERSION, resource.kind):
                    self._queue.add(key_of(obj))
                    self._tell_metrics(None, obj)
        where = ", ".join(self._namespaces) or "all namespaces"
        LOG.info("%d objects known, %d to look at, in %s", count, len(self._queue), where)
        tasks: set[asyncio.Task[None]] = set(await self._watches())
        on_started()
        tasks |= {asyncio.create_task(self._reconciler.work(), name=f"worker {n}") for n in range(WORKERS)}
        tasks.add(asyncio.create_task(self._lister.heal_forever(), name="lister"))
        tasks |= {asyncio.create_task(asker.ask_forever(), name=name) for name, asker in self._askers.items()}
        try:
            done, _running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            raise ControllerFailed("; ".join(f"{task.get_name()} ended: {_end_of(task)}" for task in done))
        finally:
            self._queue.close()
            await _cancel(tasks)

    async def _watches(self) -> Collection[asyncio.Task[None]]:
        """Kopf's tasks, run by us: kopf's own runner would cancel every task of the process in the end."""
        tasks: Collection[asyncio.Task[None]] = await kopf.spawn_tasks(
            registry=registry_of(self._cache, self._connection.login),
            settings=kopf_settings(),
            standalone=True,
            # Peering is off, and kopf would still make up an identity from the user's name, which a pod's user has not.
            identity="evermodel",  # type: ignore[arg-type]  # a NewType of str that kopf does not export
            clusterwide=not self._namespaces,
            namespaces=list(self._namespaces),
        )
        return tasks

    def _enqueue(self, old: Object | None, new: Object | None) -> None:
        """Whoever read the old state or reads the new one has to look again."""
        self._tell_metrics(old, new)
        for obj in (old, new):
            if obj is not None:
                for key in affected(obj, self._cache):
                    if key.kind in self._kinds:
                        self._queue.add(key)

    def _tell_metrics(self, old: Object | None, new: Object | None) -> None:
        there = new or old
        if there is not None and there["apiVersion"] == API_VERSION and there["kind"] in self._told:
            self._told[there["kind"]](old, new)

    def _count_missed(self, kind: str, count: int) -> None:
        self._metrics.missed.labels(kind).inc(count)


def _now() -> datetime:
    return datetime.now(UTC)


def _end_of(task: asyncio.Task[None]) -> str:
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return f"{type(error).__name__}: {error}" if error else "without an error"


async def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    """End everything. kopf waits for its core tasks, which wait for the others, so one round may not do."""
    for task in tasks:
        task.cancel()
    _done, hung = await asyncio.wait(tasks, timeout=3)
    for task in hung:
        LOG.warning("%s did not end in time", task.get_name())
