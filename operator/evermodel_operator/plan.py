"""What a reconcile decides, as data: computed by `kinds`, executed by `cluster.apply`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import timedelta

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as plain JSON: keys as the API server writes them."""


@dataclass(frozen=True)
class Event:
    """A line for people in `kubectl describe`; it is always about the object that is reconciled."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True)
class Deletion:
    """A child to remove, in the namespace of the object that is reconciled."""

    api_version: str
    kind: str
    name: str
    propagation: Literal["Background", "Foreground", "Orphan"] = "Background"


@dataclass(frozen=True)
class Plan:
    """The outcome of one reconcile.

    `apply` holds whole manifests for server-side apply, in the order they are written. `status` is the whole status
    of the reconciled object: what it does not name vanishes; None leaves the status as it is. `requeue` asks for
    another look after that time even when nothing happens in the cluster.
    """

    apply: tuple[Object, ...] = ()
    delete: tuple[Deletion, ...] = ()
    status: Object | None = None
    events: tuple[Event, ...] = ()
    requeue: timedelta | None = None
