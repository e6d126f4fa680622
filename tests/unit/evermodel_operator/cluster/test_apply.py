"""Making a plan true, and touching nothing that is not ours."""

from __future__ import annotations

from typing import Any

import pytest

from evermodel_operator.cluster.apply import Executor
from evermodel_operator.cluster.errors import Conflict, NameTaken, Unavailable
from evermodel_operator.cluster.events import Recorder
from evermodel_operator.labels import APPLIED
from evermodel_operator.plan import Deletion, Event, Plan
from evermodel_operator.watch.cache import Cache

API = "evermodel.dev/v1alpha1"


class Told(Recorder):
    """Remembers what was said, in the order of the requests."""

    def __init__(self, api: Any) -> None:
        self.api = api

    async def record(self, about: dict[str, Any], event: Event) -> None:
        self.api.requests.append(f"event {event.reason}")


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
def executor(api: Any, cache: Cache) -> Executor:
    return Executor(api, cache, Told(api))


@pytest.fixture
def owner(api: Any, cache: Cache) -> dict[str, Any]:
    made: dict[str, Any] = api.put(
        {"apiVersion": API, "kind": "ModelTraining", "metadata": {"name": "heart"}, "status": {"champion": "heart-1"}}
    )
    cache.put(made)
    return made


def controller(uid: str, name: str = "heart") -> list[dict[str, Any]]:
    return [{"apiVersion": API, "kind": "ModelTraining", "name": name, "uid": uid, "controller": True}]


def job(uid: str | None, name: str = "heart-1", **spec: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if uid:
        metadata["ownerReferences"] = controller(uid)
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec or {"backoffLimit": 2}}


async def test_children_come_first_then_deletions_then_the_status_then_events(
    api: Any, cache: Cache, executor: Executor, owner: dict[str, Any]
):
    cache.put(api.put(job(owner["metadata"]["uid"], "old")))
    plan = Plan(
        apply=(job(owner["metadata"]["uid"]),),
        delete=(Deletion("batch/v1", "Job", "old"),),
        status={"champion": "heart-2"},
        events=(Event("Normal", "RunStarted", "run 1"),),
    )

    done = await executor.execute(owner, plan)

    assert api.writes() == [
        "apply-unforced Job heart-1",
        "delete Job old",
        "status ModelTraining heart",
        "event RunStarted",
    ]
    assert done == ["made Job heart-1", "deleted Job old", "status"]


async def test_the_next_reconcile_sees_what_this_one_wrote_before_any_watch_tells(
    cache: Cache, executor: Executor, owner: dict[str, Any]
):
    await executor.execute(owner, Plan(apply=(job(owner["metadata"]["uid"]),), status={"champion": "heart-2"}))

    assert cache.get("batch/v1", "Job", "ns", "heart-1") is not None
    seen = cache.get(API, "ModelTraining", "ns", "heart")
    assert seen is not None
    assert seen["status"] == {"champion": "heart-2"}


async def test_every_child_is_labelled_so_that_it_is_watched_and_carries_the_digest_of_its_manifest(
    api: Any, executor: Executor, owner: dict[str, Any]
):
    await executor.execute(owner, Plan(apply=(job(owner["metadata"]["uid"]),)))

    metadata = api.objects["Job", "heart-1"]["metadata"]
    assert metadata["labels"] == {"app.kubernetes.io/managed-by": "evermodel"}
    assert len(metadata["annotations"][APPLIED]) == 16
    assert metadata["namespace"] == "ns"


async def test_at_rest_nothing_is_requested_at_all(api: Any, cache: Cache, executor: Executor, owner: dict[str, Any]):
    plan = Plan(apply=(job(owner["metadata"]["uid"]),), status={"champion": "heart-1"})
    await executor.execute(owner, plan)
    api.requests.clear()

    again = await executor.execute(owner, plan)
    after_a_restart = await Executor(api, cache, Told(api)).execute(owner, plan)

    assert (again, after_a_restart) == ([], [])
    assert api.requests == []


async def test_a_changed_manifest_is_applied(api: Any, executor: Executor, owner: dict[str, Any]):
    await executor.execute(owner, Plan(apply=(job(owner["metadata"]["uid"]),)))

    done = await executor.execute(owner, Plan(apply=(job(owner["metadata"]["uid"], suspend=True),)))

    assert done == ["changed Job heart-1"]
    assert api.requests[-1] == "apply Job heart-1", "by force: it is ours"


async def test_what_somebody_changed_by_hand_is_put_right(
    api: Any, cache: Cache, executor: Executor, owner: dict[str, Any]
):
    plan = Plan(apply=(job(owner["metadata"]["uid"]),))
    await executor.execute(owner, plan)
    edited = api.objects["Job", "heart-1"]
    cache.put(api.put({**edited, "spec": {"backoffLimit": 6}}))

    done = await executor.execute(owner, plan)

    assert done == ["changed Job heart-1"]
    assert api.objects["Job", "heart-1"]["spec"] == {"backoffLimit": 2}


