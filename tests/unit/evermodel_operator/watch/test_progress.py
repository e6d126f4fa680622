"""Asking pods for their progress, against real HTTP servers on the loopback interface."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from evermodel_operator.watch.affected import affected
from evermodel_operator.watch.asking import AT_ONCE, Asker
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.keys import Key
from evermodel_operator.watch.observation import progress_of
from evermodel_operator.watch.progress import BODY_LIMIT, RunProgress, leading_pods, read_progress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SAID = {
    "phase": "Searching",
    "trial": 12,
    "trials": 60,
    "best": "roc_auc 0.912",
    "secondsLeft": 90,
    "message": "xgboost",
}


def pod(name: str = "heart-1-0", *, training: str = "heart", version: int = 1, **more: Any) -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/component": "training",
        "evermodel.dev/training": training,
        "evermodel.dev/run": "1",
        **more.pop("labels", {}),
    }
    metadata = {"name": name, "namespace": "ns", "uid": f"u-{name}", "resourceVersion": str(version), "labels": labels}
    status = {"phase": "Running", "podIP": "127.0.0.1", **more.pop("status", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, **more}, "status": status}


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[int]:
    app = web.Application()
    app.add_routes([web.get("/progress", handler)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def ask(cache: Cache, port: int) -> list[str]:
    results: list[str] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.5)) as session:
        await Asker(RunProgress(cache), port=port, on_answer=results.append).ask_all(session)
    return results


def saying(body: bytes, status: int = 200) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, status=status)

    return answer


async def test_what_a_pod_says_is_seen_and_wakes_its_training():
    woken: set[Key] = set()
    cache = Cache(on_change=lambda _old, new: woken.update(affected(new, cache)) if new else None)
    cache.put(pod())
    woken.clear()
    async with answering(saying(json.dumps(SAID).encode())) as port:
        assert await ask(cache, port) == ["ok"]
        assert woken == {Key("ModelTraining", "ns", "heart")}
        woken.clear()
        assert await ask(cache, port) == ["ok"]
    assert woken == set(), "no news, no work"
    (told,) = progress_of(cache, "ns", "heart")
    assert told["progress"] == SAID


async def test_what_a_pod_said_is_forgotten_when_it_no_longer_works():
    cache = Cache()
    cache.put(pod())
    async with answering(saying(json.dumps(SAID).encode())) as port:
        await ask(cache, port)
        cache.put(pod(version=2, status={"phase": "Succeeded"}))
        assert await ask(cache, port) == []
    assert progress_of(cache, "ns", "heart") == []


@pytest.mark.parametrize(
    ("body", "status", "result"),
    [
        (b"{}", 200, "invalid"),
        (b"no JSON", 200, "invalid"),
        (b"[1]", 200, "invalid"),
        (b"[" * 15_000, 200, "invalid"),
        (b"\xff\xfe", 200, "invalid"),
        (b'{"phase": "' + b"x" * BODY_LIMIT + b'"}', 200, "invalid"),
        (b'{"phase": "Searching", "trial": "many"}', 200, "invalid"),
        (json.dumps(SAID).encode(), 404, "invalid"),
        (json.dumps(SAID).encode(), 302, "invalid"),
    ],
)
async def test_what_cannot_be_read_is_counted_and_nothing_else(body: bytes, status: int, result: str):
    cache = Cache()
    cache.put(pod())
    async with answering(saying(body, status)) as port:
        assert await ask(cache, port) == [result]
    assert progress_of(cache, "ns", "heart") == []


async def test_a_pod_that_is_silent_or_not_there_holds_nobody_up():
    async def silent(_request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    cache = Cache()
    cache.put(pod())
    async with answering(silent) as port:
        began = asyncio.get_running_loop().time()
        assert await ask(cache, port) == ["unreachable"]
        assert asyncio.get_running_loop().time() - began < 5
    assert await ask(cache, port) == ["unreachable"]


async def test_so_many_are_asked_at_the_same_time_and_no_more():
    at_once = most = 0

    async def counting(_request: web.Request) -> web.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        return web.json_response(SAID)

    cache = Cache()
    for number in range(3 * AT_ONCE):
        cache.put(pod(f"heart-{number}", training=f"heart-{number}"))
    async with answering(counting) as port:
        assert await ask(cache, port) == ["ok"] * (3 * AT_ONCE)
    assert most == AT_ONCE


async def test_it_goes_on_asking_and_a_defect_does_not_end_it(caplog: pytest.LogCaptureFixture):
    cache = Cache()
    cache.put(pod())
    calls = 0

    def broken_once(_result: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a defect")

    async with answering(saying(json.dumps(SAID).encode())) as port:
        task = asyncio.create_task(Asker(RunProgress(cache), port=port, on_answer=broken_once).ask_forever(every=0.01))
        async with asyncio.timeout(5):
            while calls < 2:  # noqa: ASYNC110  what is waited for is another task's doing
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert progress_of(cache, "ns", "heart")
    assert "defect of the operator" in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"status": {"phase": "Pending"}},
        {"status": {"podIP": None}},
        {"deletionTimestamp": "2026-11-23T10:00:00Z"},
        {"labels": {"app.kubernetes.io/component": "serving"}},
        {"labels": {"batch.kubernetes.io/job-completion-index": "1"}},
    ],
)
def test_only_the_leading_pod_of_a_run_that_works_is_asked(changes: dict[str, Any]):
    cache = Cache()
    cache.put(pod(**changes))
    assert list(leading_pods(cache)) == []
    cache.put(pod("heart-1-first", labels={"batch.kubernetes.io/job-completion-index": "0"}))
    assert [each["metadata"]["name"] for each in leading_pods(cache)] == ["heart-1-first"]


def test_a_newer_image_may_say_more_than_is_known_here():
    said = read_progress(json.dumps({**SAID, "gpu": 1, "at": "2020-01-01T00:00:00Z", "message": "m" * 400}).encode())
    assert said == {**SAID, "message": "m" * 256}
