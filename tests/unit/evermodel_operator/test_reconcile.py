"""The loop: what a worker does with a key, whatever comes of it. In virtual time, with a toy kind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evermodel_operator.cluster.apply import Executor
from evermodel_operator.cluster.errors import Conflict, Invalid, NameTaken, Unavailable
from evermodel_operator.cluster.events import Recorder
from evermodel_operator.metrics import Metrics
from evermodel_operator.plan import Event, Plan
from evermodel_operator.reconcile import Reconciler, Tools
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.keys import Key
from evermodel_operator.watch.queue import Backoff, WorkQueue

pytestmark = pytest.mark.looptime
API = "evermodel.dev/v1alpha1"
KEY = Key("ModelTraining", "ns", "heart")
NOW = datetime(2026, 11, 23, 8, 40, tzinfo=UTC)


class Scripted(Executor):
    """Remembers plans and statuses, and does what it was told: raise, or say what was written."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.plans: list[Plan] = []
        self.statuses: list[dict[str, Any]] = []
        self.outcomes: list[Exception | list[str]] = []

    async def execute(self, owner: dict[str, Any], plan: Plan) -> list[str]:
        self.plans.append(plan)
        outcome = self.outcomes.pop(0) if self.outcomes else []
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def write_status(self, owner: dict[str, Any], status: dict[str, Any]) -> None:
        self.statuses.append(status)
        metadata = {**owner["metadata"], "resourceVersion": str(int(owner["metadata"]["resourceVersion"]) + 1)}
        self.cache.put({**owner, "metadata": metadata, "status": status})


class Told(Recorder):
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def record(self, about: dict[str, Any], event: Event) -> None:
        self.events.append(event)


def plan_nothing(_observed: Any, _settings: Settings, _now: datetime) -> Plan:
    return Plan()


