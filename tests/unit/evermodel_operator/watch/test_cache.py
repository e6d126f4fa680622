"""The cache: never older than what was known, whatever order news come in."""

from __future__ import annotations

from typing import Any

import pytest

from evermodel_operator.watch import cache as module
from evermodel_operator.watch.cache import Cache


def pod(version: int, *, name: str = "a", uid: str = "u1", namespace: str = "ns", **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": str(version), "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


def seen(cache: Cache, name: str = "a") -> int | None:
    found = cache.get("v1", "Pod", "ns", name)
    return None if found is None else int(found["metadata"]["resourceVersion"])


def test_a_newer_state_replaces_an_older_one_and_not_the_other_way_round():
    cache = Cache()

    taken = [cache.put(pod(9)), cache.put(pod(10)), cache.put(pod(9)), cache.put(pod(10))]

    assert taken == [True, True, False, False]
    assert seen(cache) == 10, "resource versions are numbers: 10 is newer than 9"


def test_a_late_event_does_not_bring_a_deleted_object_back():
    cache = Cache()
    cache.put(pod(5))

    gone = cache.pop(pod(7))
    late = cache.put(pod(6))

    assert (gone, late) == (True, False)
    assert seen(cache) is None


def test_an_object_whose_label_was_taken_off_and_put_on_again_comes_back():
    cache = Cache()
    cache.put(pod(5))

    cache.pop(pod(7))
    back = cache.put(pod(8))

    assert back
    assert seen(cache) == 8


def test_after_a_confirmed_deletion_nothing_brings_that_very_object_back():
    cache = Cache()
    cache.put(pod(5))

    cache.pop(pod(5), for_good=True)

    assert not cache.put(pod(6))
    assert cache.put(pod(7, uid="u2")), "another object of the same name is another object"


def test_an_object_that_was_made_anew_replaces_the_old_one_and_its_deletion_comes_late():
    cache = Cache()
    cache.put(pod(5, uid="old"))

    cache.put(pod(9, uid="new"))
    gone = cache.pop(pod(8, uid="old"))

    assert not gone
    assert seen(cache) == 9


def test_list_picks_by_namespace_and_by_all_labels_in_the_order_of_names():
    cache = Cache()
    cache.put(pod(1, name="b", uid="1", app="x", tier="t"))
    cache.put(pod(2, name="a", uid="2", app="x"))
    cache.put(pod(3, name="c", uid="3", namespace="other", app="x"))

    def names(*where: Any) -> list[str]:
        return [each["metadata"]["name"] for each in cache.list("v1", "Pod", *where)]

    assert names("ns") == ["a", "b"]
    assert names(None) == ["a", "b", "c"]
    assert names("ns", {"app": "x", "tier": "t"}) == ["b"]
    assert names("nowhere") == []


def test_a_list_tells_what_vanished_and_leaves_what_came_after_it():
    cache = Cache()
    cache.put(pod(5, name="stays", uid="1"))
    cache.put(pod(6, name="gone", uid="2"))
    cache.put(pod(20, name="new", uid="3"))

    absent = cache.absent("v1", "Pod", {"1"}, 10, "ns")

    assert [each["metadata"]["name"] for each in absent] == ["gone"]
    assert cache.pop(absent[0])
    assert not cache.put(pod(9, name="gone", uid="2")), "it was gone at 10"


def test_every_change_is_told_once_with_the_state_before_and_after():
    told: list[tuple[int | None, int | None]] = []

    def version(obj: dict[str, Any] | None) -> int | None:
        return None if obj is None else int(obj["metadata"]["resourceVersion"])

    cache = Cache(on_change=lambda old, new: told.append((version(old), version(new))))

    cache.put(pod(1))
    cache.put(pod(1))
    cache.put(pod(2))
    cache.pop(pod(3))
    cache.pop(pod(3))

    assert told == [(None, 1), (1, 2), (2, None)]


def test_managed_fields_are_not_kept_and_what_was_handed_in_is_not_changed():
    given = pod(1)
    given["metadata"]["managedFields"] = [{"manager": "somebody"}]
    cache = Cache()

    cache.put(given)

    found = cache.get("v1", "Pod", "ns", "a")
    assert found is not None
    assert "managedFields" not in found["metadata"]
    assert "managedFields" in given["metadata"]


def test_the_memory_of_what_is_gone_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "TOMBSTONES", 2)
    cache = Cache()

    for number in range(4):
        cache.pop(pod(10, uid=f"u{number}"))

    assert not cache.put(pod(9, uid="u3"))
    assert cache.put(pod(9, uid="u0")), "forgotten, as the oldest"
