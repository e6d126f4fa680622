"""How one version takes over from another: strategies, checks, and what people ask."""

from __future__ import annotations

from typing import Any

import pytest
from world import World, condition, deployment, trained, training

CANARY = {"type": "Canary", "steps": [{"weight": 10, "pause": "10m"}, {"weight": 50, "pause": "10m"}]}
CHECKS = {"errorRate": {"max": 0.01}, "latencyP99": {"max": "250ms"}}


def status(world: World) -> dict[str, Any]:
    return dict(world.own("ModelDeployment", "heart").get("status", {}))


def selector(world: World) -> dict[str, str]:
    front = world.get("v1", "Service", "heart")
    assert front is not None
    return {key.removeprefix("evermodel.dev/"): value for key, value in front["spec"]["selector"].items()}


def replicas(world: World) -> dict[str, int]:
    return {c["metadata"]["name"]: c["spec"]["replicas"] for c in world.all("apps/v1", "Deployment")}


def progress(world: World) -> tuple[str, str]:
    found = condition(world.own("ModelDeployment", "heart"), "Progressing")
    assert found is not None
    return found["reason"], found["message"]


def new_version(world: World, number: int) -> None:
    thing = world.own("ModelTraining", "heart")
    annotations = {"retrain.evermodel.dev/me": str(number)}
    world.put({**thing, "metadata": {**thing["metadata"], "annotations": annotations}})
    world.settle()
    world.end_job(f"heart-{number}", trained(number))
    world.settle()


def ready(world: World, number: int, pods: int) -> None:
    world.ready(f"heart-heart-{number}", pods)
    world.settle()


def served(world: World, pods: int = 2, **changes: Any) -> World:
    """heart-1 is live, and heart-2 was just approved."""
    world.put(training())
    world.put(deployment(replicas=pods, **changes))
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    ready(world, 1, pods)
    new_version(world, 2)
    return world


def stage(world: World, number: int) -> str:
    return str(world.own("ModelVersion", f"heart-{number}")["status"]["stage"])


def test_a_canary_takes_its_share_step_by_step_and_the_live_version_keeps_all_its_pods(world: World):
    # given four pods of heart-1 and a canary in two steps
    served(world, 4, strategy=CANARY)
    assert replicas(world) == {"heart-heart-1": 4, "heart-heart-2": 1}
    assert selector(world) == {"deployment": "heart", "version": "heart-1"}
    # when the first step's pod is ready
    ready(world, 2, 1)
    # then the Service sends traffic to both versions, and the status says how much
    assert selector(world) == {"deployment": "heart"}
    assert (status(world)["candidate"]["weight"], status(world)["candidate"]["step"]) == (20, 1)
    assert progress(world)[0] == "Step"
    assert "goes on at 10:10:00 UTC" in progress(world)[1]
    # when its pause is over
    world.pass_time(minutes=10, seconds=1)
    world.settle()
    assert replicas(world) == {"heart-heart-1": 4, "heart-heart-2": 4}
    assert "waiting" in status(world)["candidate"]
    ready(world, 2, 4)
    assert status(world)["candidate"]["weight"] == 50
    # and the last pause too
    world.pass_time(minutes=10, seconds=1)
    world.settle()
    # then heart-2 is live, and heart-1 is warm with all its pods
    assert selector(world) == {"deployment": "heart", "version": "heart-2"}
    assert status(world)["previous"]["version"] == "heart-1"
    assert replicas(world) == {"heart-heart-1": 4, "heart-heart-2": 4}
    assert stage(world, 2) == "Champion"


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"requests": 100, "errors": 2}, "check errorRate failed: 0.02 of the predictions failed"),
        ({"requests": 100, "slow": 2}, "check latencyP99 failed: 98 % of the predictions took at most 250ms"),
    ],
)
def test_a_failed_check_rolls_back_at_once_and_the_version_is_never_tried_again(world: World, counts, words: str):
    # given a canary that takes traffic
    served(world, strategy={**CANARY, "checks": CHECKS})
    ready(world, 2, 1)
    assert selector(world) == {"deployment": "heart"}
    # when its pods count failures
    world.counted("heart-2", **counts)
    world.settle()
    # then heart-1 has all traffic again, and heart-2 is rejected with the numbers
    assert selector(world) == {"deployment": "heart", "version": "heart-1"}
    assert replicas(world) == {"heart-heart-1": 2}
    (rejected,) = status(world)["rejected"]
    assert (rejected["version"], rejected["reason"]) == ("heart-2", "CheckFailed")
    assert words in rejected["message"]
    journal = world.own("ModelVersion", "heart-2")["status"]["journal"][-1]
    assert (journal["to"], journal["by"], journal["reason"]) == ("Rejected", "modeldeployment/heart", "CheckFailed")
    assert words in journal["message"]
    world.pass_time(hours=9)
    world.settle()
    assert replicas(world) == {"heart-heart-1": 2}


