from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World, condition, ended, trained, training

from evermodel_api.training import OutOfMemory
from evermodel_operator.kinds.memory import bytes_of, larger

RESOURCES = {"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}}
KIND = "ModelTraining"


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("512Mi", 512 * 1024**2),
        ("1.5G", 1_500_000_000),
        ("2e9", 2_000_000_000),
        ("1E", 10**18),
        ("1", 1),
        ("100m", 1),
        (".5Ki", 512),
        ("", None),
        ("Mi", None),
        ("1e99999999", None),
        ("12x", None),
    ],
)
def test_a_quantity_in_bytes(quantity: str, number: int | None):
    assert bytes_of(quantity) == number


@given(st.integers(1, 10**13), st.floats(1.0001, 8), st.integers(1, 10**13))
def test_repeating_ends_at_the_maximum_and_each_step_gives_more(used: int, factor: float, most: int):
    oom = OutOfMemory(factor=factor, max=str(most))
    limit, steps = str(used), 0
    while (more := larger(limit, oom)) is not None and steps < 60:
        before, after = bytes_of(limit), bytes_of(more)
        assert before is not None
        assert after is not None
        assert before < after <= most
        limit, steps = more, steps + 1
    if more is None:
        assert used >= most or bytes_of(limit) == most


@pytest.mark.parametrize(
    ("limit", "factor", "most", "more"),
    [
        ("512Mi", 2, "4Gi", "1024Mi"),
        ("3Gi", 2, "4Gi", "4Gi"),
        ("4Gi", 2, "4Gi", None),
        ("1G", 1.5, "4Gi", "1431Mi"),
        (None, 2, "4Gi", None),
    ],
)
def test_the_next_limit(limit: str | None, factor: float, most: str, more: str | None):
    assert larger(limit, OutOfMemory(factor=factor, max=most)) == more


def spec(**oom: Any) -> dict[str, Any]:
    run = {"resources": RESOURCES, **({"oom": oom} if oom else {})}
    return training(run=run)


def look(world: World) -> Any:
    world.settle_one(KIND, "heart")
    return world.own(KIND, "heart")["status"]


def given_memory(world: World, name: str) -> dict[str, Any]:
    job = world.get("batch/v1", "Job", name)
    assert job is not None
    resources: dict[str, Any] = job["spec"]["template"]["spec"]["containers"][0]["resources"]
    return resources


def test_a_run_that_was_killed_for_its_memory_is_repeated_with_more_until_the_maximum(world: World):
    world.put(spec(factor=2, max="1.5Gi"))
    look(world)
    limits = [given_memory(world, "heart-1")["limits"]["memory"]]
    for run in (1, 2, 3):
        world.kill_for_memory(f"heart-{run}")
        status = look(world)
        if run < 3:
            assert status["run"]["cause"] == {"by": f"run/{run}", "reason": "OutOfMemory"}
            resources = given_memory(world, f"heart-{run + 1}")
            assert resources["requests"] == {"cpu": "500m", "memory": resources["limits"]["memory"]}
            limits.append(resources["limits"]["memory"])

    assert limits == ["512Mi", "1024Mi", "1.5Gi"]
    assert [(run["memory"], run["reason"]) for run in status["runs"]] == [
        ("1.5Gi", "OutOfMemory"),
        ("1024Mi", "OutOfMemory"),
        ("512Mi", "OutOfMemory"),
    ]
    stalled = condition(world.own(KIND, "heart"), "Stalled")
    assert stalled is not None
    assert "limit of 1.5Gi" in stalled["message"]
    assert "run.oom.max of 1.5Gi is reached" in stalled["message"]
    assert "repeated with 1024Mi" in status["runs"][2]["message"]


def test_without_oom_the_run_fails_and_says_what_to_do(world: World):
    world.put(spec())
    look(world)
    world.kill_for_memory("heart-1")
    status = look(world)
    assert "run" not in status
    assert "raise run.resources.limits.memory, or set run.oom" in status["runs"][0]["message"]

    world.put(spec(factor=2, max="4Gi"))
    assert look(world)["run"]["cause"]["reason"] == "OutOfMemory"


