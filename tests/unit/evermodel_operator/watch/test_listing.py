"""Lists beside the watches, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from evermodel_operator.cluster.errors import NotFound, Unavailable
from evermodel_operator.cluster.resources import WATCHED, Resource
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.listing import KindMissing, Lister

pytestmark = pytest.mark.looptime
PODS = next(each for each in WATCHED if each.kind == "Pod")


class Listed:
    """A cluster that can only be listed."""

    def __init__(self) -> None:
        self.pods: list[dict[str, Any]] = []
        self.version = 10
        self.asked: list[tuple[str, str | None]] = []
        self.error: Exception | None = None

    async def list(self, resource: Resource, namespace: str | None = None) -> tuple[list[dict[str, Any]], int]:
        self.asked.append((resource.kind, namespace))
        if self.error:
            raise self.error
        return [pod for pod in self.pods if namespace in {None, pod["metadata"]["namespace"]}], self.version


def pod(name: str, version: int, namespace: str = "ns") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


@pytest.fixture
def cluster() -> Listed:
    return Listed()


def names(cache: Cache) -> list[str]:
    return [each["metadata"]["name"] for each in cache.list("v1", "Pod")]


async def test_the_cache_is_filled_with_all_kinds_before_anything_else(cluster: Listed):
    cluster.pods = [pod("a", 1), pod("b", 2)]
    cache = Cache()

    count = await Lister(cluster, cache, resources=[PODS]).prime()  # type: ignore[arg-type]

    assert (count, names(cache)) == (2, ["a", "b"])


async def test_only_the_given_namespaces_are_listed(cluster: Listed):
    cluster.pods = [pod("a", 1), pod("b", 2, "other"), pod("c", 3, "third")]
    cache = Cache()

    await Lister(cluster, cache, ["ns", "other"], resources=[PODS]).prime()  # type: ignore[arg-type]

    assert names(cache) == ["a", "b"]
    assert cluster.asked == [("Pod", "ns"), ("Pod", "other")]


async def test_missing_kinds_are_told_with_the_remedy(cluster: Listed):
    cluster.error = NotFound("list ModelTraining: not found")

    with pytest.raises(KindMissing, match=r"modeltrainings.evermodel.dev .* install the CRDs"):
        await Lister(cluster, Cache()).prime()  # type: ignore[arg-type]


async def test_what_watches_missed_is_healed_and_counted(cluster: Listed):
    cluster.pods = [pod("new", 5), pod("changed", 6), pod("known", 3)]
    cache = Cache()
    for known in (pod("changed", 2), pod("known", 3), pod("vanished", 4)):
        cache.put(known)
    told: list[tuple[str, int]] = []
    lister = Lister(cluster, cache, resources=[PODS], on_missed=lambda *each: told.append(each))  # type: ignore[arg-type]

    missed = await lister.heal(grace=10)

    assert missed == 3
    assert told == [("Pod", 3)]
    assert names(cache) == ["changed", "known", "new"]


async def test_what_a_watch_tells_within_the_grace_was_not_missed_and_newer_news_stay(cluster: Listed):
    cluster.pods = [pod("late", 5), pod("moved-on", 6)]
    cache = Cache()
    cache.put(pod("gone-soon", 4))
    healing = asyncio.create_task(Lister(cluster, cache, resources=[PODS]).heal(grace=10))  # type: ignore[arg-type]

    await asyncio.sleep(5)
    cache.put(pod("late", 5))
    cache.put(pod("moved-on", 12))
    cache.put(pod("after-the-list", 11))
    cache.pop(pod("gone-soon", 9))

    assert await healing == 0
    assert names(cache) == ["after-the-list", "late", "moved-on"]


async def test_rounds_that_found_something_are_counted_in_a_row_and_an_outage_is_survived(cluster: Listed):
    lister = Lister(cluster, Cache(), resources=[PODS])  # type: ignore[arg-type]
    healing = asyncio.create_task(lister.heal_forever(every=100, grace=10, early=()))

    cluster.pods = [pod("a", 1)]
    await asyncio.sleep(120)
    cluster.error = Unavailable("away")
    await asyncio.sleep(200)
    assert lister.missed_in_a_row == 1
    cluster.error = None
    cluster.pods.append(pod("b", 2))
    await asyncio.sleep(110)
    assert lister.missed_in_a_row == 2
    await asyncio.sleep(110)

    assert lister.missed_in_a_row == 0
    assert not healing.done()
    healing.cancel()


async def test_what_goes_before_the_watches_begin_is_soon_forgotten(cluster: Listed):
    # given an object that was listed before the first reconcile
    cluster.pods = [pod("a", 1)]
    cache = Cache()
    lister = Lister(cluster, cache, resources=[PODS])  # type: ignore[arg-type]
    await lister.prime()
    # when it goes before its watch begins, so that no watch tells of it
    cluster.pods = []
    healing = asyncio.create_task(lister.heal_forever(every=600, grace=10, early=(5, 15)))
    await asyncio.sleep(20)
    # then it is forgotten within seconds, and nobody takes the watches for dead
    assert cache.list("v1", "Pod") == []
    assert lister.missed_in_a_row == 0
    healing.cancel()
