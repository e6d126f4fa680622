"""How hard the API server is pressed, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from evermodel_operator.cluster.limits import Limits, TokenBucket

pytestmark = pytest.mark.looptime


async def test_a_burst_goes_at_once_and_the_rest_at_the_rate():
    loop = asyncio.get_running_loop()
    limits = Limits(TokenBucket(50, 100, loop.time), in_flight=1000)
    at: list[float] = []

    async def request() -> None:
        async with limits.request():
            at.append(loop.time())

    began = loop.time()
    await asyncio.gather(*(request() for _ in range(200)))

    assert sum(moment - began < 0.001 for moment in at) == 100
    assert max(at) - began == pytest.approx(2.0), "100 more at 50 a second"


async def test_saved_up_tokens_are_bounded_by_the_burst():
    bucket = TokenBucket(50, 100, asyncio.get_running_loop().time)
    await asyncio.sleep(3600)

    waits = [bucket.reserve() for _ in range(101)]

    assert waits[:100] == [0.0] * 100
    assert waits[100] == pytest.approx(1 / 50)


async def test_no_more_than_so_many_requests_are_under_way():
    limits = Limits(TokenBucket(1000, 1000, asyncio.get_running_loop().time), in_flight=3)
    now = most = 0

    async def request() -> None:
        nonlocal now, most
        async with limits.request():
            now += 1
            most = max(most, now)
            await asyncio.sleep(1)
            now -= 1

    await asyncio.gather(*(request() for _ in range(10)))

    assert most == 3
