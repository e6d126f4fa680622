"""A person asks for a version to be made again; a Job does it once, and the status says what was found."""

import json
from datetime import timedelta
from typing import Any

import pytest
from world import DIGEST, World, condition, trained, training

from evermodel_operator.plan import Object


@pytest.fixture
def version(world: World) -> World:
    """A world with the version heart-1."""
    world.put(training(run={"resources": {"limits": {"memory": "3Gi"}}, "deadline": "2h"}))
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    return world


def ask(world: World, value: str) -> None:
    thing = world.own("ModelVersion", "heart-1")
    world.put({**thing, "metadata": {**thing["metadata"], "annotations": {"evermodel.dev/reproduce": value}}})


def jobs(world: World) -> list[Object]:
    return [job for job in world.all("batch/v1", "Job") if "-again-" in job["metadata"]["name"]]


def job_of(world: World, value: str) -> Object:
    (found,) = [j for j in jobs(world) if j["metadata"]["annotations"]["evermodel.dev/reproduce"] == value]
    return found


def end(world: World, value: str, message: str, code: int = 0, **ending: Any) -> None:
    """The Job's pod ends, and the Job with it."""
    job = job_of(world, value)
    at = world.now.isoformat().replace("+00:00", "Z")
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"], "controller": True}
    terminated = {"exitCode": code, "message": message, "finishedAt": at, **ending}
    metadata = {
        "name": f"{job['metadata']['name']}-pod",
        "labels": job["metadata"]["labels"],
        "owner": f"Job/{job['metadata']['name']}",
        "ownerReferences": [{**owner, "uid": job["metadata"]["uid"]}],
    }
    status = {"containerStatuses": [{"name": "evermodel", "state": {"terminated": terminated}}]}
    world.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status})
    kind = "Complete" if code == 0 else "Failed"
    done = {"type": kind, "status": "True", "lastTransitionTime": at, "reason": "", "message": ""}
    world.put({**job, "status": {"conditions": [done]}})


def found(outcome: str, **more: Any) -> str:
    return json.dumps({"outcome": outcome, "message": f"It is {outcome}.", **more})


def reproduction(world: World) -> dict[str, Any]:
    status: dict[str, Any] = world.own("ModelVersion", "heart-1")["status"]
    return dict(status.get("reproduction", {}))


def said(world: World) -> list[str]:
    return [event.reason for key, event in world.events if key == "ModelVersion/heart-1"]


def test_nobody_asks_and_nothing_is_made(version: World):
    assert jobs(version) == []
    assert reproduction(version) == {}
    assert condition(version.own("ModelVersion", "heart-1"), "Reproduced") is None


def test_a_wish_starts_a_job_in_the_image_that_made_the_version(version: World):
    # given a version that was made by another image than the one that is trained with now
    ask(version, "1795428000")
    # when somebody asks
    version.settle()
    # then a Job with the version's image makes it again, with what runs of the training may use
    (job,) = jobs(version)
    spec = version.own("ModelVersion", "heart-1")["spec"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == spec["image"]
    assert container["args"][0] == "reproduce"
    assert container["resources"]["limits"] == {"memory": "3Gi"}
    assert job["spec"]["activeDeadlineSeconds"] == 7200
    config = version.get("v1", "ConfigMap", job["metadata"]["name"])
    assert config is not None
    order = json.loads(config["data"]["order.json"])
    assert (order["version"], order["run"], order["artifact"]) == ("heart-1", 1, spec["artifact"])
    # and the status says that it is under way
    assert reproduction(version)["outcome"] == "Running"
    assert reproduction(version)["request"] == "1795428000"
    state = condition(version.own("ModelVersion", "heart-1"), "Reproduced")
    assert state is not None
    assert (state["status"], state["reason"]) == ("Unknown", "Reproducing")


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        ("Identical", "True", "Identical"),
        ("WithinTolerance", "True", "WithinTolerance"),
        ("Different", "False", "Different"),
        ("Impossible", "False", "Impossible"),
        ("SomethingNewer", "False", "ReproductionFailed"),
    ],
)
def test_what_was_found_becomes_status_condition_and_event(version: World, outcome: str, status: str, reason: str):
    ask(version, "one")
    version.settle()
    end(version, "one", found(outcome, digest=DIGEST))
    version.settle()

    told = reproduction(version)
    assert (told["outcome"], told["message"], told["digest"]) == (outcome, f"It is {outcome}.", DIGEST)
    state = condition(version.own("ModelVersion", "heart-1"), "Reproduced")
    assert state is not None
    assert (state["status"], state["reason"]) == (status, reason)
    assert said(version)[-2:] == ["Reproducing", reason]


