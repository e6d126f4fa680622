"""Leader election, in virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evermodel_operator.cluster.errors import Unavailable
from evermodel_operator.cluster.lease import Lease, LeaseLost, Terms
from evermodel_operator.cluster.microtime import microtime

pytestmark = pytest.mark.looptime
TERMS = Terms(duration=15, renew_within=10, every=2)


def lease(api: Any, identity: str, wall: datetime = datetime(2026, 11, 23, tzinfo=UTC)) -> Lease:
    """A candidate whose wall clock may be anything: only the loop's clock decides."""
    clock = asyncio.get_running_loop().time
    now = lambda: wall + timedelta(seconds=clock())  # noqa: E731
    return Lease(api, "ns", "operator", identity, clock=clock, now=now, terms=TERMS)


def holder(api: Any) -> str:
    return str(api.objects["Lease", "operator"]["spec"]["holderIdentity"])


async def seconds_of(work: Any) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.wait_for(work, 100)
    return round(loop.time() - began, 3)


async def test_the_first_takes_the_lease_and_holds_it_while_it_renews(api: Any):
    mine = lease(api, "a")
    await mine.acquire()

    keeping = asyncio.create_task(mine.keep())
    await asyncio.sleep(60)

    assert mine.held
    assert not keeping.done()
    spec = api.objects["Lease", "operator"]["spec"]
    assert spec["renewTime"] == "2026-11-23T00:01:00.000000Z" or spec["renewTime"] == "2026-11-23T00:00:58.000000Z"
    assert spec["acquireTime"] == "2026-11-23T00:00:00.000000Z"
    assert (spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (15, 0)
    keeping.cancel()


async def test_a_second_waits_while_the_first_renews(api: Any):
    first, second = lease(api, "a"), lease(api, "b")
    await first.acquire()
    keeping = asyncio.create_task(first.keep())

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(second.acquire(), 120)

    assert holder(api) == "a"
    assert not second.held
    keeping.cancel()


@pytest.mark.parametrize("wrong_by", [timedelta(days=-365), timedelta(0), timedelta(days=365)])
async def test_a_killed_holder_is_followed_after_the_duration_whatever_the_wall_clocks_say(
    api: Any, wrong_by: timedelta
):
    first = lease(api, "a")
    second = lease(api, "b", datetime(2026, 11, 23, tzinfo=UTC) + wrong_by)
    await first.acquire()

    took = await seconds_of(second.acquire())

    assert 15 <= took <= 17
    assert holder(api) == "b"
    assert not first.held, "it stopped by itself before that"
    assert api.objects["Lease", "operator"]["spec"]["leaseTransitions"] == 1


async def test_a_released_lease_is_taken_at_the_next_try(api: Any):
    first, second = lease(api, "a"), lease(api, "b")
    await first.acquire()
    waiting = asyncio.create_task(seconds_of(second.acquire()))
    await asyncio.sleep(1)

    await first.release()

    assert await waiting <= 2
    assert not first.held


async def test_the_right_to_write_ends_before_another_may_have_it_when_the_api_server_is_away(api: Any):
    mine = lease(api, "a")
    await mine.acquire()
    api.fail["replace"] = Unavailable("no answer")

    with pytest.raises(LeaseLost, match="could not be renewed within 10 s"):
        assert await seconds_of(mine.keep()) == 10
    assert not mine.held


async def test_a_renewal_that_hangs_does_not_prolong_the_right_to_write(api: Any, monkeypatch: pytest.MonkeyPatch):
    mine = lease(api, "a")
    await mine.acquire()

    async def hang(_obj: Any) -> Any:
        await asyncio.sleep(1000)

    monkeypatch.setattr(api, "replace", hang)
    began = asyncio.get_running_loop().time()

    with pytest.raises(LeaseLost):
        await mine.keep()
    assert asyncio.get_running_loop().time() - began == pytest.approx(10)


async def test_a_short_outage_is_survived(api: Any):
    mine = lease(api, "a")
    await mine.acquire()
    keeping = asyncio.create_task(mine.keep())
    api.fail["replace"] = Unavailable("no answer")

    await asyncio.sleep(7)
    assert mine.held
    del api.fail["replace"]
    await asyncio.sleep(30)

    assert mine.held
    assert not keeping.done()
    keeping.cancel()


async def test_a_renewal_whose_answer_was_lost_is_still_ours(api: Any):
    mine = lease(api, "a")
    await mine.acquire()
    api.put(api.objects["Lease", "operator"])  # the server took it in, and we never heard its resourceVersion
    keeping = asyncio.create_task(mine.keep())

    await asyncio.sleep(5)

    assert mine.held
    assert not keeping.done()
    keeping.cancel()


async def test_a_lease_that_another_took_is_lost_at_once(api: Any):
    mine = lease(api, "a")
    await mine.acquire()
    stolen = api.objects["Lease", "operator"]
    api.put({**stolen, "spec": {**stolen["spec"], "holderIdentity": "b"}})

    with pytest.raises(LeaseLost):
        await asyncio.wait_for(mine.keep(), 3)
    assert not mine.held
    await mine.release()
    assert holder(api) == "b", "what is not ours is not released"


async def test_two_that_come_at_the_same_time_are_never_both_in(api: Any):
    candidates = [lease(api, f"c{number}") for number in range(5)]

    waiting = [asyncio.create_task(each.acquire()) for each in candidates]
    await asyncio.sleep(10)

    assert sum(each.held for each in candidates) <= 1
    assert sum(task.done() for task in waiting) == 1
    for task in waiting:
        task.cancel()


def test_moments_have_six_digits_also_on_the_full_second_and_are_in_utc():
    assert microtime(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05.000000Z"
    bangkok = datetime.fromisoformat("2026-01-02T03:04:05.5+07:00")
    assert microtime(bangkok) == "2026-01-01T20:04:05.500000Z"
    with pytest.raises(ValueError, match="time zone"):
        microtime(datetime(2026, 1, 2))  # noqa: DTZ001
