"""The operator's edges against the real API server: apply, status, Events, watches. (The process: test_operator_process.py)"""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import kopf
import pytest

from evermodel_operator.cluster.apply import Executor
from evermodel_operator.cluster.client import Client
from evermodel_operator.cluster.connection import Connection, connect
from evermodel_operator.cluster.errors import Conflict, Forbidden, Invalid, NameTaken, NotFound
from evermodel_operator.cluster.events import Recorder
from evermodel_operator.cluster.resources import WATCHED
from evermodel_operator.plan import Deletion, Event, Plan
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.handlers import kopf_settings, registry_of
from evermodel_operator.watch.listing import Lister

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kinds")]
LIMITED = {"requests": {"cpu": "0.05", "memory": "16Mi"}, "limits": {"memory": "16Mi"}}


@pytest.fixture
async def connection(kubeconfig: str) -> Connection:
    return await connect(kubeconfig, None)


@pytest.fixture
async def client(connection: Connection) -> AsyncIterator[Client]:
    client = Client(connection.api_client())
    yield client
    await client.close()


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
def recorder(client: Client) -> Recorder:
    return Recorder(client, "test", lambda: datetime.now(UTC))


@pytest.fixture
def executor(client: Client, cache: Cache, recorder: Recorder) -> Executor:
    return Executor(client, cache, recorder)


@pytest.fixture
async def owner(client: Client, namespace: str) -> dict[str, Any]:
    """Any object can own: a ConfigMap, so that an operator that is installed in the cluster has no part in this."""
    metadata = {"name": f"owner-{uuid.uuid4().hex[:8]}", "namespace": namespace}
    return await client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


def owned(owner: dict[str, Any], kind: str, api_version: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "ownerReferences": [reference]},
        "spec": spec,
    }


def service(owner: dict[str, Any], name: str, version: str) -> dict[str, Any]:
    spec = {"selector": {"version": version}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    return owned(owner, "Service", "v1", name, spec)


def deployment(owner: dict[str, Any], name: str) -> dict[str, Any]:
    container = {"name": "c", "image": "pause:local", "resources": LIMITED, "env": [{"name": "EMPTY", "value": ""}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], "volumes": []}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
    return owned(owner, "Deployment", "apps/v1", name, spec)


@pytest.fixture
def name() -> str:
    return f"edge-{uuid.uuid4().hex[:8]}"


def version_of(obj: dict[str, Any] | None) -> str:
    assert obj is not None
    return str(obj["metadata"]["resourceVersion"])


async def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for is in the cluster
            await asyncio.sleep(0.05)


async def test_children_are_made_once_and_nothing_is_written_at_rest(
    client: Client, recorder: Recorder, executor: Executor, owner: dict[str, Any], name: str, namespace: str
):
    plan = Plan(apply=(service(owner, name, "1"), deployment(owner, name)))
    made = await executor.execute(owner, plan)
    before = version_of(await client.get("v1", "Service", namespace, name))

    again = await executor.execute(owner, plan)
    relisted = Cache()
    await Lister(client, relisted, [namespace]).prime()
    await Executor(client, relisted, recorder).execute(owner, plan)

    assert made == [f"made Service {name}", f"made Deployment {name}"]
    assert again == []
    after = version_of(await client.get("v1", "Service", namespace, name))
    assert after == before, "neither by the same process nor by one that was started anew"
    found = await client.get("apps/v1", "Deployment", namespace, name)
    assert found["metadata"]["generation"] == 1, "0.05 cpu is 50m to the API server, and that is no change"


async def test_a_selector_that_somebody_moved_is_moved_back(
    client: Client, cache: Cache, executor: Executor, owner: dict[str, Any], name: str, namespace: str
):
    plan = Plan(apply=(service(owner, name, "1"),))
    await executor.execute(owner, plan)
    theirs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}}
    cache.put(await client.apply({**theirs, "spec": {"selector": {"version": "2"}}}, field_manager="kubectl-edit"))

    done = await executor.execute(owner, plan)

    assert done == [f"changed Service {name}"]
    assert (await client.get("v1", "Service", namespace, name))["spec"]["selector"] == {"version": "1"}


async def test_what_the_plan_no_longer_names_vanishes_from_the_child(
    client: Client, executor: Executor, owner: dict[str, Any], name: str, namespace: str
):
    wanted = service(owner, name, "1")
    wanted["spec"]["selector"]["track"] = "canary"
    await executor.execute(owner, Plan(apply=(wanted,)))

    await executor.execute(owner, Plan(apply=(service(owner, name, "2"),)))

    assert (await client.get("v1", "Service", namespace, name))["spec"]["selector"] == {"version": "2"}


async def test_a_service_of_somebody_else_is_left_as_it_is(
    client: Client, executor: Executor, owner: dict[str, Any], name: str, namespace: str
):
    theirs = service(owner, name, "theirs")
    theirs["metadata"] = {"name": name, "namespace": namespace}
    before = await client.create(theirs)

    with pytest.raises(NameTaken, match=f"Service {name} belongs to somebody"):
        await executor.execute(owner, Plan(apply=(service(owner, name, "1"),)))

    assert version_of(await client.get("v1", "Service", namespace, name)) == version_of(before)


