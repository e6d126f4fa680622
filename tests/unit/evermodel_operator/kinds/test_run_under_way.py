"""A run as its status tells it: phases, progress, queues, several pods, and pods that were taken away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from world import World, condition, ended, trained, training

from evermodel_operator.watch.observation import progress_object

KIND, NAME = "ModelTraining", "heart"


def look(world: World) -> Any:
    world.settle_one(KIND, NAME)
    return world.own(KIND, NAME)["status"]


def job_of(world: World, name: str = "heart-1") -> dict[str, Any]:
    job = world.get("batch/v1", "Job", name)
    assert job is not None
    return job


def running(world: World) -> dict[str, Any]:
    found = condition(world.own(KIND, NAME), "Running")
    assert found is not None
    return found


def tell(world: World, **progress: Any) -> None:
    pod = world.get("v1", "Pod", "heart-1-pod")
    assert pod is not None
    world.cache.put(progress_object(pod, {"phase": "Searching", "message": "", **progress}))


@pytest.fixture
def works(world: World) -> World:
    """A world with a run whose pod works."""
    world.put(training())
    look(world)
    world.pod(job_of(world), {"state": {"running": {}}}, phase="Running")
    look(world)
    return world


def test_progress_is_told_with_its_time(works: World):
    tell(works, trial=12, trials=60, best="roc_auc 0.912", secondsLeft=90, message="xgboost")
    assert look(works)["run"]["progress"] == {
        "phase": "Searching",
        "trial": 12,
        "trials": 60,
        "best": "roc_auc 0.912",
        "secondsLeft": 90,
        "message": "xgboost",
        "at": "2026-11-23T10:00:00Z",
    }


def test_progress_is_written_every_ten_seconds_at_most_and_never_without_news(works: World):
    tell(works, trial=1, trials=60)
    look(works)
    written = 0
    for second in range(1, 61):
        works.pass_time(seconds=1)
        if second % 5 == 0 and second <= 30:
            tell(works, trial=second, trials=60)
        made = works.plan(KIND, NAME)
        if made.status != works.own(KIND, NAME)["status"]:
            written += 1
            works.reconcile(KIND, NAME)
        assert made.events == ()
    assert written == 3
    assert look(works)["run"]["progress"]["trial"] == 30


def test_news_within_ten_seconds_are_written_when_these_are_over(works: World):
    tell(works, trial=1)
    look(works)
    works.pass_time(seconds=4)
    tell(works, trial=2)
    assert works.plan(KIND, NAME).requeue == timedelta(seconds=6)
    assert look(works)["run"]["progress"]["trial"] == 1
    works.pass_time(seconds=6)
    assert look(works)["run"]["progress"]["trial"] == 2


def test_a_clock_that_is_set_back_does_not_silence_a_run(works: World):
    tell(works, trial=1)
    look(works)
    works.now -= timedelta(hours=3)
    tell(works, trial=2)
    assert look(works)["run"]["progress"]["trial"] == 2


def test_what_another_runs_pod_said_is_not_this_runs_progress(works: World):
    tell(works, trial=1)
    works.end_job("heart-1", trained(1))
    look(works)
    thing = works.own(KIND, NAME)
    works.put({**thing, "metadata": {**thing["metadata"], "annotations": {"retrain.evermodel.dev/me": "1"}}})
    assert "progress" not in look(works)["run"]


def test_the_phases_of_a_run(works: World):
    assert look(works)["run"]["phase"] == "Training"
    tell(works, phase="Recording")
    assert look(works)["run"]["phase"] == "Recording"
    works.pod(job_of(works), ended(works.now, "", 0), phase="Succeeded")
    assert look(works)["run"]["phase"] == "Recording"


def test_a_run_waits_in_its_queue_until_kueue_starts_it_and_may_wait_again(world: World):
    world.put(training(run={"queueName": "team-a"}))
    assert look(world)["run"]["phase"] == "Queued"
    assert (running(world)["status"], running(world)["reason"]) == ("True", "Queued")
    assert "team-a" in running(world)["message"]

    # Kueue writes the Job's suspend and the operator never does.
    job = job_of(world)
    assert job["spec"]["suspend"] is True
    world.put({**job, "spec": {**job["spec"], "suspend": False}})
    assert look(world)["run"]["phase"] == "Starting"
    assert world.plan(KIND, NAME).apply == ()
    world.put({**job, "spec": {**job["spec"], "suspend": True}})
    assert look(world)["run"]["phase"] == "Queued"
    assert world.plan(KIND, NAME).apply == ()


def test_of_several_pods_only_the_answer_of_the_first_counts(world: World):
    world.put(training(tuning={"workers": 3}))
    look(world)
    job = job_of(world)
    world.pass_time(seconds=9)
    world.pod(job, ended(world.now, trained(1), 0), suffix="0", index=0)
    world.pass_time(seconds=5)
    world.pod(job, ended(world.now, trained(1, passed=False), 0), suffix="1", index=1)
    world.finish_job("heart-1", "Complete")
    assert look(world)["runs"][0]["outcome"] == "Succeeded"


def test_what_a_worker_says_is_wrong_is_told_when_the_first_pod_left_no_answer(world: World):
    world.put(training(tuning={"workers": 2}))
    look(world)
    job = job_of(world)
    said = '{"outcome": "Failed", "reason": "FitFailed", "message": "svc cannot be fitted"}'
    world.pod(job, ended(world.now, said, 4), suffix="1", index=1, phase="Failed")
    world.finish_job("heart-1", "Failed", "PodFailurePolicy")
    past = look(world)["runs"][0]
    assert (past["reason"], past["message"]) == ("FitFailed", "FitFailed: svc cannot be fitted")


DISRUPTED = {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}]}


def test_a_pod_that_lost_its_node_is_no_failure_while_its_job_goes_on(world: World):
    world.put(training())
    look(world)
    world.pod(job_of(world), ended(world.now, "", 137), phase="Failed", **DISRUPTED)
    look(world)
    assert (running(world)["status"], running(world)["reason"]) == ("True", "Starting")
    assert condition(world.own(KIND, NAME), "Failed") is None


def test_a_run_that_failed_by_disruption_alone_is_started_again_and_not_for_ever(world: World):
    world.put(training())
    for run in range(1, 5):
        assert look(world)["run"]["id"] == str(run)
        world.pod(job_of(world, f"heart-{run}"), ended(world.now, "", 137), phase="Failed", **DISRUPTED)
        world.finish_job(f"heart-{run}", "Failed", "BackoffLimitExceeded")
    status = look(world)
    assert "run" not in status
    assert {run["reason"] for run in status["runs"]} == {"Disrupted"}
    assert status["runs"][0]["cause"] == {"by": "run/3", "reason": "Disrupted"}


def test_wrong_data_and_wrong_specs_are_never_repeated_whatever_else_happened(world: World):
    world.put(training(run={"oom": {"max": "8Gi"}}, triggers={"schedule": {"cron": "0 3 * * 1"}}))
    look(world)
    job = job_of(world)
    said = '{"outcome": "Failed", "reason": "NoRows", "message": "there are no rows"}'
    world.pod(job, ended(world.now, "", 137, "OOMKilled"), suffix="first", phase="Failed")
    world.pod(job, ended(world.now, said, 3), suffix="second", phase="Failed")
    world.finish_job("heart-1", "Failed", "PodFailurePolicy")
    world.pass_time(hours=1)
    status = look(world)
    assert status["runs"][0]["reason"] == "NoRows"
    assert "run" not in status
