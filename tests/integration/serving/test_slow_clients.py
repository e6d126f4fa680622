"""Clients that trickle, flood, or never end: they hold nothing that others need."""

import asyncio
import json
import resource

import pytest

from evermodel.serving.http import HEAD_BYTES
from tests.integration.serving.test_http import V1, post

PREDICT = "/v1/models/line:predict"
CHUNKED = b"POST /v1/models/line:predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


def memory() -> int:
    """Bytes that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


ENDLESS = {
    "a name": (b"GET / HTTP/1.1\r\nx", b"a" * 65536),
    "a value": (b"GET / HTTP/1.1\r\nx: ", b"a" * 65536),
    "a path": (b"GET /", b"a" * 65536),
    "headers": (b"GET / HTTP/1.1\r\n", b"x: 1\r\n" * 10000),
    "what follows a body": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"x: 1\r\n" * 10000),
    "what follows the size of a chunk": (CHUNKED + b"2;", b"a=b;" * 16000),
    "headers after an answer": (post(PREDICT, V1) + b"GET / HTTP/1.1\r\n", b"x: 1\r\n" * 10000),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_what_never_ends_is_refused_before_it_fills_the_memory(serve, kind):
    start, more = ENDLESS[kind]
    async with serve() as one:
        before = memory()
        wire = await one.connect()
        wire.send(start)
        if kind == "headers after an answer":
            assert (await wire.answer()).status == 200
        # when a client sends and sends
        for _ in range(400):
            if wire.writer.transport.is_closing() or wire.reader.at_eof() or wire.reader._buffer:
                break
            wire.send(more)
            await asyncio.sleep(0.001)
        # then it is told why soon, and the connection is closed
        answer = await wire.answer()
        assert answer.status == 431
        assert str(HEAD_BYTES) in json.loads(answer.body)["error"]
        assert await wire.is_closed()
        assert memory() - before < 2**25
        wire.close()
        assert (await one.ask(post(PREDICT, V1))).status == 200


async def test_headers_up_to_the_limit_are_read(serve):
    headers = [f"x-{number}: {'a' * 990}" for number in range(60)]
    async with serve() as one:
        assert (await one.ask(post(PREDICT, V1, *headers))).status == 200
        wire = await one.connect()
        for byte in range(0, len(whole := post(PREDICT, V1, *headers)), 997):
            wire.send(whole[byte : byte + 997])
            await asyncio.sleep(0)
        assert (await wire.answer()).status == 200
        wire.close()


async def test_a_large_body_in_small_chunks_is_no_head(serve):
    body = json.dumps(V1).encode() + b" " * 200_000
    parts = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[i : i + 9] for i in range(0, len(body), 9)))
    async with serve() as one:
        assert (await one.ask(CHUNKED + parts + b"0\r\n\r\n")).status == 200


async def test_many_clients_that_trickle_hold_nobody(serve):
    # given 150 clients that send a byte now and then, in the head or in the body, large ones and small ones
    small, large = post(PREDICT, V1), post(PREDICT, json.dumps(V1).encode() + b" " * 2**20)
    async with serve(keep_alive=1.0) as one:
        wires = [await one.connect() for _ in range(150)]
        for number, wire in enumerate(wires):
            whole = (small, small, large)[number % 3]
            wire.send(whole[: (5, len(small) - 5, 2000)[number % 3]])
        await asyncio.sleep(0.05)
        # when another one asks, then it is answered at once
        for _ in range(20):
            async with asyncio.timeout(1):
                assert (await one.ask(small)).status == 200
            for wire in wires[:3]:
                wire.send(b" ")
        # and the slow ones are sent away
        waiting = [wire.is_closed(40) for wire in wires if wires.index(wire) % 3 == 0]
        assert all(await asyncio.gather(*waiting))
        for wire in wires:
            wire.close()
