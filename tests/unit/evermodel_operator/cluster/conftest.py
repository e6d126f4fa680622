"""A small API server in memory, for what is decided before and after a request; the real one is in tests/cluster."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from evermodel_operator.cluster.errors import Conflict, NotFound


class FakeApi:
    """Speaks like `Client`: names, uids, resource versions and preconditions are kept; schemas and defaults are not."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.requests: list[str] = []
        self.fail: dict[str, Exception] = {}
        self._version = 100

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any]:
        self._note("get", kind, name)
        return copy.deepcopy(self._existing(kind, name))

    async def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        self._note("create", obj["kind"], obj["metadata"]["name"])
        if (obj["kind"], obj["metadata"]["name"]) in self.objects:
            raise Conflict("it exists already")
        return self._store(obj, None)

    async def apply(self, obj: dict[str, Any], *, force: bool = True) -> dict[str, Any]:
        self._note("apply" if force else "apply-unforced", obj["kind"], obj["metadata"]["name"])
        return self._store(obj, self.objects.get((obj["kind"], obj["metadata"]["name"])))

    async def apply_status(self, obj: dict[str, Any]) -> dict[str, Any]:
        self._note("status", obj["kind"], obj["metadata"]["name"])
        known = self._existing(obj["kind"], obj["metadata"]["name"])
        if known["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified")
        return self._store({**known, "status": obj["status"]}, known)

    async def replace(self, obj: dict[str, Any]) -> dict[str, Any]:
        self._note("replace", obj["kind"], obj["metadata"]["name"])
        known = self._existing(obj["kind"], obj["metadata"]["name"])
        if known["metadata"]["resourceVersion"] != obj["metadata"].get("resourceVersion"):
            raise Conflict("the object has been modified")
        return self._store(obj, known)

    async def merge(self, obj: dict[str, Any]) -> dict[str, Any]:
        self._note("merge", obj["kind"], obj["metadata"]["name"])
        known = self._existing(obj["kind"], obj["metadata"]["name"])
        return self._store({**known, **obj, "metadata": known["metadata"]}, known)

    async def delete(self, obj: dict[str, Any], propagation: str = "Background") -> dict[str, Any]:
        self._note("delete", obj["kind"], obj["metadata"]["name"])
        known = self._existing(obj["kind"], obj["metadata"]["name"])
        if known["metadata"]["uid"] != obj["metadata"]["uid"]:
            raise Conflict("another uid")
        del self.objects[obj["kind"], obj["metadata"]["name"]]
        return {"kind": "Status", "status": "Success"}

    def put(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Somebody else writes an object."""
        return self._store(obj, self.objects.get((obj["kind"], obj["metadata"]["name"])))

    def writes(self) -> list[str]:
        return [each for each in self.requests if not each.startswith("get ")]

    def _note(self, verb: str, kind: str, name: str) -> None:
        self.requests.append(f"{verb} {kind} {name}")
        if verb in self.fail:
            raise self.fail[verb]

    def _existing(self, kind: str, name: str) -> dict[str, Any]:
        if (kind, name) not in self.objects:
            raise NotFound(f"{kind} {name} not found")
        return self.objects[kind, name]

    def _store(self, obj: dict[str, Any], known: dict[str, Any] | None) -> dict[str, Any]:
        self._version += 1
        uid = known["metadata"]["uid"] if known else obj["metadata"].get("uid") or f"uid-{self._version}"
        metadata = {"namespace": "ns", **obj["metadata"], "uid": uid, "resourceVersion": str(self._version)}
        stored = copy.deepcopy({**obj, "metadata": metadata})
        self.objects[obj["kind"], metadata["name"]] = stored
        return copy.deepcopy(stored)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()
