"""Where predictions run that the event loop must not wait for: a few threads behind a bounded queue.

A model whose every call costs much more than a row (scikit-learn's forests) answers all requests that wait for it by
one call. Nobody waits for others to come: what has gathered while the threads were busy is what is merged.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from evermodel.serving.batch import Batch
from evermodel.serving.engine import Engine
from evermodel.serving.faults import UnavailableError

ResultT = TypeVar("ResultT")
Numbers = NDArray[np.float64]

QUEUE_LIMIT = 1024
"""Requests that may wait or run; beyond it a client is told to come again."""
WAIT_SECONDS = 1.0
"""A client whose request would wait for longer, as the last calls went, is told to come again."""
MERGED_ROWS = 1024
"""Rows that one call answers for several requests at most; a request of more rows goes alone."""
CALL_SECONDS = 0.1
"""A call that answers several requests should not take longer: fewer rows are merged when it does."""


class Worker:
    """Runs calls in threads; refuses more than its queue holds. Used from the event loop's thread only."""

    def __init__(self, threads: int, limit: int = QUEUE_LIMIT) -> None:
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="evermodel-predict")
        self._threads = threads
        self._limit = limit
        self._busy = 0
        self._queues: dict[int, _Queue] = {}

    async def run(self, call: Callable[[], ResultT]) -> ResultT:
        """The result of the call.

        Raises:
            UnavailableError: the queue is full.
        """
        self._enter()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, call)
        finally:
            self._busy -= 1

    async def ask(self, engine: Engine, batch: Batch) -> Numbers:
        """The engine's answer to the rows, which may be asked together with those of others that wait for it.

        Raises:
            UnavailableError: the queue is full, or too slow.
        """
        self._enter()
        try:
            queue = self._queues.get(id(engine))
            if queue is None:
                queue = self._queues[id(engine)] = _Queue(engine, self._executor, self._threads)
            return await queue.ask(batch)
        finally:
            self._busy -= 1

    def _enter(self) -> None:
        if self._busy >= self._limit:
            raise UnavailableError(f"{self._busy} requests are waiting already; send it again in a second")
        self._busy += 1

    def close(self) -> None:
        """Finish what runs."""
        self._executor.shutdown(wait=True)


class Pace:
    """How long calls of one engine take, and from that how many rows one call should answer. Pure."""

    def __init__(self) -> None:
        self.rows = MERGED_ROWS
        """Rows that one call may answer for several requests."""
        self._seconds = 0.0

    def learn(self, rows: int, seconds: float) -> None:
        """Take in that a call of so many rows took so long."""
        self._seconds += (seconds - self._seconds) / 4
        if seconds > CALL_SECONDS:
            # By half at most: a single slow call may say more of the machine than of the model.
            self.rows = max(1, self.rows // 2, int(rows * min(0.9, CALL_SECONDS / seconds)))
        elif seconds < CALL_SECONDS / 4 and rows > self.rows // 2:
            self.rows = min(MERGED_ROWS, 2 * self.rows)

    def wait_seconds(self, rows: int) -> float:
        """How long a request would wait behind so many rows, asked one call after the other."""
        return self._seconds * -(-rows // self.rows)


class _Queue:
    """The requests that wait for one engine."""

    def __init__(self, engine: Engine, executor: ThreadPoolExecutor, limit: int) -> None:
        self._engine = engine
        self._executor = executor
        self._limit = limit
        self._running = 0
        self._waiting: deque[tuple[Batch, asyncio.Future[Numbers]]] = deque()
        self._waiting_rows = 0
        self._pace = Pace()

    async def ask(self, batch: Batch) -> Numbers:
        wait = self._pace.wait_seconds(self._waiting_rows) / self._limit
        if wait > WAIT_SECONDS:
            raise UnavailableError(f"a request would wait for {wait:.1f} seconds; send it again later", ceil(wait))
        future: asyncio.Future[Numbers] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, future))
        self._waiting_rows += batch.rows
        if self._running < self._limit:
            self._start()
        return await future

    def _start(self) -> None:
        """Let a thread answer what waits, as far as it fits into one call."""
        taken = [self._waiting.popleft()]
        rows = taken[0][0].rows
        while self._waiting and rows + self._waiting[0][0].rows <= self._pace.rows:
            taken.append(self._waiting.popleft())
            rows += taken[-1][0].rows
        self._waiting_rows -= rows
        self._running += 1
        begun = perf_counter()
        loop = asyncio.get_running_loop()
        batches = [batch for batch, _ in taken]
        running = loop.run_in_executor(self._executor, predict_merged, self._engine, batches)
        running.add_done_callback(lambda done: self._end(taken, rows, perf_counter() - begun, done))

    def _end(
        self, taken: list[tuple[Batch, asyncio.Future[Numbers]]], rows: int, seconds: float, done: asyncio.Future[Any]
    ) -> None:
        self._running -= 1
        self._pace.learn(rows, seconds)
        failure = done.exception()
        results = [failure] * len(taken) if failure else done.result()
        for (_, future), result in zip(taken, results, strict=True):
            if future.cancelled():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
        if self._waiting:
            self._start()


def predict_merged(engine: Engine, batches: Sequence[Batch]) -> list[Numbers | Exception]:
    """Answers to several requests by one call; where that fails each is asked alone, so that only the faulty fail.

    Returns:
        For each batch its numbers, or why there are none.
    """
    if len(batches) > 1:
        try:
            numbers = engine.predict(concatenate(batches))
            return list(np.split(numbers, np.cumsum([batch.rows for batch in batches])[:-1]))
        except Exception:  # noqa: BLE001, S110  each of them finds out alone whether it was its own
            pass
    return [_predict_alone(engine, batch) for batch in batches]


def _predict_alone(engine: Engine, batch: Batch) -> Numbers | Exception:
    try:
        return engine.predict(batch)
    except Exception as error:  # noqa: BLE001  raised again where the request is answered
        return error


def concatenate(batches: Sequence[Batch]) -> Batch:
    """The rows of several batches of one model, one after the other."""
    texts = {position: [text for batch in batches for text in batch.texts[position]] for position in batches[0].texts}
    return Batch(np.concatenate([batch.values for batch in batches]), texts)
