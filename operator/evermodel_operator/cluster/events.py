"""Tells people what happened: events.k8s.io/v1, one object for each thing that can be said about an object.

The name follows from what is said, so that saying it again counts up the series of the same Event and the number of
Events stays bounded, over restarts too. Telling is not acting: a failure is logged and never fails a reconcile.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from evermodel_operator.cluster.errors import ApiError, Conflict, NotFound
from evermodel_operator.cluster.microtime import microtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from evermodel_operator.cluster.client import Client
    from evermodel_operator.plan import Event, Object

CONTROLLER = "evermodel.dev/operator"
API_VERSION = "events.k8s.io/v1"
NOTE_BYTES = 1024
LOG = logging.getLogger(__name__)


class Recorder:
    """Writes Events about objects; `instance` names this process."""

    def __init__(self, client: Client, instance: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._instance = instance
        self._now = now

    async def record(self, about: Object, event: Event) -> None:
        """Say something about an object, or count that it was said again."""
        body = self._event(about, event)
        try:
            await self._write(body)
        except ApiError as error:
            LOG.warning("event %s about %s is lost: %s", event.reason, about["metadata"]["name"], error)

    async def _write(self, body: Object) -> None:
        try:
            await self._client.create(body)
        except Conflict:
            metadata = body["metadata"]
            try:
                known = await self._client.get(API_VERSION, "Event", metadata["namespace"], metadata["name"])
                # A single Event has no series, so the first repetition makes two.
                count = int((known.get("series") or {}).get("count", 1)) + 1
                series = {"count": count, "lastObservedTime": body["eventTime"]}
                await self._client.merge(
                    {"apiVersion": API_VERSION, "kind": "Event", "metadata": metadata, "series": series}
                )
            except NotFound:
                await self._client.create(body)  # it expired between the two requests

    def _event(self, about: Object, event: Event) -> Object:
        metadata = about["metadata"]
        said = "\n".join((metadata["uid"], event.type, event.reason, event.message))
        name = f"{metadata['name'][:200]}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"
        return {
            "apiVersion": API_VERSION,
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "eventTime": microtime(self._now()),
            "type": event.type,
            "reason": event.reason,
            "action": "Reconcile",
            "note": _cut(event.message),
            "regarding": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance[:128],
        }


def _cut(message: str) -> str:
    data = message.encode()
    return message if len(data) <= NOTE_BYTES else data[: NOTE_BYTES - 3].decode(errors="ignore") + "..."
