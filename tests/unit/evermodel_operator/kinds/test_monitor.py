import json
from typing import Any

import pytest
from world import START, World, condition, deployment, monitor, trained, training


def found(state: str = "Healthy", retrain: str | None = None, votes: list[bool] | None = None, **more: Any) -> str:
    """A monitoring pod's answer."""
    requests = ["2026-11-23T10:00:00Z"] if retrain else []
    memory = {"version": "heart-1", "votes": votes or [False], "state": state, "requests": requests}
    document = {
        "message": f"{state}: 300 rows.",
        "windowFrom": "2026-11-23T09:00:00Z",
        "windowTo": "2026-11-23T10:00:00Z",
        "rows": 300,
        "labelCoverage": 0.71,
        "referenceRows": 242,
        "drifted": state == "Firing",
        "state": state,
        "retrain": retrain,
        "memory": memory,
        **more,
    }
    return json.dumps(document)


@pytest.fixture
def watched(world: World) -> World:
    """Given: heart-1 is live and watched every minute."""
    world.put(training())
    world.put(deployment(retirement={"keepPrevious": "5m"}))
    world.put(monitor())
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    world.ready("heart-heart-1")
    world.settle()
    return world


def evaluations(world: World) -> list[str]:
    jobs = world.all("batch/v1", "Job")
    return [job["metadata"]["name"] for job in jobs if "evermodel.dev/monitor" in job["metadata"]["labels"]]


def seen(world: World) -> dict[str, Any]:
    return dict(world.own("DriftMonitor", "heart")["status"])


def test_without_a_deployment_it_says_what_is_missing(world: World):
    world.put(monitor())
    world.settle()
    ready = condition(world.own("DriftMonitor", "heart"), "Ready")
    assert ready["reason"] == "WaitingForDeployment"
    assert "create it or correct deploymentRef" in ready["message"]


def test_one_evaluation_for_each_time_slot(watched: World):
    slot = int(START.timestamp())
    assert evaluations(watched) == [f"heart-monitor-{slot}"]
    watched.end_job(f"heart-monitor-{slot}", found())
    watched.settle()
    assert len(evaluations(watched)) == 1
    watched.pass_time(seconds=61)
    watched.settle()
    assert evaluations(watched) == [f"heart-monitor-{slot}", f"heart-monitor-{slot + 60}"]


def test_missed_slots_are_not_made_up_for(watched: World):
    watched.end_job(evaluations(watched)[0], found())
    watched.settle()
    watched.pass_time(hours=5)
    watched.settle()
    assert len(evaluations(watched)) == 2


def test_an_evaluation_under_way_is_waited_for(watched: World):
    watched.pass_time(minutes=3)
    watched.settle()
    assert len(evaluations(watched)) == 1


def test_the_verdict_is_recorded(watched: World):
    watched.end_job(evaluations(watched)[0], found(votes=[False]))
    watched.settle()
    assert seen(watched)["verdict"]["state"] == "Healthy"
    assert seen(watched)["window"] == {
        "from": "2026-11-23T09:00:00Z",
        "to": "2026-11-23T10:00:00Z",
        "rows": 300,
        "labelCoverage": "0.71",
    }
    assert condition(watched.own("DriftMonitor", "heart"), "Drifted")["status"] == "False"


def test_a_request_starts_one_run_and_is_not_repeated(watched: World):
    watched.end_job(evaluations(watched)[0], found("Firing", "Drift", [True, True]))
    watched.settle()
    request = seen(watched)["request"]
    assert request["cause"] == "Drift"
    run = watched.own("ModelTraining", "heart")["status"]["run"]
    assert run["cause"] == {"by": "driftmonitor/heart", "reason": "Drift", "request": request["id"]}
    watched.pass_time(minutes=1)
    watched.settle()
    watched.end_job(evaluations(watched)[-1], found("Firing", None, [True, True, True]))
    watched.settle()
    assert seen(watched)["request"] == request
    assert "heart-3" not in [job["metadata"]["name"] for job in watched.all("batch/v1", "Job")]


def test_nothing_is_asked_for_when_a_run_began_meanwhile(watched: World):
    thing = watched.own("ModelTraining", "heart")
    annotations = {"retrain.evermodel.dev/me": "1"}
    watched.put({**thing, "metadata": {**thing["metadata"], "annotations": annotations}})
    watched.settle()
    watched.end_job(evaluations(watched)[0], found("Firing", "Drift", [True, True]))
    watched.settle()
    assert "request" not in seen(watched)
    assert "requests" not in seen(watched)["memory"]
    blocked = condition(watched.own("DriftMonitor", "heart"), "RetrainBlocked")
    assert blocked["message"] == "run 2 of heart is under way"


def test_evidence_about_a_version_that_was_replaced_is_dropped(watched: World):
    thing = watched.own("ModelTraining", "heart")
    annotations = {"retrain.evermodel.dev/me": "1"}
    watched.put({**thing, "metadata": {**thing["metadata"], "annotations": annotations}})
    watched.settle()
    watched.end_job("heart-2", trained(2))
    watched.settle()
    watched.ready("heart-heart-2")
    watched.settle()
    watched.end_job(evaluations(watched)[0], found("Firing", "Drift", [True, True]))
    watched.settle()
    assert "request" not in seen(watched)
    assert "verdict" not in seen(watched)


def test_a_failed_evaluation_is_a_condition_and_an_event(watched: World):
    name = evaluations(watched)[0]
    words = '{"failed":true,"reason":"StoreUnreachable","message":"the store cannot be read"}'
    watched.end_job(name, words, code=1)
    watched.settle()
    ready = condition(watched.own("DriftMonitor", "heart"), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "EvaluationFailed")
    assert ready["message"] == "StoreUnreachable: the store cannot be read"
    assert any(event.reason == "EvaluationFailed" for _, event in watched.events)


def test_old_evaluations_are_removed(watched: World):
    for _ in range(6):
        watched.end_job(evaluations(watched)[-1], found())
        watched.settle()
        watched.pass_time(minutes=1)
        watched.settle()
    assert len(evaluations(watched)) <= 4


def test_suspend_starts_nothing(world: World):
    world.put(training())
    world.put(deployment())
    world.put(monitor(suspend=True))
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    assert evaluations(world) == []


def test_nothing_is_written_at_rest(watched: World):
    watched.end_job(evaluations(watched)[0], found())
    watched.settle()
    before = seen(watched)
    watched.pass_time(seconds=20)
    made = watched.plan("DriftMonitor", "heart")
    assert made.status == before
    assert (made.apply, made.delete, made.events) == ((), (), ())
