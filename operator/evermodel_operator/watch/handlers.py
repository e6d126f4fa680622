"""kopf as informer: every watched kind, and nothing but `on.event`, which only tells the cache.

kopf's other handlers would leave marks on users' objects; its index is quadratic at the start; its timers need
finalizers. So all it does here is to keep watches alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kopf

from evermodel_operator.cluster.resources import WATCHED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evermodel_operator.cluster.resources import Resource
    from evermodel_operator.watch.cache import Cache


def registry_of(cache: Cache, login: Any, resources: Iterable[Resource] = WATCHED) -> kopf.OperatorRegistry:
    """A kopf registry whose only handlers put what they see into the cache; `login` gives kopf its credentials."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry, id="login")(login)

    async def take(event: kopf.RawEvent, **_: Any) -> None:
        take_in(event, cache)

    for resource in resources:
        kopf.on.event(resource.group, resource.version, resource.plural, registry=registry, id="take")(take)
    return registry


def take_in(event: kopf.RawEvent, cache: Cache) -> None:
    """One event of a watch, or one object of its first list."""
    obj: Any = event["object"]
    if event["type"] == "DELETED":
        cache.pop(obj)
    else:
        cache.put(obj)


def kopf_settings(resources: Iterable[Resource] = WATCHED) -> kopf.OperatorSettings:
    """All of kopf is off that writes, or needs more than list and watch on the watched kinds."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.watching.connect_timeout = 5
    settings.watching.chunk_size = 500
    settings.process.ultimate_exiting_timeout = None
    for resource in resources:
        if resource.selector:
            settings.watching.label_selectors[resource.group, resource.version, resource.plural] = resource.selector
    return settings