def test_few_predictions_are_not_judged(world: World):
    served(world, strategy={**CANARY, "checks": CHECKS})
    ready(world, 2, 1)
    world.counted("heart-2", requests=19, errors=19)
    world.settle()
    assert status(world)["candidate"]["version"] == "heart-2"


@pytest.mark.parametrize("dies", [False, True])
def test_checks_go_on_after_the_move_and_move_back_to_the_warm_version(world: World, *, dies: bool):
    # given a rollout at once, whose version before is kept for no time at all
    served(world, strategy={"checks": CHECKS, "watch": "5m"}, retirement={"keepPrevious": "0s"})
    ready(world, 2, 2)
    assert selector(world)["version"] == "heart-2"
    assert (status(world)["watched"]["version"], status(world)["previous"]["version"]) == ("heart-2", "heart-1")
    assert progress(world)[0] == "Watched"
    # when a check fails, even if the operator dies after each write
    world.counted("heart-2", requests=100, errors=50)
    for _ in range(3):
        world.reconcile("ModelDeployment", "heart", die_before_status=dies)
    world.settle()
    # then heart-1 answers again and nothing of heart-2 is left
    assert selector(world)["version"] == "heart-1"
    assert replicas(world) == {"heart-heart-1": 2}
    assert (stage(world, 1), stage(world, 2)) == ("Champion", "Rejected")
    assert any(event.reason == "RolledBack" for _, event in world.events)


def test_a_version_that_holds_while_it_is_watched_stays(world: World):
    served(world, strategy={"checks": CHECKS, "watch": "5m"}, retirement={"keepPrevious": "0s"})
    ready(world, 2, 2)
    world.counted("heart-2", requests=1000, errors=1)
    world.pass_time(minutes=5, seconds=1)
    world.settle()
    assert replicas(world) == {"heart-heart-2": 2}
    assert "watched" not in status(world)


def test_blue_green_shows_the_candidate_at_an_address_of_its_own_before_it_goes_live(world: World):
    # given a preview without an end
    served(world, strategy={"type": "BlueGreen", "preview": {}})
    ready(world, 2, 2)
    # then it can be asked, and takes no traffic
    front = world.get("v1", "Service", "heart-preview")
    assert front["spec"]["selector"]["evermodel.dev/version"] == "heart-2"
    assert status(world)["candidate"]["url"] == "http://heart-preview.clinic.svc"
    assert selector(world)["version"] == "heart-1"
    assert "waits for a person" in progress(world)[1]
    world.pass_time(hours=9)
    world.settle()
    assert selector(world)["version"] == "heart-1"
    # when a person promotes
    world.annotate("ModelDeployment", "heart", promote="1")
    world.settle()
    # then it is live and its own address is gone
    assert selector(world)["version"] == "heart-2"
    assert world.get("v1", "Service", "heart-preview") is None


def test_a_promotion_counts_once(world: World):
    steps = [{"weight": 10}, {"weight": 50}]
    served(world, 4, strategy={"type": "Canary", "steps": steps})
    ready(world, 2, 1)
    world.annotate("ModelDeployment", "heart", promote="1")
    world.settle()
    ready(world, 2, 4)
    world.settle()
    assert status(world)["candidate"]["step"] == 2


def test_a_person_goes_back_from_a_candidate(world: World):
    served(world, strategy=CANARY)
    ready(world, 2, 1)
    world.annotate("ModelDeployment", "heart", rollback="1")
    world.settle()
    assert selector(world) == {"deployment": "heart", "version": "heart-1"}
    assert status(world)["rejected"][0]["reason"] == "RolledBackByPerson"
    assert stage(world, 2) == "Rejected"


def test_a_person_goes_back_to_the_warm_version_once(world: World):
    served(world)
    ready(world, 2, 2)
    world.annotate("ModelDeployment", "heart", rollback="1")
    world.settle()
    assert selector(world)["version"] == "heart-1"
    assert (stage(world, 1), stage(world, 2)) == ("Champion", "Rejected")
    # the same annotation does not go back from the next version
    new_version(world, 3)
    ready(world, 3, 2)
    world.settle()
    assert selector(world)["version"] == "heart-3"


def test_a_wish_to_go_back_with_nothing_warm_is_told(world: World):
    world.put(training())
    world.put(deployment())
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    ready(world, 1, 2)
    world.annotate("ModelDeployment", "heart", rollback="1")
    world.settle()
    assert selector(world)["version"] == "heart-1"
    assert [event.reason for _, event in world.events if event.reason == "NothingToRollBack"] == ["NothingToRollBack"]


