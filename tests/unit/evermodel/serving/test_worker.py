"""The queue before slow models: bounded in number and time, merged where it gathers, and each request its own answer."""

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.serving.batch import Batch
from evermodel.serving.faults import UnavailableError
from evermodel.serving.worker import CALL_SECONDS, MERGED_ROWS, Pace, Worker, predict_merged


class Doubling:
    """Doubles numbers, refuses 13, and waits while the test holds it."""

    name, quick = "doubling", False

    def __init__(self, *, held: bool = False):
        self.calls: list[int] = []
        self.free = threading.Event()
        if not held:
            self.free.set()

    def predict(self, batch):
        self.calls.append(batch.rows)
        assert self.free.wait(10)
        if 13 in batch.values:
            raise ValueError("13 is not liked here")
        assert batch.rows == len(batch.texts.get(1, [None] * batch.rows))
        return batch.values[:, 0] * 2


def batch(*numbers: float) -> Batch:
    values = np.array([[number, 0.0] for number in numbers])
    return Batch(values, {1: [str(number) for number in numbers]})


@pytest.fixture
def worker():
    made = Worker(1, limit=8)
    yield made
    made.close()


async def test_what_waits_is_answered_by_one_call(worker):
    # given an engine that is busy with one request
    engine = Doubling(held=True)
    waiting = [asyncio.ensure_future(worker.ask(engine, batch(n, n + 0.5))) for n in range(6)]
    await asyncio.sleep(0.05)
    assert engine.calls == [2]
    # when it is free
    engine.free.set()
    answers = await asyncio.gather(*waiting)
    # then those that had gathered are answered by one call, and each has its own answer
    assert engine.calls == [2, 10]
    assert [answer.tolist() for answer in answers] == [[2.0 * n, 2.0 * n + 1] for n in range(6)]


async def test_a_request_that_fails_fails_alone(worker):
    engine = Doubling(held=True)
    waiting = [asyncio.ensure_future(worker.ask(engine, batch(n))) for n in (1, 2, 13, 3)]
    await asyncio.sleep(0.05)
    engine.free.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["[2.]", "[4.]", "13 is not liked here", "[6.]"]
    assert (await worker.ask(engine, batch(4))).tolist() == [8.0]


async def test_a_client_that_leaves_takes_nobody_with_it(worker):
    engine = Doubling(held=True)
    waiting = [asyncio.ensure_future(worker.ask(engine, batch(n))) for n in range(4)]
    await asyncio.sleep(0.05)
    waiting[0].cancel()
    waiting[2].cancel()
    engine.free.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError, np.ndarray] * 2
    assert (await worker.ask(engine, batch(4))).tolist() == [8.0]


async def test_beyond_its_bound_it_sends_away(worker):
    engine = Doubling(held=True)
    waiting = [asyncio.ensure_future(worker.ask(engine, batch(n))) for n in range(8)]
    await asyncio.sleep(0.01)
    for more in (worker.ask(engine, batch(9)), worker.run(lambda: 9)):
        with pytest.raises(UnavailableError, match="8 requests are waiting") as caught:
            await more
        assert caught.value.headers == ((b"retry-after", b"1"),)
    engine.free.set()
    await asyncio.gather(*waiting)
    assert await worker.run(lambda: 9) == 9


async def test_it_sends_away_who_would_wait_for_long():
    # given an engine that needs so long for each row that merging is no use, as the first calls have shown
    class Slow(Doubling):
        def predict(self, batch):
            threading.Event().wait(0.12 * batch.rows)
            return super().predict(batch)

    worker, engine = Worker(1), Slow()
    for n in range(11):
        await worker.ask(engine, batch(n))
    # when more come at once than are answered within a second
    waiting = [asyncio.ensure_future(worker.ask(engine, batch(n))) for n in range(20)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    # then the last of them were told when to come again, and the others answered one by one
    refused = [answer for answer in answers if isinstance(answer, UnavailableError)]
    assert 5 < len(refused) < 15
    assert "would wait for 1." in str(refused[0])
    assert refused[0].headers == ((b"retry-after", b"2"),)
    assert set(engine.calls) == {1}
    assert answers[0].tolist() == [0.0]
    worker.close()


@given(st.lists(st.lists(st.integers(-20, 20), min_size=1, max_size=5), min_size=1, max_size=8))
def test_merged_answers_are_those_of_each_alone(requests):
    batches = [batch(*numbers) for numbers in requests]
    for numbers, answer in zip(requests, predict_merged(Doubling(), batches), strict=True):
        if 13 in numbers:
            assert isinstance(answer, ValueError)
        else:
            assert answer.tolist() == [2.0 * number for number in numbers]


@given(st.floats(1e-6, 1), st.floats(1e-9, 1))
def test_calls_become_as_large_as_they_may_take_long(for_call, for_row):
    # given an engine that takes so long for a call and for each row of it, and always enough who wait
    pace = Pace()
    for _ in range(60):
        pace.learn(pace.rows, for_call + for_row * pace.rows)
    # then a call answers one row, or as many as it may, and does not take longer than it should
    seconds = for_call + for_row * pace.rows
    assert 1 <= pace.rows <= MERGED_ROWS
    assert pace.rows == 1 or seconds <= CALL_SECONDS * 1.01
    assert pace.rows == MERGED_ROWS or seconds > CALL_SECONDS / 9


def test_one_slow_call_changes_little():
    pace = Pace()
    pace.learn(1, 60 * CALL_SECONDS)
    assert pace.rows == MERGED_ROWS // 2
