"""Own lists beside the watches: one before the first reconcile, and one now and then to heal what watches missed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from evermodel_operator.cluster.errors import ApiError, NotFound
from evermodel_operator.cluster.resources import WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from evermodel_operator.cluster.client import Client
    from evermodel_operator.cluster.resources import Resource
    from evermodel_operator.plan import Object
    from evermodel_operator.watch.cache import Cache

EVERY = 600.0
EARLY = (5.0, 15.0, 45.0, 120.0)
"""Seconds between the first lists. What goes between the list before the first reconcile and that of a watch, no watch
ever tells; on a busy machine a watch begins late."""
GRACE = 10.0
LOG = logging.getLogger(__name__)


class KindMissing(Exception):  # noqa: N818
    """A kind is not installed; says how to install it."""


class Lister:
    """Lists all watched kinds, in the given namespaces or in all of them, into the cache."""

    def __init__(
        self,
        client: Client,
        cache: Cache,
        namespaces: Sequence[str] = (),
        *,
        resources: Iterable[Resource] = WATCHED,
        on_missed: Callable[[str, int], None] = lambda _kind, _count: None,
    ) -> None:
        self._client = client
        self._cache = cache
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._resources = tuple(resources)
        self._on_missed = on_missed
        self.missed_in_a_row = 0

    async def prime(self) -> int:
        """Fill the cache before anything else happens.

        Returns:
            The number of objects.

        Raises:
            KindMissing: when the CRDs are not installed.
            ApiError: when the cluster cannot be read.
        """
        count = 0
        for resource in self._resources:
            for namespace in self._namespaces:
                try:
                    items, _version = await self._client.list(resource, namespace)
                except NotFound as error:
                    raise KindMissing(
                        f"the cluster does not know {resource.plural}.{resource.group} ({error}); "
                        "install the CRDs of the chart first"
                    ) from error
                for item in items:
                    self._cache.put(item)
                count += len(items)
        return count

    async def heal_forever(self, every: float = EVERY, grace: float = GRACE, early: Sequence[float] = EARLY) -> None:
        """List again and again; what no watch has told within `grace` seconds of a list is taken from the list.

        What the early lists find says nothing of the watches, which may not have begun.
        """
        for pause in early:
            await self._heal_after(pause, grace)
        while True:
            missed = await self._heal_after(every, grace)
            if missed is not None:
                self.missed_in_a_row = self.missed_in_a_row + 1 if missed else 0

    async def _heal_after(self, pause: float, grace: float) -> int | None:
        await asyncio.sleep(pause)
        try:
            return await self.heal(grace)
        except ApiError as error:
            LOG.warning("the cluster could not be listed, which is tried again later: %s", error)
            return None

    async def heal(self, grace: float = GRACE) -> int:
        """Bring the cache up to what is listed now.

        Returns:
            How many changes the watches had missed.
        """
        lists = [
            (resource, namespace, *await self._client.list(resource, namespace))
            for resource in self._resources
            for namespace in self._namespaces
        ]
        await asyncio.sleep(grace)
        return sum(self._take(*each) for each in lists)

    def _take(self, resource: Resource, namespace: str | None, items: list[Object], version: int) -> int:
        uids = {item["metadata"]["uid"] for item in items}
        gone = self._cache.absent(resource.api_version, resource.kind, uids, version, namespace)
        missed = sum([self._cache.put(item) for item in items]) + sum([self._cache.pop(item) for item in gone])
        if missed:
            LOG.warning("%d changes of %s were found by a list and not told by a watch", missed, resource.plural)
            self._on_missed(resource.kind, missed)
        return missed