async def test_a_deletion_takes_what_is_ours_and_the_cache_knows_at_once(
    client: Client, cache: Cache, executor: Executor, owner: dict[str, Any], name: str, namespace: str
):
    await executor.execute(owner, Plan(apply=(deployment(owner, name),)))

    done = await executor.execute(owner, Plan(delete=(Deletion("apps/v1", "Deployment", name),)))

    assert done == [f"deleted Deployment {name}"]
    assert cache.get("apps/v1", "Deployment", namespace, name) is None
    with pytest.raises(NotFound):
        await client.get("apps/v1", "Deployment", namespace, name)


async def test_the_api_servers_own_sentence_reaches_the_user(executor: Executor, owner: dict[str, Any], name: str):
    wrong = deployment(owner, name)
    wrong["spec"]["replicas"] = -1

    with pytest.raises(Invalid, match="must be greater than or equal to 0"):
        await executor.execute(owner, Plan(apply=(wrong,)))


async def test_an_event_that_is_said_again_is_counted(
    client: Client, recorder: Recorder, owner: dict[str, Any], namespace: str, kubectl: Any
):
    for _ in range(3):
        await recorder.record(owner, Event("Warning", "RunFailed", "the database does not answer"))

    found = kubectl.json("get", "events.events.k8s.io", "-n", namespace)["items"]
    ours = [each for each in found if each["regarding"]["uid"] == owner["metadata"]["uid"]]
    assert [(each["reason"], each["series"]["count"]) for each in ours] == [("RunFailed", 3)]


async def test_a_status_is_ours_as_a_whole_and_is_not_written_to_what_has_changed(
    client: Client, executor: Executor, namespace: str, name: str, operator_away: None
):
    monitor = {
        "apiVersion": "evermodel.dev/v1alpha1",
        "kind": "DriftMonitor",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"deploymentRef": {"name": "nobody"}, "drift": {}},
    }

    async def read() -> dict[str, Any]:
        return await client.get("evermodel.dev/v1alpha1", "DriftMonitor", namespace, name)

    made = await client.create(monitor)
    await executor.write_status(made, {"observedGeneration": 1})
    first = await read()
    await executor.write_status(first, {"conditions": []})

    assert first["status"] == {"observedGeneration": 1}
    assert "observedGeneration" not in (await read()).get("status", {})

    with pytest.raises(Conflict):
        await executor.write_status(first, {"observedGeneration": 2})
    await client.delete(made)
    with pytest.raises(NotFound):
        await executor.write_status(made, {"observedGeneration": 2})
    await client.create(monitor)
    with pytest.raises(Conflict):
        await executor.write_status(first, {"observedGeneration": 2})


async def test_watches_tell_what_comes_changes_and_goes_and_only_of_what_is_ours(
    connection: Connection, client: Client, executor: Executor, owner: dict[str, Any], name: str, namespace: str
):
    seen = Cache()
    tasks = await kopf.spawn_tasks(
        registry=registry_of(seen, connection.login),
        settings=kopf_settings(),
        standalone=True,
        identity="test",  # type: ignore[arg-type]
        namespaces=[namespace],
    )
    try:
        theirs = service(owner, f"{name}-theirs", "1")
        theirs["metadata"] = {"name": f"{name}-theirs", "namespace": namespace}
        await client.create(theirs)
        await executor.execute(owner, Plan(apply=(service(owner, name, "1"),)))
        await eventually(lambda: seen.get("v1", "Service", namespace, name) is not None)

        await executor.execute(owner, Plan(apply=(service(owner, name, "2"),)))
        await eventually(lambda: seen.get("v1", "Service", namespace, name)["spec"]["selector"] == {"version": "2"})  # type: ignore[index]

        await executor.execute(owner, Plan(delete=(Deletion("v1", "Service", name),)))
        await eventually(lambda: seen.get("v1", "Service", namespace, name) is None)
        assert seen.get("v1", "Service", namespace, f"{name}-theirs") is None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)
        await asyncio.sleep(0.5)  # connections under TLS say goodbye in the background
    assert all(task.done() for task in tasks)


async def test_a_list_in_chunks_gives_everything_once(
    client: Client, namespace: str, owner: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    from evermodel_operator.cluster import client as module

    monkeypatch.setattr(module, "CHUNK", 2)
    services = next(each for each in WATCHED if each.kind == "Service")
    names = {f"chunk-{number}-{uuid.uuid4().hex[:6]}" for number in range(5)}
    for each in names:
        made = service(owner, each, "1")
        made["metadata"] |= {"namespace": namespace, "labels": {"app.kubernetes.io/managed-by": "evermodel"}}
        await client.create(made)

    items, version = await client.list(services, namespace)

    found = [item["metadata"]["name"] for item in items]
    assert names <= set(found)
    assert len(found) == len(set(found))
    assert version > 0
    assert {(item["apiVersion"], item["kind"]) for item in items} == {("v1", "Service")}


async def test_a_missing_permission_is_told_as_such(kubeconfig: str, namespace: str, kubectl: Any):
    kubectl("create", "serviceaccount", "powerless", "-n", namespace)
    token = kubectl("create", "token", "powerless", "-n", namespace).strip()
    connection = await connect(kubeconfig, None)
    connection.configuration.api_key["BearerToken"] = f"Bearer {token}"
    connection.configuration.cert_file = connection.configuration.key_file = None
    client = Client(connection.api_client())
    try:
        with pytest.raises(Forbidden, match=r"get Service .* cannot get resource"):
            await client.get("v1", "Service", namespace, "kubernetes")
    finally:
        await client.close()
