"""kopf as informer, and nothing more."""

from __future__ import annotations

from typing import Any

from evermodel_operator.cluster.resources import CHILDREN, CUSTOM, WATCHED
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.handlers import kopf_settings, registry_of, take_in


async def login(**_: Any) -> None:
    """No credentials."""


def event(kind: str | None, version: int) -> Any:
    metadata = {"name": "a", "namespace": "ns", "uid": "u", "resourceVersion": str(version)}
    return {"type": kind, "object": {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}}


def test_events_and_the_first_list_fill_the_cache_and_a_deletion_empties_it():
    cache = Cache()

    for kind, version in ((None, 1), ("ADDED", 2), ("MODIFIED", 3)):
        take_in(event(kind, version), cache)
        found = cache.get("v1", "Pod", "ns", "a")
        assert found is not None
        assert found["metadata"]["resourceVersion"] == str(version)
    take_in(event("DELETED", 4), cache)

    assert cache.get("v1", "Pod", "ns", "a") is None


def test_every_watched_kind_has_one_handler_of_the_kind_that_leaves_no_marks():
    registry = registry_of(Cache(), login)

    watching = registry._watching.get_all_handlers()
    assert {(each.selector.group, each.selector.version, each.selector.any_name) for each in watching} == {
        (each.group, each.version, each.plural) for each in WATCHED
    }
    for marks in (registry._changing, registry._spawning, registry._indexing, registry._webhooks):
        assert list(marks.get_all_handlers()) == []


def test_kopf_writes_no_events_scans_nothing_and_asks_the_server_to_filter_children():
    settings = kopf_settings()

    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.peering.standalone
    selectors = {selector.any_name: text for selector, text in settings.watching.label_selectors._items.items()}
    assert selectors == {each.plural: "app.kubernetes.io/managed-by=evermodel" for each in CHILDREN}
    assert not {each.plural for each in CUSTOM} & selectors.keys(), "whoever wrote them"