async def test_what_others_add_is_left_alone(api: Any, cache: Cache, executor: Executor, owner: dict[str, Any]):
    plan = Plan(apply=(job(owner["metadata"]["uid"]),))
    await executor.execute(owner, plan)
    edited = api.objects["Job", "heart-1"]
    cache.put(api.put({**edited, "spec": {"backoffLimit": 2, "parallelism": 1}, "status": {"active": 1}}))
    api.requests.clear()

    assert await executor.execute(owner, plan) == []
    assert api.requests == []


async def test_a_value_that_the_api_server_writes_in_other_words_is_not_written_over_and_over(
    api: Any, executor: Executor, cache: Cache, owner: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    plan = Plan(apply=(job(owner["metadata"]["uid"], cpu="0.5"),))
    store = api._store

    def normalising(obj: dict[str, Any], known: dict[str, Any] | None) -> dict[str, Any]:
        return store({**obj, "spec": {"cpu": "500m"}} if obj["kind"] == "Job" else obj, known)  # type: ignore[no-any-return]

    monkeypatch.setattr(api, "_store", normalising)
    await executor.execute(owner, plan)
    api.requests.clear()

    assert await executor.execute(owner, plan) == []
    assert api.requests == []


@pytest.mark.parametrize(
    ("owners", "holder"),
    [(controller("somebody-else", "lung"), "ModelTraining lung"), (None, "somebody who does not say so")],
)
async def test_a_child_whose_name_belongs_to_somebody_else_is_not_touched(
    api: Any, executor: Executor, owner: dict[str, Any], owners: Any, holder: str
):
    foreign = job(None)
    if owners:
        foreign["metadata"]["ownerReferences"] = owners
    api.put(foreign)
    plan = Plan(apply=(job(owner["metadata"]["uid"]),), status={"champion": "x"})

    with pytest.raises(NameTaken) as raised:
        await executor.execute(owner, plan)

    assert (
        str(raised.value) == f"Job heart-1 belongs to {holder} and is left alone; rename it or delete it to make room"
    )
    assert raised.value.reason == "NameTaken"
    assert api.writes() == [], "and the status does not tell of what did not happen"


async def test_a_child_of_somebody_else_is_not_deleted(api: Any, executor: Executor, owner: dict[str, Any]):
    api.put(job("somebody-else"))

    with pytest.raises(NameTaken):
        await executor.execute(owner, Plan(delete=(Deletion("batch/v1", "Job", "heart-1"),)))

    assert ("Job", "heart-1") in api.objects


async def test_what_is_gone_already_need_not_be_deleted(api: Any, executor: Executor, owner: dict[str, Any]):
    assert await executor.execute(owner, Plan(delete=(Deletion("batch/v1", "Job", "heart-1"),))) == []
    assert api.writes() == []


async def test_a_deletion_that_finds_another_object_of_the_name_leaves_it(
    api: Any, cache: Cache, executor: Executor, owner: dict[str, Any]
):
    cache.put(api.put(job(owner["metadata"]["uid"])))
    del api.objects["Job", "heart-1"]
    api.put(job("somebody-else"))

    done = await executor.execute(owner, Plan(delete=(Deletion("batch/v1", "Job", "heart-1"),)))

    assert done == []
    assert ("Job", "heart-1") in api.objects
    assert cache.get("batch/v1", "Job", "ns", "heart-1") is None


async def test_a_child_without_an_owner_is_made_once_and_then_belongs_to_the_user(
    api: Any, executor: Executor, owner: dict[str, Any]
):
    def claim(size: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "store"},
            "spec": {"size": size},
        }

    made = await executor.execute(owner, Plan(apply=(claim("1Gi"),)))
    again = await executor.execute(owner, Plan(apply=(claim("2Gi"),)))

    assert (made, again) == (["made PersistentVolumeClaim store"], [])
    assert api.objects["PersistentVolumeClaim", "store"]["spec"] == {"size": "1Gi"}


async def test_a_failure_in_between_leaves_a_status_that_is_behind_and_the_next_attempt_catches_up(
    api: Any, executor: Executor, owner: dict[str, Any]
):
    plan = Plan(apply=(job(owner["metadata"]["uid"]),), status={"champion": "heart-2"})
    api.fail["status"] = Unavailable("no answer")
    with pytest.raises(Unavailable):
        await executor.execute(owner, plan)
    assert owner["status"] == {"champion": "heart-1"}

    del api.fail["status"]
    done = await executor.execute(owner, plan)

    assert done == ["status"], "the child is not made a second time"


async def test_the_status_of_an_object_that_was_made_anew_is_not_overwritten(
    api: Any, executor: Executor, owner: dict[str, Any]
):
    del api.objects["ModelTraining", "heart"]
    api.put({"apiVersion": API, "kind": "ModelTraining", "metadata": {"name": "heart"}})

    with pytest.raises(Conflict):
        await executor.execute(owner, Plan(status={"champion": "heart-2"}))


async def test_a_status_that_was_thought_out_for_an_older_spec_is_not_written(
    api: Any, executor: Executor, owner: dict[str, Any]
):
    api.put({**api.objects["ModelTraining", "heart"], "spec": {"target": "another"}})

    with pytest.raises(Conflict):
        await executor.execute(owner, Plan(status={"champion": "heart-2"}))


async def test_no_status_in_the_plan_leaves_the_status(api: Any, executor: Executor, owner: dict[str, Any]):
    assert await executor.execute(owner, Plan(status=None)) == []
    assert api.writes() == []