def test_what_was_needed_is_kept_until_the_spec_changes_also_when_the_kill_is_long_forgotten(world: World):
    world.put(spec(factor=2, max="4Gi"))
    look(world)
    world.kill_for_memory("heart-1")
    look(world)
    for run in range(2, 15):
        assert given_memory(world, f"heart-{run}")["limits"]["memory"] == "1024Mi"
        world.end_job(f"heart-{run}", trained(run))
        look(world)
        thing = world.own(KIND, "heart")
        world.put({**thing, "metadata": {**thing["metadata"], "annotations": {"retrain.evermodel.dev/me": str(run)}}})
        status = look(world)
    assert "1" not in {run["id"] for run in status["runs"]}

    changed = spec(factor=2, max="4Gi")
    changed["spec"]["algorithms"][0]["params"] = {"n_neighbors": 7}
    world.put(changed)
    world.end_job("heart-15", trained(15))
    assert look(world)["run"]["cause"]["reason"] == "SpecChanged"
    assert given_memory(world, "heart-16")["limits"]["memory"] == "512Mi"


def test_a_larger_limit_in_the_spec_wins_and_oom_taken_away_ends_it(world: World):
    world.put(spec(factor=2, max="4Gi"))
    look(world)
    world.kill_for_memory("heart-1")
    look(world)
    world.end_job("heart-2", trained(2))
    larger_limit = {"requests": {}, "limits": {"memory": "3Gi"}}
    world.put(
        training(run={"resources": larger_limit, "oom": {"max": "4Gi"}}, triggers={"schedule": {"cron": "0 * * * *"}})
    )
    look(world)
    world.pass_time(hours=1)
    look(world)
    assert given_memory(world, "heart-3")["limits"]["memory"] == "3Gi"
    world.end_job("heart-3", trained(3))
    world.put(training(run={"resources": RESOURCES}, triggers={"schedule": {"cron": "0 * * * *"}}))
    world.pass_time(hours=1)
    look(world)
    assert given_memory(world, "heart-4")["limits"]["memory"] == "512Mi"


def test_with_oom_a_job_that_goes_on_is_stopped_when_a_pod_of_it_is_killed_for_its_memory(world: World):
    world.put(training(run={"resources": RESOURCES, "oom": {"max": "4Gi"}}, tuning={"workers": 2}))
    look(world)
    job = world.get("batch/v1", "Job", "heart-1")
    assert job is not None
    world.pod(job, {"state": {"running": {}}}, suffix="0", index=0, phase="Running")
    world.pod(job, ended(world.now, "", 137, "OOMKilled"), suffix="1", index=1, phase="Failed")
    status = look(world)
    assert status["runs"][0]["reason"] == "OutOfMemory"
    assert "deletionTimestamp" in world.get("batch/v1", "Job", "heart-1")["metadata"]  # type: ignore[index]
    assert "run" not in status

    world.pods_gone()
    assert look(world)["run"]["cause"] == {"by": "run/1", "reason": "OutOfMemory"}


def test_a_pod_that_somebody_killed_is_not_taken_for_one_without_memory(world: World):
    world.put(spec(factor=2, max="4Gi"))
    look(world)
    job = world.get("batch/v1", "Job", "heart-1")
    assert job is not None
    world.pod(job, ended(world.now, "", 137), phase="Failed")
    assert look(world)["run"]["id"] == "1"
    world.finish_job("heart-1", "Failed", "BackoffLimitExceeded")
    status = look(world)
    assert status["runs"][0]["reason"] == "Crashed"
    assert "run" not in status


def test_a_repetition_waits_for_a_suspension(world: World):
    world.put(spec(factor=2, max="4Gi"))
    look(world)
    suspended = spec(factor=2, max="4Gi")
    suspended["spec"]["run"]["suspend"] = True
    world.put(suspended)
    world.kill_for_memory("heart-1")
    assert "run" not in look(world)
    world.put(spec(factor=2, max="4Gi"))
    assert look(world)["run"]["cause"]["reason"] == "OutOfMemory"
