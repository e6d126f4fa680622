import json
from typing import Any

import pytest
from world import START, World, condition, deployment, monitor, trained, training


def found(state: str = "Healthy", retrain: str | None = None, version: str = "heart-1", **more: Any) -> str:
    """A monitoring pod's answer."""
    firing = state == "Firing"
    votes = [["Drift"], ["Drift"]] if firing else [[]]
    document = {
        "message": f"{state}: 300 rows.",
        "windowFrom": "2026-11-23T09:00:00Z",
        "windowTo": "2026-11-23T10:00:00Z",
        "rows": 300,
        "labelCoverage": 0.71,
        "referenceRows": 242,
        "drifted": firing,
        "state": state,
        "retrain": retrain,
        "memory": {"version": version, "votes": votes, "firing": firing, "state": state},
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
    watched.end_job(evaluations(watched)[0], found())
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
    watched.end_job(evaluations(watched)[0], found("Firing", "Drift"))
    watched.settle()
    request = seen(watched)["request"]
    assert request["cause"] == "Drift"
    run = watched.own("ModelTraining", "heart")["status"]["run"]
    assert run["cause"] == {"by": "driftmonitor/heart", "reason": "Drift", "request": request["id"]}
    watched.pass_time(minutes=1)
    watched.settle()
    watched.end_job(evaluations(watched)[-1], found("Firing", None))
    watched.settle()
    assert seen(watched)["request"] == request
    assert "heart-3" not in [job["metadata"]["name"] for job in watched.all("batch/v1", "Job")]


def test_nothing_is_asked_for_when_a_run_began_meanwhile(watched: World):
    thing = watched.own("ModelTraining", "heart")
    annotations = {"retrain.evermodel.dev/me": "1"}
    watched.put({**thing, "metadata": {**thing["metadata"], "annotations": annotations}})
    watched.settle()
    watched.end_job(evaluations(watched)[0], found("Firing", "Drift"))
    watched.settle()
    assert "request" not in seen(watched)
    assert "asked" not in seen(watched)["retrain"]
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
    watched.end_job(evaluations(watched)[0], found("Firing", "Drift"))
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


class TestApproval:
    @pytest.fixture
    def proposed(self, world: World) -> World:
        """Given: a retraining is proposed, since approval is Manual."""
        world.put(training())
        world.put(deployment())
        world.put(monitor(actions={"retrain": {"trainingRef": {"name": "heart"}, "approval": "Manual"}}))
        world.settle()
        world.end_job("heart-1", trained(1))
        world.settle()
        world.ready("heart-heart-1")
        world.settle()
        world.end_job(evaluations(world)[0], found("Firing", "Drift"))
        world.settle()
        return world

    def say(self, world: World, word: str, text: str) -> None:
        thing = world.own("DriftMonitor", "heart")
        world.put({**thing, "metadata": {**thing["metadata"], "annotations": {f"{word}.evermodel.dev/anna": text}}})
        world.settle()

    def test_a_proposal_says_how_to_answer(self, proposed: World):
        identity = seen(proposed)["retrain"]["proposal"]["id"]
        blocked = condition(proposed.own("DriftMonitor", "heart"), "RetrainBlocked")
        assert blocked["reason"] == "ApprovalNeeded"
        assert f"approve.evermodel.dev/YOU='{identity} WHY'" in blocked["message"]
        assert "request" not in seen(proposed)
        assert [event.reason for _, event in proposed.events].count("RetrainProposed") == 1

    def test_a_yes_asks_once_and_records_who_and_why(self, proposed: World):
        identity = seen(proposed)["retrain"]["proposal"]["id"]
        self.say(proposed, "approve", f"{identity} the ward moved")
        request = seen(proposed)["request"]
        assert (request["id"], request["by"], request["why"]) == (identity, "anna", "the ward moved")
        assert len(seen(proposed)["retrain"]["asked"]) == 1
        assert "proposal" not in seen(proposed)["retrain"]
        assert proposed.own("ModelTraining", "heart")["status"]["run"]["cause"]["request"] == identity

    def test_a_no_is_remembered_and_asks_for_nothing(self, proposed: World):
        identity = seen(proposed)["retrain"]["proposal"]["id"]
        self.say(proposed, "decline", f"{identity} a holiday")
        past = seen(proposed)["retrain"]["history"][0]
        assert (past["result"], past["by"], past["why"]) == ("Declined", "anna", "a holiday")
        assert "declined" in seen(proposed)["retrain"]
        assert "request" not in seen(proposed)

    def test_an_answer_to_another_proposal_counts_for_nothing(self, proposed: World):
        self.say(proposed, "approve", "12345 the ward moved")
        assert "request" not in seen(proposed)
        assert "proposal" in seen(proposed)["retrain"]

    def test_a_proposal_lapses_when_the_monitor_calms_down(self, proposed: World):
        proposed.pass_time(minutes=1)
        proposed.settle()
        proposed.end_job(evaluations(proposed)[-1], found("Healthy"))
        proposed.settle()
        assert "proposal" not in seen(proposed)["retrain"]


def test_what_a_retraining_came_to_is_recorded_once(watched: World):
    watched.end_job(evaluations(watched)[0], found("Firing", "Drift"))
    watched.settle()
    watched.end_job("heart-2", trained(2, passed=False))
    watched.settle()
    watched.pass_time(minutes=1)
    watched.settle()
    order = json.loads(watched.get("v1", "ConfigMap", evaluations(watched)[-1])["data"]["order.json"])
    known = order["situation"]["retraining"]
    assert (known["run"], known["result"]) == ("heart-2", "Rejected")
    watched.end_job(evaluations(watched)[-1], found("Firing", ended="Rejected"))
    watched.settle()
    history = seen(watched)["retrain"]["history"]
    assert [(past["run"], past["result"], past["cause"]) for past in history] == [("heart-2", "Rejected", "Drift")]
    watched.pass_time(minutes=1)
    watched.settle()
    order = json.loads(watched.get("v1", "ConfigMap", evaluations(watched)[-1])["data"]["order.json"])
    assert "retraining" not in order["situation"]


def test_a_window_without_rows_is_told(watched: World):
    watched.end_job(evaluations(watched)[0], found("Unknown", rows=0, drifted=None, labelCoverage=0.0))
    watched.settle()
    fresh = condition(watched.own("DriftMonitor", "heart"), "DataFresh")
    assert (fresh["status"], fresh["reason"]) == ("False", "NothingLogged")


def test_a_drought_of_labels_is_told(world: World):
    world.put(training())
    world.put(deployment())
    world.put(monitor(performance={"metrics": [{"name": "accuracy", "min": 0.8}]}))
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    world.ready("heart-heart-1")
    world.settle()
    world.end_job(evaluations(world)[0], found(labelCoverage=0.1))
    world.settle()
    degraded = condition(world.own("DriftMonitor", "heart"), "PerformanceDegraded")
    assert (degraded["status"], degraded["reason"]) == ("Unknown", "TooFewLabels")
    assert degraded["message"] == "10% of the rows have a label, and labels.minCoverage is 30%"