def test_an_old_wish_is_not_acted_on_when_the_status_was_lost(world: World):
    served(world)
    ready(world, 2, 2)
    world.annotate("ModelDeployment", "heart", rollback="1")
    world.settle()
    new_version(world, 3)
    ready(world, 3, 2)
    thing = world.own("ModelDeployment", "heart")
    world.put({**thing, "status": {}})
    world.settle()
    assert selector(world)["version"] == "heart-3"
    assert stage(world, 3) == "Champion"


def test_a_rejected_version_is_tried_again_when_a_person_asks(world: World):
    served(world)
    world.pass_time(minutes=10, seconds=1)
    world.settle()
    assert stage(world, 2) == "Rejected"
    world.annotate("ModelDeployment", "heart", retry="heart-2 1")
    world.settle()
    assert (stage(world, 2), status(world)["candidate"]["version"]) == ("Approved", "heart-2")
    # and given up again when it fails again
    world.pass_time(minutes=10, seconds=1)
    world.settle()
    assert stage(world, 2) == "Rejected"
    assert replicas(world) == {"heart-heart-1": 2}


def test_a_paused_rollout_stays_where_it_is_and_a_new_one_does_not_begin(world: World):
    served(world, strategy=CANARY)
    ready(world, 2, 1)
    world.annotate("ModelDeployment", "heart", pause="yes")
    world.pass_time(hours=3)
    world.settle()
    assert status(world)["candidate"]["step"] == 1
    assert progress(world)[0] == "Paused"
    new_version(world, 3)
    assert status(world)["candidate"]["version"] == "heart-2"
    world.annotate("ModelDeployment", "heart", pause=None)
    world.settle()
    assert status(world)["candidate"]["version"] == "heart-3"


def test_pinning_by_annotation_holds_a_version(world: World):
    served(world)
    world.annotate("ModelDeployment", "heart", pin="heart-1")
    world.settle()
    assert replicas(world) == {"heart-heart-1": 2}
    assert condition(world.own("ModelDeployment", "heart"), "UpToDate")["status"] == "True"


def test_where_nobody_else_answers_no_pause_is_waited_for_and_nothing_is_given_up(world: World):
    # given a canary that waits while the live version loses all its pods
    served(world, 2, strategy={"type": "Canary", "steps": [{"weight": 50}], "checks": CHECKS})
    ready(world, 2, 2)
    world.ready("heart-heart-1", 0)
    world.counted("heart-2", requests=100, errors=100)
    world.settle()
    # then the candidate takes over, failing checks or not: nobody else is there
    assert selector(world)["version"] == "heart-2"


def test_the_canary_waits_until_the_pods_of_the_version_before_are_gone(world: World):
    # given a pod of an older version, which the wide Service would select
    served(world, strategy=CANARY)
    world.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "lingering",
                "labels": {"evermodel.dev/deployment": "heart", "evermodel.dev/version": "heart-0"},
            },
        }
    )
    ready(world, 2, 1)
    assert selector(world) == {"deployment": "heart", "version": "heart-1"}
    world.remove("v1", "Pod", "lingering")
    world.settle()
    assert selector(world) == {"deployment": "heart"}


def test_a_newer_version_begins_with_the_first_step(world: World):
    served(world, strategy=CANARY)
    ready(world, 2, 1)
    new_version(world, 3)
    assert selector(world) == {"deployment": "heart", "version": "heart-1"}
    assert replicas(world) == {"heart-heart-1": 2, "heart-heart-3": 1}
    assert status(world)["candidate"]["step"] == 1


def test_budget_and_autoscaler_follow_the_spec(world: World):
    served(world, autoscaling={"max": 5})
    scaler = world.get("autoscaling/v2", "HorizontalPodAutoscaler", "heart")
    assert scaler["spec"]["scaleTargetRef"]["kind"] == "ModelDeployment"
    budget = world.get("policy/v1", "PodDisruptionBudget", "heart")
    assert budget["spec"]["selector"]["matchLabels"]["evermodel.dev/version"] == "heart-1"
    # what the autoscaler wrote survives the rollout
    spec = world.own("ModelDeployment", "heart")["spec"]
    world.put(deployment(**{**spec, "replicas": 5}))
    world.settle()
    assert replicas(world) == {"heart-heart-1": 5, "heart-heart-2": 5}
    ready(world, 1, 5)
    ready(world, 2, 5)
    budget = world.get("policy/v1", "PodDisruptionBudget", "heart")
    assert budget["spec"]["selector"]["matchLabels"]["evermodel.dev/version"] == "heart-2"
    # and both go with the spec
    world.put(deployment(replicas=1))
    world.settle()
    assert world.get("autoscaling/v2", "HorizontalPodAutoscaler", "heart") is None
    assert world.get("policy/v1", "PodDisruptionBudget", "heart") is None