class World:
    """One reconciler of a toy kind, with everything it works with."""

    def __init__(self, plan: Callable[[Any, Settings, datetime], Plan] = plan_nothing) -> None:
        clock = asyncio.get_running_loop().time
        self.cache = Cache()
        self.queue = WorkQueue(clock=clock, random=lambda: 0.5, backoff=Backoff(1, 300))
        self.executor = Scripted(self.cache)
        self.recorder = Told()
        self.metrics = Metrics()
        settings = Settings.model_validate({"runtimeImage": "x", "store": {"uri": "s3://m"}})
        tools = Tools(
            self.cache,
            self.queue,
            self.executor,
            self.recorder,
            self.metrics,
            settings,
            now=lambda: NOW,
            clock=clock,
            random=lambda: 0.5,
        )
        observe = lambda cache, namespace, name: cache.get(API, KEY.kind, namespace, name)  # noqa: E731
        self.reconciler = Reconciler({KEY.kind: (observe, plan)}, tools)

    def put(self, **more: Any) -> None:
        metadata = {"name": "heart", "namespace": "ns", "uid": "u", "resourceVersion": "1", "generation": 3, **more}
        self.cache.put({"apiVersion": API, "kind": KEY.kind, "metadata": metadata, "status": {"champion": "heart-1"}})

    async def next_look(self) -> float:
        """Seconds until the key comes again."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        key = await asyncio.wait_for(self.queue.get(), 5000)
        self.queue.done(key)
        return round(loop.time() - began, 3)

    def count(self, result: str) -> float:
        labels = {"kind": KEY.kind, "result": result}
        return self.metrics.registry.get_sample_value("evermodel_reconcile_total", labels) or 0.0


async def test_a_plan_is_made_from_what_is_seen_and_carried_out(caplog: pytest.LogCaptureFixture):
    plan = Plan(status={"champion": "heart-2"})
    world = World(lambda _observed, _settings, now: plan if now == NOW else Plan())
    world.put()
    world.executor.outcomes = [["made Job heart-2", "status"]]

    with caplog.at_level(logging.INFO):
        await world.reconciler.attempt(KEY)

    assert world.executor.plans == [plan]
    assert caplog.messages == ["modeltraining ns/heart: made Job heart-2, status"]
    assert caplog.records[0].object == {"kind": "ModelTraining", "namespace": "ns", "name": "heart"}  # type: ignore[attr-defined]
    assert world.count("changed") == 1


async def test_at_rest_nothing_is_logged_and_the_next_look_is_in_about_ten_minutes(caplog: pytest.LogCaptureFixture):
    world = World()
    world.put()

    with caplog.at_level(logging.INFO):
        await world.reconciler.attempt(KEY)

    assert caplog.messages == []
    assert world.count("unchanged") == 1
    assert await world.next_look() == 600


@pytest.mark.parametrize(("asked", "comes"), [(timedelta(seconds=5), 5), (timedelta(hours=2), 600), (timedelta(-1), 0)])
async def test_a_plan_may_ask_for_an_earlier_look(asked: timedelta, comes: float):
    world = World(lambda *_: Plan(requeue=asked))
    world.put()

    await world.reconciler.attempt(KEY)

    assert await world.next_look() == comes


@pytest.mark.parametrize("metadata", [None, {"deletionTimestamp": "2026-11-23T08:40:00Z"}])
async def test_what_is_gone_or_going_is_left_alone_and_forgotten(metadata: dict[str, str] | None):
    world = World()
    if metadata is not None:
        world.put(**metadata)

    await world.reconciler.attempt(KEY)

    assert world.executor.plans == []
    assert world.count("gone") == 1
    with pytest.raises(TimeoutError):
        await world.next_look()


@pytest.mark.parametrize("error", [Unavailable("away"), Conflict("somebody was first"), RuntimeError("a defect")])
async def test_failures_are_tried_again_later_and_later_and_a_success_ends_that(error: Exception):
    world = World()
    world.put()
    world.executor.outcomes = [error, error, error]

    looks = []
    for _ in range(4):
        await world.reconciler.attempt(KEY)
        looks.append(await world.next_look())

    assert looks == [0.75, 1.5, 3.0, 600]
    assert world.count("error") == 3


async def test_the_api_server_may_say_when_to_come_again():
    world = World()
    world.put()
    world.executor.outcomes = [Unavailable("too many requests", retry_after=30)]

    await world.reconciler.attempt(KEY)

    assert await world.next_look() == 30


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NameTaken("Service", "heart", "somebody who does not say so"), "NameTaken"),
        (Invalid("patch Job ns/heart-1: exceeded quota"), "ApiRefused"),
    ],
)
async def test_a_refusal_becomes_a_condition_and_an_event_on_top_of_the_status_as_it_was(error: Exception, reason: str):
    world = World(lambda *_: Plan(status={"champion": "heart-2"}))
    world.put()
    world.executor.outcomes = [error, error]

    await world.reconciler.attempt(KEY)
    await world.reconciler.attempt(KEY)

    (status,) = world.executor.statuses
    assert status["champion"] == "heart-1", "what the plan said did not come true"
    (condition,) = status["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Stalled", "True", reason)
    assert condition["message"] == str(error)
    assert status["observedGeneration"] == 3
    assert world.recorder.events == [Event("Warning", reason, str(error))], "told once, not at each attempt"
    assert world.count("refused") == 2
    assert await world.next_look() == 1.5


async def test_a_reconcile_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch):
    world = World()
    world.put()

    async def hang(*_: Any) -> list[str]:
        await asyncio.sleep(10_000)
        return []

    monkeypatch.setattr(world.executor, "execute", hang)
    began = asyncio.get_running_loop().time()

    await world.reconciler.attempt(KEY)

    assert asyncio.get_running_loop().time() - began == pytest.approx(120)
    assert world.count("error") == 1


async def test_a_worker_goes_on_after_a_defect():
    def broken_once(*_: Any) -> Plan:
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("spec")
        return Plan()

    calls: list[int] = []
    world = World(broken_once)
    world.put()
    world.queue.add(KEY)
    worker = asyncio.create_task(world.reconciler.work())

    await asyncio.sleep(10)

    assert len(calls) == 2
    assert not worker.done()
    assert world.count("unchanged") == 1
    worker.cancel()
