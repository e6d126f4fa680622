"""A thin client of the API server: plain dicts in and out, server-side apply, limits, and few kinds of errors."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import aiohttp

from evermodel_operator.cluster.errors import ApiError, Fenced, Unavailable, error_of
from evermodel_operator.cluster.limits import Limits, TokenBucket
from evermodel_operator.cluster.resources import Resource, resource_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubernetes.aio.client import ApiClient

    from evermodel_operator.plan import Object

FIELD_MANAGER = "evermodel-operator"
JSON, APPLY, MERGE = "application/json", "application/apply-patch+yaml", "application/merge-patch+json"
TIMEOUT = 30.0
CHUNK = 500

Verb = Literal["get", "list", "create", "update", "patch", "delete"]
_METHODS: dict[Verb, str] = {
    "get": "GET",
    "list": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
}


class Client:
    """Requests to the API server.

    Every method raises `ApiError`, or one of its kinds. `may_write` is asked before every write but those of the Lease:
    a process that does not lead must not write. `on_answer` is told verb and code of every request.
    """

    def __init__(
        self,
        api: ApiClient,
        *,
        limits: Limits | None = None,
        may_write: Callable[[], bool] = lambda: True,
        on_answer: Callable[[str, str], None] = lambda _verb, _code: None,
    ) -> None:
        self._api: Any = api
        self._limits = limits or Limits(TokenBucket(50, 100, time.monotonic), 20)
        self.may_write = may_write
        self._on_answer = on_answer

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object:
        """Read one object."""
        return await self._request("get", resource_of(api_version, kind), namespace, name)

    async def list(self, resource: Resource, namespace: str | None = None) -> tuple[list[Object], int]:
        """Read all objects of a kind that its selector lets through, in chunks.

        Returns:
            The objects, each with its apiVersion and kind, and the resourceVersion of the list.
        """
        items: list[Object] = []
        query = {"limit": str(CHUNK), "labelSelector": resource.selector, "continue": ""}
        while True:
            answer = await self._request("list", resource, namespace, query={k: v for k, v in query.items() if v})
            items += [{"apiVersion": resource.api_version, "kind": resource.kind, **item} for item in answer["items"]]
            query["continue"] = answer["metadata"].get("continue") or ""
            if not query["continue"]:
                return items, int(answer["metadata"]["resourceVersion"])

    async def apply(self, obj: Object, *, force: bool = True, field_manager: str = FIELD_MANAGER) -> Object:
        """Server-side apply: make the object so, there or not. Without `force` others' fields are a `Conflict`."""
        return await self._apply(obj, None, force=force, field_manager=field_manager)

    async def apply_status(self, obj: Object, *, field_manager: str = FIELD_MANAGER) -> Object:
        """Server-side apply of the status; fields that it no longer names vanish."""
        return await self._apply(obj, "status", force=True, field_manager=field_manager)

    async def create(self, obj: Object) -> Object:
        """Make an object; `Conflict` when there is one of that name."""
        resource = resource_of(obj["apiVersion"], obj["kind"])
        query = {"fieldManager": FIELD_MANAGER}
        return await self._request("create", resource, obj["metadata"]["namespace"], body=obj, query=query)

    async def replace(self, obj: Object) -> Object:
        """Write an object as a whole; `Conflict` when its resourceVersion is no longer the current one."""
        metadata = obj["metadata"]
        resource = resource_of(obj["apiVersion"], obj["kind"])
        query = {"fieldManager": FIELD_MANAGER}
        return await self._request("update", resource, metadata["namespace"], metadata["name"], body=obj, query=query)

    async def merge(self, obj: Object) -> Object:
        """Change the named fields of an object that is there."""
        metadata = obj["metadata"]
        resource = resource_of(obj["apiVersion"], obj["kind"])
        query = {"fieldManager": FIELD_MANAGER}
        return await self._request(
            "patch", resource, metadata["namespace"], metadata["name"], body=obj, query=query, content=MERGE
        )

    async def delete(self, obj: Object, propagation: str = "Background") -> Object:
        """Delete this very object: `Conflict` when another one has taken its name.

        Returns:
            The object when it is not gone at once, else a Status.
        """
        metadata = obj["metadata"]
        body = {"propagationPolicy": propagation, "preconditions": {"uid": metadata["uid"]}}
        resource = resource_of(obj["apiVersion"], obj["kind"])
        return await self._request("delete", resource, metadata["namespace"], metadata["name"], body=body)

    async def _apply(self, obj: Object, subresource: str | None, *, force: bool, field_manager: str) -> Object:
        metadata = obj["metadata"]
        resource = resource_of(obj["apiVersion"], obj["kind"])
        query = {"fieldManager": field_manager, "force": str(force).lower()}
        return await self._request(
            "patch",
            resource,
            metadata["namespace"],
            metadata["name"],
            subresource=subresource,
            body=obj,
            query=query,
            content=APPLY,
        )

    async def _request(  # noqa: PLR0913 - the parts of an HTTP request
        self,
        verb: Verb,
        resource: Resource,
        namespace: str | None,
        name: str | None = None,
        *,
        subresource: str | None = None,
        query: dict[str, str] | None = None,
        body: Object | None = None,
        content: str = JSON,
    ) -> Object:
        if verb not in {"get", "list"} and resource.kind != "Lease" and not self.may_write():
            raise Fenced(f"{verb} {resource.kind} {namespace}/{name}: this process does not lead and writes nothing")
        what = f"{verb} {resource.kind}" + (f" {namespace}" if namespace else "") + (f"/{name}" if name else "")
        path = resource.path(namespace, name, subresource) + (f"?{urlencode(query)}" if query else "")
        async with self._limits.request():
            code, headers, data = await self._send(_METHODS[verb], path, body, content, what, verb)
        if code >= 300:
            raise error_of(code, data, what, headers.get("Retry-After"))
        try:
            answer: Object = json.loads(data)
        except ValueError as error:
            raise Unavailable(f"{what}: the answer is no JSON ({error})") from error
        return answer

    async def _send(
        self, method: str, path: str, body: Object | None, content: str, what: str, verb: str
    ) -> tuple[int, Any, bytes]:
        headers = {"Accept": JSON, "Content-Type": content, "User-Agent": FIELD_MANAGER}
        try:
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            answer = await self._api.rest_client.request(
                method,
                self._api.configuration.host + path,
                headers=headers,
                body=body,
                _request_timeout=aiohttp.ClientTimeout(total=TIMEOUT, connect=5),
            )
            data: bytes = await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._on_answer(verb, "none")
            raise Unavailable(f"{what}: the API server did not answer ({error or type(error).__name__})") from error
        self._on_answer(verb, str(answer.status))
        return answer.status, answer.headers, data


__all__ = ["FIELD_MANAGER", "ApiError", "Client"]