def test_a_failed_job_says_why(version: World):
    ask(version, "one")
    version.settle()
    answer = json.dumps({"outcome": "Failed", "reason": "StoreUnavailable", "message": "the store is away"})
    end(version, "one", answer, code=1)
    version.settle()

    assert reproduction(version)["outcome"] == "Failed"
    assert reproduction(version)["message"] == "StoreUnavailable: the store is away"


def test_a_job_without_an_answer_says_what_kubernetes_knows(version: World):
    ask(version, "one")
    version.settle()
    end(version, "one", "", code=137, reason="OOMKilled")
    version.settle()

    assert reproduction(version)["outcome"] == "Failed"
    assert reproduction(version)["message"].startswith("OutOfMemory: pod heart-1-again-")


def test_trouble_is_told_while_it_lasts(version: World):
    ask(version, "one")
    version.settle()
    job = job_of(version, "one")
    owner = {"kind": "Job", "uid": job["metadata"]["uid"], "controller": True}
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    metadata = {"name": "p", "labels": job["metadata"]["labels"], "ownerReferences": [owner]}
    status = {"containerStatuses": [{"name": "evermodel", "state": waiting}]}
    version.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status})
    version.settle()

    assert "cannot start: ImagePullBackOff" in reproduction(version)["message"]
    assert reproduction(version)["outcome"] == "Running"


def test_each_value_is_acted_on_once(version: World):
    # given a wish that was fulfilled, and whose Job is gone
    ask(version, "one")
    version.settle()
    end(version, "one", found("Identical"))
    version.settle()
    version.pass_time(days=1, seconds=1)
    version.settle()
    assert jobs(version) == []
    assert version.get("v1", "ConfigMap", job_name_of(version, "one")) is None
    # when nothing changes
    version.settle()
    # then nothing is started again
    assert jobs(version) == []
    assert reproduction(version)["outcome"] == "Identical"
    # and another value starts another one
    ask(version, "two")
    version.settle()
    assert [job["metadata"]["annotations"]["evermodel.dev/reproduce"] for job in jobs(version)] == ["two"]


def job_name_of(world: World, value: str) -> str:
    from evermodel_operator.children.job import reproduction_name

    return reproduction_name("heart-1", value)


def test_the_plan_wakes_when_the_job_is_to_be_removed(version: World):
    ask(version, "one")
    version.settle()
    end(version, "one", found("Identical"))
    version.settle()
    version.pass_time(hours=23)

    assert version.plan("ModelVersion", "heart-1").requeue == timedelta(hours=1)


def test_a_wish_that_comes_meanwhile_waits_for_the_one_that_works(version: World):
    ask(version, "one")
    version.settle()
    ask(version, "two")
    version.settle()
    assert len(jobs(version)) == 1
    end(version, "one", found("Identical"))
    version.settle()
    assert reproduction(version)["request"] == "two"
    assert len(jobs(version)) == 2
    # and the answer of the first is not taken for the second's
    end(version, "two", found("Different"))
    version.settle()
    assert reproduction(version)["outcome"] == "Different"


def test_an_operator_that_dies_after_making_the_job_starts_no_second_one(version: World):
    # given an operator that died between the Job and the status, and settings that changed meanwhile
    ask(version, "one")
    version.reconcile("ModelVersion", "heart-1", die_before_status=True)
    assert len(jobs(version)) == 1
    assert reproduction(version) == {}
    # when the next one looks
    plan = version.plan("ModelVersion", "heart-1")
    # then it takes the Job for its own, and does not write it again: a Job's pods cannot be changed
    assert plan.apply == ()
    version.settle()
    assert reproduction(version)["outcome"] == "Running"
    assert len(jobs(version)) == 1


def test_a_job_that_ended_before_anybody_wrote_of_it_is_told_and_then_removed(version: World):
    ask(version, "one")
    version.reconcile("ModelVersion", "heart-1", die_before_status=True)
    end(version, "one", found("Identical"))
    version.pass_time(days=2)
    version.settle()

    assert reproduction(version)["outcome"] == "Identical"
    assert jobs(version) == []


def test_a_job_that_somebody_deleted_is_a_failure_that_says_so(version: World):
    ask(version, "one")
    version.settle()
    version.remove("batch/v1", "Job", job_of(version, "one")["metadata"]["name"])
    version.settle()

    assert reproduction(version)["outcome"] == "Failed"
    assert "was deleted while it worked" in reproduction(version)["message"]


def test_a_very_long_value_is_a_wish_as_well(version: World):
    ask(version, "x" * 1000)
    version.settle()
    assert len(reproduction(version)["request"]) == 253
    (job,) = jobs(version)
    assert len(job["metadata"]["name"]) <= 63
    version.settle()
    assert len(jobs(version)) == 1


def test_an_empty_value_is_no_wish(version: World):
    ask(version, "")
    version.settle()
    assert jobs(version) == []
