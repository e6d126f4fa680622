"""Each sight is blind before its event, sees it, and tells it in one sentence."""

import pytest

from hack.demo import sights


@pytest.fixture
def second(thing):
    """heart-2, which met heart-1 at its gates."""
    gates = [
        {"metric": "roc_auc", "rule": "min", "value": "0.9433", "limit": "0.8", "passed": True},
        {
            "metric": "roc_auc",
            "rule": "NotWorse",
            "value": "0.9433",
            "champion": "0.8721",
            "limit": "0",
            "passed": True,
        },
    ]
    spec = {"algorithm": "xgboost", "metrics": {"roc_auc": "0.9433", "accuracy": "0.9"}, "gates": gates}
    return thing("ModelVersion", "heart-2", spec=spec)


SIGHTS = [
    sights.run_began,
    sights.trained,
    sights.rolling_out,
    sights.live,
    sights.answered,
    sights.healthy,
    sights.suspect,
    sights.fired,
    sights.retired,
]


@pytest.mark.parametrize("sight", SIGHTS)
def test_nothing_is_seen_in_an_empty_namespace(sight, world):
    assert sight(world(), 1) is None


@pytest.mark.parametrize("sight", SIGHTS)
def test_nothing_is_seen_in_objects_without_a_status(sight, world, thing):
    bare = [thing(kind) for kind in ("ModelTraining", "ModelDeployment", "DriftMonitor")]
    assert sight(world(*bare, requests=0, versions={}), 1) is None


def test_a_run_is_seen_while_it_works_and_when_it_is_over(world, thing):
    cause = {"by": "driftmonitor/heart", "reason": "Performance"}
    working = world(thing("ModelTraining", status={"run": {"id": "2", "cause": cause}}))
    over = world(thing("ModelTraining", status={"runs": [{"id": "2", "cause": cause, "outcome": "Succeeded"}]}))
    for moment in (working, over):
        assert sights.run_began(moment, 2) == "run 2 of heart began: Performance, asked by driftmonitor/heart"
        assert sights.run_began(moment, 1) is None


def test_a_version_is_told_with_its_scores_and_its_gates(world, second):
    sentence = sights.trained(world(second), 2)
    assert "xgboost won the cross-validation, roc_auc 0.943, accuracy 0.900" in sentence
    assert "roc_auc min 0.8 holds" in sentence
    assert "roc_auc 0.9433 against the champion's 0.8721: NotWorse holds" in sentence


def test_the_first_version_meets_no_champion(world, thing):
    gates = [{"metric": "roc_auc", "rule": "NotWorse", "value": "0.9", "limit": "none", "passed": True}]
    spec = {"algorithm": "xgboost", "metrics": {"roc_auc": "0.9", "accuracy": "0.8"}, "gates": gates}
    sentence = sights.trained(world(thing("ModelVersion", "heart-1", spec=spec)), 1)
    assert sentence.endswith("Gates: roc_auc NotWorse holds, there is no champion yet")


def test_live_needs_the_version_and_pods_that_are_ready(world, thing):
    def deployment(version, replicas):
        status = {"live": {"version": version, "replicas": replicas}, "url": "http://heart.clinic.svc"}
        return world(thing("ModelDeployment", spec={"replicas": 2}, status=status))

    assert (
        sights.live(deployment("heart-2", 2), 2)
        == "heart-2 is live: 2 of 2 pods are ready behind http://heart.clinic.svc"
    )
    assert sights.live(deployment("heart-1", 2), 2) is None
    assert sights.live(deployment("heart-2", 0), 2) is None


def test_an_answer_counts_for_the_version_that_gave_it(world):
    seen = world(requests=10, failed=0, p99=4.2, versions={"heart-1": 10})
    assert "10 requests, 0 failed" in sights.answered(seen, 1)
    assert sights.answered(seen, 2) is None


def test_a_verdict_counts_for_the_version_that_was_looked_at(world, thing):
    status = {
        "verdict": {"state": "Healthy", "message": "Within limits."},
        "reference": {"version": "heart-1"},
        "window": {"rows": 600},
    }
    seen = world(thing("DriftMonitor", status=status))
    assert sights.healthy(seen, 1) == "the monitor finds heart-1 HEALTHY on 600 rows: Within limits."
    assert sights.healthy(seen, 2) is None
    assert sights.suspect(seen, 1) is None


def test_a_request_is_told_with_what_was_found(world, thing):
    status = {
        "verdict": {
            "state": "Firing",
            "top": [{"column": "accuracy", "test": "min", "effect": "0.66", "limit": "0.75"}],
        },
        "request": {"id": "1", "cause": "Performance", "version": "heart-1"},
    }
    seen = world(thing("DriftMonitor", status=status))
    assert sights.fired(seen, 1).endswith("cause Performance: accuracy 0.66, limit 0.75")
    assert sights.fired(seen, 2) is None


def test_a_version_is_retired_only_when_its_pods_are_gone(world, thing):
    version = thing("ModelVersion", "heart-1", status={"stage": "Retired"})
    pod = thing("Pod", "heart-heart-1-x", labels={"version": "heart-1", "deployment": "heart"})
    assert sights.retired(world(version, pod), 1) is None
    assert sights.retired(world(version), 1) is not None


def test_a_pod_of_an_evaluation_does_not_hold_up_the_retirement(world, thing):
    version = thing("ModelVersion", "heart-1", status={"stage": "Retired"})
    evaluation = thing("Pod", "heart-monitor-7-x", labels={"version": "heart-1", "monitor": "heart"})
    assert sights.retired(world(version, evaluation), 1) is not None


def test_a_failed_run_ends_the_story(world, thing):
    status = {"runs": [{"id": "1", "outcome": "Failed", "message": "Secret clinic-db has no key dsn."}]}
    assert "run 1 of heart ended as Failed: Secret clinic-db" in sights.failed_run(
        world(thing("ModelTraining", status=status))
    )


def test_a_run_that_succeeded_does_not(world, thing):
    status = {"runs": [{"id": "1", "outcome": "Succeeded"}]}
    assert sights.failed_run(world(thing("ModelTraining", status=status))) is None
