"""The client, against an HTTP server on loopback that answers as the API server does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from evermodel_operator.cluster.client import Client
from evermodel_operator.cluster.errors import (
    ApiError,
    Conflict,
    Fenced,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)
from evermodel_operator.cluster.resources import resource_of

JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "ns", "uid": "u"}, "spec": {}}
Answer = Callable[[web.Request], web.Response]


class Server:
    """Remembers each request, and answers by `answer`."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], Any, str]] = []
        self.authorization = ""
        self.answer: Answer = lambda _request: web.json_response(JOB)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        parsed = json.loads(body) if body else None
        self.seen.append((request.method, request.path, dict(request.query), parsed, request.content_type))
        self.authorization = request.headers.get("Authorization", "")
        return self.answer(request)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with TestServer(app) as running:
        configuration = Configuration(host=str(running.make_url("")).rstrip("/"))
        configuration.api_key["BearerToken"] = "Bearer secret"
        client = Client(ApiClient(configuration))
        yield client
        await client.close()


def refusal(code: int, message: str = "because", **headers: str) -> Answer:
    return lambda _request: web.json_response({"kind": "Status", "message": message}, status=code, headers=headers)


async def test_apply_is_server_side_apply_under_our_own_name(client: Client, server: Server):
    answer = await client.apply(JOB)

    assert answer == JOB
    query = {"fieldManager": "evermodel-operator", "force": "true"}
    assert server.seen == [("PATCH", "/apis/batch/v1/namespaces/ns/jobs/j", query, JOB, "application/apply-patch+yaml")]
    assert server.authorization == "Bearer secret"


async def test_a_status_is_applied_to_the_subresource(client: Client, server: Server):
    await client.apply_status({**JOB, "apiVersion": "evermodel.dev/v1alpha1", "kind": "DriftMonitor"})

    assert server.seen[0][1] == "/apis/evermodel.dev/v1alpha1/namespaces/ns/driftmonitors/j/status"


async def test_a_deletion_names_the_uid_and_what_happens_to_dependents(client: Client, server: Server):
    await client.delete(JOB, "Foreground")

    method, path, _query, body, _type = server.seen[0]
    assert (method, path) == ("DELETE", "/apis/batch/v1/namespaces/ns/jobs/j")
    assert body == {"propagationPolicy": "Foreground", "preconditions": {"uid": "u"}}


async def test_the_core_group_has_its_own_path_and_others_are_written_by_post_put_and_merge_patch(
    client: Client, server: Server
):
    pod = {**JOB, "apiVersion": "v1", "kind": "ConfigMap"}

    await client.get("v1", "Pod", "ns", "p")
    await client.create(pod)
    await client.replace(pod)
    await client.merge(pod)

    assert [(method, path, kind) for method, path, _query, _body, kind in server.seen[1:]] == [
        ("POST", "/api/v1/namespaces/ns/configmaps", "application/json"),
        ("PUT", "/api/v1/namespaces/ns/configmaps/j", "application/json"),
        ("PATCH", "/api/v1/namespaces/ns/configmaps/j", "application/merge-patch+json"),
    ]
    assert server.seen[0][:2] == ("GET", "/api/v1/namespaces/ns/pods/p")


async def test_a_list_follows_its_chunks_and_gives_each_item_its_kind(client: Client, server: Server):
    def chunks(request: web.Request) -> web.Response:
        second = "continue" in request.query
        metadata = {"resourceVersion": "42"} if second else {"resourceVersion": "42", "continue": "next"}
        return web.json_response({"items": [{"metadata": {"name": str(second)}}], "metadata": metadata})

    server.answer = chunks

    items, version = await client.list(resource_of("batch/v1", "Job"))

    assert version == 42
    assert [item["metadata"]["name"] for item in items] == ["False", "True"]
    assert items[0]["kind"] == "Job"
    assert server.seen[0][1] == "/apis/batch/v1/jobs"
    assert server.seen[0][2] == {"limit": "500", "labelSelector": "app.kubernetes.io/managed-by=evermodel"}
    assert server.seen[1][2]["continue"] == "next"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (404, NotFound),
        (409, Conflict),
        (422, Invalid),
        (400, Invalid),
        (403, Forbidden),
        (401, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_refusals_become_errors_that_say_what_was_asked_and_what_was_answered(
    client: Client, server: Server, code: int, kind: type[ApiError]
):
    server.answer = refusal(code, "spec.replicas must not be negative")

    with pytest.raises(kind) as raised:
        await client.apply(JOB)

    assert type(raised.value) is kind
    assert str(raised.value) == "patch Job ns/j: spec.replicas must not be negative"
    if issubclass(kind, Refused):
        assert raised.value.reason == "ApiRefused"  # type: ignore[attr-defined]


async def test_an_answer_that_is_no_status_is_told_as_it_is(client: Client, server: Server):
    server.answer = lambda _request: web.Response(status=502, text="bad gateway")

    with pytest.raises(Unavailable, match="get Pod ns/p: bad gateway"):
        await client.get("v1", "Pod", "ns", "p")


async def test_the_server_may_say_when_to_come_again(client: Client, server: Server):
    server.answer = refusal(429, "too many requests", **{"Retry-After": "7"})

    with pytest.raises(Unavailable) as raised:
        await client.apply(JOB)
    assert raised.value.retry_after == 7


async def test_no_server_and_no_json_are_unavailable(client: Client, server: Server):
    configuration = Configuration(host="http://127.0.0.1:9")
    nowhere = Client(ApiClient(configuration))
    with pytest.raises(Unavailable, match="list Job: the API server did not answer"):
        await nowhere.list(resource_of("batch/v1", "Job"))
    await nowhere.close()

    server.answer = lambda _request: web.Response(text="<html>")
    with pytest.raises(Unavailable, match="no JSON"):
        await client.get("v1", "Pod", "ns", "p")


async def test_who_does_not_lead_reads_and_writes_nothing_but_the_lease(client: Client, server: Server):
    client.may_write = lambda: False
    lease = {**JOB, "apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}

    for write in (client.apply, client.apply_status, client.create, client.replace, client.merge, client.delete):
        with pytest.raises(Fenced, match="does not lead"):
            await write(JOB)  # type: ignore[operator]
    assert server.seen == []

    await client.get("v1", "Pod", "ns", "p")
    await client.replace(lease)
    assert [method for method, *_rest in server.seen] == ["GET", "PUT"]


async def test_every_request_is_counted_by_verb_and_code(server: Server, client: Client):
    counted: list[tuple[str, str]] = []
    client._on_answer = lambda verb, code: counted.append((verb, code))

    await client.apply(JOB)
    server.answer = refusal(404)
    with pytest.raises(NotFound):
        await client.get("v1", "Pod", "ns", "p")

    assert counted == [("patch", "200"), ("get", "404")]


def test_a_kind_that_is_not_in_the_table_is_told_with_where_to_add_it():
    with pytest.raises(LookupError, match="does not deal with Gateway"):
        resource_of("gateway.networking.k8s.io/v1", "Gateway")
