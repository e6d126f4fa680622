"""The name of a piece of work: one object of one of the four kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from evermodel_operator.plan import Object


class Key(NamedTuple):
    """Which object is to be reconciled."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.namespace}/{self.name}"


def key_of(obj: Object) -> Key:
    """The key of an object of one of the four kinds."""
    return Key(obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"])
