from typing import Any

import pytest
from world import World, condition, deployment, trained, training


def served(world: World) -> dict[str, Any]:
    return dict(world.own("ModelDeployment", "heart").get("status", {}))


def selected(world: World) -> str | None:
    front = world.get("v1", "Service", "heart")
    return front["spec"]["selector"]["evermodel.dev/version"] if front else None


def children(world: World) -> list[str]:
    return [child["metadata"]["name"] for child in world.all("apps/v1", "Deployment")]


def run(world: World, number: int) -> None:
    thing = world.own("ModelTraining", "heart")
    annotations = {"retrain.evermodel.dev/me": str(number)}
    world.put({**thing, "metadata": {**thing["metadata"], "annotations": annotations}})
    world.settle()
    world.end_job(f"heart-{number}", trained(number))
    world.settle()


@pytest.fixture
def live(world: World) -> World:
    """Given: heart-1 is live with two ready pods."""
    world.put(training())
    world.put(deployment(retirement={"keepPrevious": "5m"}))
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    world.ready("heart-heart-1")
    world.settle()
    return world


def test_before_the_first_version_it_waits_and_says_for_what(world: World):
    world.put(deployment())
    world.settle()
    assert children(world) == []
    up_to_date = condition(world.own("ModelDeployment", "heart"), "UpToDate")
    assert up_to_date["reason"] == "NoVersion"
    assert "kubectl describe modeltraining heart" in up_to_date["message"]


def test_the_first_version_is_served(live: World):
    assert selected(live) == "heart-1"
    assert served(live)["live"]["replicas"] == 2
    assert served(live)["url"] == "http://heart.clinic.svc"
    for kind in ("Ready", "Serving", "UpToDate"):
        assert condition(live.own("ModelDeployment", "heart"), kind)["status"] == "True"


def test_traffic_stays_until_all_pods_of_the_new_version_are_ready(live: World):
    run(live, 2)
    assert selected(live) == "heart-1"
    assert children(live) == ["heart-heart-1", "heart-heart-2"]
    assert served(live)["candidate"]["version"] == "heart-2"
    live.ready("heart-heart-2", replicas=1)
    live.settle()
    assert selected(live) == "heart-1"
    live.ready("heart-heart-2")
    live.settle()
    assert selected(live) == "heart-2"
    assert served(live)["previous"]["version"] == "heart-1"


def test_the_previous_version_goes_when_its_time_is_over(live: World):
    run(live, 2)
    live.ready("heart-heart-2")
    live.settle()
    live.pass_time(minutes=4)
    live.settle()
    assert children(live) == ["heart-heart-1", "heart-heart-2"]
    live.pass_time(minutes=2)
    live.settle()
    assert children(live) == ["heart-heart-2"]
    assert "previous" not in served(live)


def test_an_operator_that_died_after_the_switch_still_keeps_the_previous_version(live: World):
    run(live, 2)
    live.ready("heart-heart-2")
    live.reconcile("ModelDeployment", "heart", die_before_status=True)
    assert selected(live) == "heart-2"
    live.settle()
    assert served(live)["previous"]["version"] == "heart-1"
    assert children(live) == ["heart-heart-1", "heart-heart-2"]


def test_a_candidate_that_is_late_is_given_up_and_never_tried_again(live: World):
    run(live, 2)
    live.pass_time(minutes=10, seconds=1)
    live.settle()
    live.pass_time(hours=5)
    live.settle()
    assert selected(live) == "heart-1"
    assert children(live) == ["heart-heart-1"]
    rejected = served(live)["rejected"][0]
    assert (rejected["version"], rejected["reason"]) == ("heart-2", "ProgressDeadlineExceeded")
    assert any(event.reason == "ProgressDeadlineExceeded" for _, event in live.events)


def test_a_candidate_with_wrong_bytes_is_given_up_at_once_with_its_last_words(live: World):
    run(live, 2)
    child = live.get("apps/v1", "Deployment", "heart-heart-2")
    words = "model.skops is not what was recorded"
    live.pod(child, {"state": {}, "lastState": {"terminated": {"exitCode": 3, "message": words}}})
    live.settle()
    assert children(live) == ["heart-heart-1"]
    assert words in served(live)["rejected"][0]["message"]


def test_a_newer_version_takes_the_place_of_a_candidate(live: World):
    run(live, 2)
    run(live, 3)
    assert children(live) == ["heart-heart-1", "heart-heart-3"]
    assert served(live)["candidate"]["version"] == "heart-3"


def test_a_pinned_version_is_served(live: World):
    run(live, 2)
    live.ready("heart-heart-2")
    live.settle()
    live.put(deployment(model={"versionRef": {"name": "heart-1"}}, retirement={"keepPrevious": "5m"}))
    live.settle()
    live.ready("heart-heart-1")
    live.settle()
    assert selected(live) == "heart-1"


def test_the_first_versions_failure_stalls_with_the_cause(world: World):
    world.put(training())
    world.put(deployment())
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    child = world.get("apps/v1", "Deployment", "heart-heart-1")
    world.pod(child, {"state": {"terminated": {"exitCode": 3, "message": "digest differs"}}})
    world.settle()
    stalled = condition(world.own("ModelDeployment", "heart"), "Stalled")
    assert stalled["reason"] == "RolloutFailed"
    assert "digest differs" in stalled["message"]
    told = [event for _, event in world.events if event.reason == "RolloutFailed"]
    assert [(event.type, event.message) for event in told] == [("Warning", stalled["message"])]


def test_scaling_reaches_the_pods(live: World):
    live.put(deployment(replicas=3, retirement={"keepPrevious": "5m"}))
    live.settle()
    assert live.get("apps/v1", "Deployment", "heart-heart-1")["spec"]["replicas"] == 3


def test_the_ingress_comes_and_goes_with_the_spec(live: World):
    # given a deployment that is exposed
    live.put(deployment(expose={"ingress": {"host": "heart.example.org"}}))
    live.settle()
    front = live.get("networking.k8s.io/v1", "Ingress", "heart")
    assert front["spec"]["rules"][0]["host"] == "heart.example.org"
    # when that is taken back
    live.put(deployment())
    live.settle()
    # then it is gone
    assert live.get("networking.k8s.io/v1", "Ingress", "heart") is None


def test_the_url_says_how_the_pods_speak(live: World):
    live.put(deployment(tls={"secretRef": {"name": "heart-tls"}}, expose={"service": {"port": 443}}))
    live.settle()
    assert served(live)["url"] == "https://heart.clinic.svc"


def test_nothing_is_written_at_rest(live: World):
    before = served(live)
    live.pass_time(hours=3)
    made = live.plan("ModelDeployment", "heart")
    assert made.status == before
    assert all(live._is_there(child) for child in made.apply)
    assert made.delete == ()
