"""The operator's picture of the cluster: one entry for each object, never older than what was already known.

News reach it on three ways: watches, re-lists, and the answers to the operator's own writes. They may overtake each
other, so the resourceVersion decides: the API server hands them out as one increasing number for each kind.
"""

from __future__ import annotations

import math
from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evermodel_operator.plan import Object

TOMBSTONES = 10_000


class KindKey(NamedTuple):
    """What tells one kind from another."""

    api_version: str
    kind: str


def _ignore(_old: Object | None, _new: Object | None) -> None:
    pass


class Cache:
    """Objects by kind, namespace and name.

    What it hands out is shared and must not be changed. `on_change(old, new)` is told of every change, whichever way it
    came; one of the two is None when the object is new or gone.
    """

    def __init__(self, on_change: Callable[[Object | None, Object | None], None] = _ignore) -> None:
        self.on_change = on_change
        self._objects: dict[KindKey, dict[str, dict[str, Object]]] = defaultdict(lambda: defaultdict(dict))
        self._tombstones: OrderedDict[str, float] = OrderedDict()

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        """The object as it was last seen, or None."""
        return self._objects.get(KindKey(api_version, kind), {}).get(namespace, {}).get(name)

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        """Objects of a kind, in the order of their names; of one namespace, and with all of these labels."""
        wanted = (labels or {}).items()
        return [obj for obj in self._each(KindKey(api_version, kind), namespace) if wanted <= _labels(obj).items()]

    def put(self, obj: Object) -> bool:
        """Take in what was seen of an object.

        Returns:
            Whether that was news: not older than what is known, and not about an object known to be gone.
        """
        metadata = obj["metadata"]
        if _version(obj) <= self._tombstones.get(metadata["uid"], -1):
            return False
        known = self.get(obj["apiVersion"], obj["kind"], metadata["namespace"], metadata["name"])
        if known is not None and _version(obj) <= _version(known):
            return False
        slim = {**obj, "metadata": {k: v for k, v in metadata.items() if k != "managedFields"}}
        self._objects[_kind(obj)][metadata["namespace"]][metadata["name"]] = slim
        self.on_change(known, slim)
        return True

    def pop(self, obj: Object, *, for_good: bool = False) -> bool:
        """Take in that an object is gone, as of its resourceVersion.

        A watch by label also says so when the label was taken off, and the object may come back; `for_good` is for
        those whose deletion was confirmed.

        Returns:
            Whether that was news: another object of that name, or a later state of this one, stays.
        """
        metadata = obj["metadata"]
        self._bury(metadata["uid"], math.inf if for_good else _version(obj))
        known = self.get(obj["apiVersion"], obj["kind"], metadata["namespace"], metadata["name"])
        if known is None:
            return False
        same = known["metadata"]["uid"] == metadata["uid"]
        if not (same and for_good) and _version(known) > _version(obj):
            return False
        del self._objects[_kind(obj)][metadata["namespace"]][metadata["name"]]
        self.on_change(known, None)
        return True

    def absent(
        self, api_version: str, kind: str, listed: set[str], version: int, namespace: str | None
    ) -> Sequence[Object]:
        """Objects that are known here and were not among the `listed` uids of a LIST taken at `version`."""
        return [
            {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}
            for obj in self._each(KindKey(api_version, kind), namespace)
            if obj["metadata"]["uid"] not in listed and _version(obj) <= version
        ]

    def _each(self, kind: KindKey, namespace: str | None) -> Iterator[Object]:
        namespaces = self._objects.get(kind, {})
        for each in sorted(namespaces) if namespace is None else [namespace]:
            objects = namespaces.get(each, {})
            yield from (objects[name] for name in sorted(objects))

    def _bury(self, uid: str, version: float) -> None:
        self._tombstones[uid] = max(version, self._tombstones.get(uid, -1))
        self._tombstones.move_to_end(uid)
        while len(self._tombstones) > TOMBSTONES:
            self._tombstones.popitem(last=False)


def _kind(obj: Object) -> KindKey:
    return KindKey(obj["apiVersion"], obj["kind"])


def _labels(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def _version(obj: Object) -> int:
    return int(obj["metadata"].get("resourceVersion") or 0)
