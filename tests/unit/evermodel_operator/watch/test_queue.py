"""The work queue, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from evermodel_operator.watch.keys import Key
from evermodel_operator.watch.queue import Backoff, WorkQueue

A, B = Key("ModelTraining", "ns", "a"), Key("ModelTraining", "ns", "b")
pytestmark = pytest.mark.looptime


def queue(draw: float = 0.0, waits: list[float] | None = None) -> WorkQueue:
    waits = [] if waits is None else waits
    clock = asyncio.get_running_loop().time
    return WorkQueue(clock=clock, random=lambda: draw, backoff=Backoff(1, 8), on_wait=waits.append)


async def arrival(work: WorkQueue) -> tuple[Key, float]:
    key = await asyncio.wait_for(work.get(), 1000)
    return key, round(asyncio.get_running_loop().time(), 3)


async def test_a_key_that_is_added_twice_is_worked_on_once():
    work = queue()

    work.add(A)
    work.add(B)
    work.add(A)

    assert len(work) == 2
    assert [(await work.get()), (await work.get())] == [A, B]
    assert len(work) == 0


async def test_a_key_that_is_added_while_it_is_worked_on_comes_again_after_that_and_not_before():
    work = queue()
    work.add(A)
    key = await work.get()

    work.add(A)
    work.add(A)
    assert len(work) == 0, "no second worker gets it"

    work.done(key)
    assert await work.get() == A
    work.done(A)
    assert len(work) == 0


async def test_many_workers_never_have_the_same_key_at_the_same_time():
    work = queue()
    running: set[Key] = set()
    runs = 0

    async def worker() -> None:
        nonlocal runs
        while True:
            key = await work.get()
            assert key not in running
            running.add(key)
            await asyncio.sleep(1)
            runs += 1
            running.discard(key)
            work.done(key)

    workers = [asyncio.create_task(worker()) for _ in range(4)]
    for _ in range(20):
        work.add(A)
        work.add(B)
        await asyncio.sleep(0.3)
    await asyncio.sleep(10)

    assert not any(worker.done() for worker in workers), "an assertion above would have ended one"
    assert 10 <= runs <= 16, "two keys, a second each, for six seconds and once more"
    for each in workers:
        each.cancel()


async def test_add_after_replaces_what_was_asked_for_before():
    work = queue()
    start = asyncio.get_running_loop().time()

    work.add_after(A, 100)
    work.add_after(A, 5)
    key, at = await arrival(work)
    work.done(key)

    assert (key, at - start) == (A, 5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work.get(), 500)


async def test_failures_wait_twice_as_long_each_time_up_to_a_limit_and_start_anew_after_a_success():
    work = queue(draw=0.0)

    lower = [work.retry(A) for _ in range(5)]
    work.succeeded(A)
    again = work.retry(A)

    assert lower == [0.5, 1, 2, 4, 4]
    assert again == 0.5


async def test_jitter_spreads_the_upper_half_and_the_server_can_ask_for_more():
    assert Backoff(1, 8).delay(2, 0.999) == pytest.approx(2, abs=0.01)
    assert queue().retry(A, at_least=30) == 30


async def test_a_forgotten_key_does_not_come_back():
    work = queue()
    work.retry(A)
    work.add_after(A, 1)

    work.forget(A)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work.get(), 100)


async def test_waiting_times_are_told_and_the_oldest_is_known():
    waits: list[float] = []
    work = queue(waits=waits)
    work.add(A)
    await asyncio.sleep(3)
    work.add(B)
    await asyncio.sleep(1)

    assert work.oldest == pytest.approx(4)
    await work.get()
    assert waits == [pytest.approx(4)]
    await asyncio.sleep(10)
    assert work.oldest == pytest.approx(11), "B waits for 11 s, A runs for 10 s"
    work.close()
