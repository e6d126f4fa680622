"""What a run is told of the runs before it, and what is said of a run that found nothing new or was refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import DIGEST, SETTINGS, World, condition, trained, training

from evermodel_api.runs import Outcome
from evermodel_api.version import GateVerdict
from evermodel_operator.kinds.training_events import NOTE_BYTES, refusal

KIND, NAME = "ModelTraining", "heart"
SKIPPED = json.dumps(
    {"outcome": "Skipped", "message": "Data, spec and image are those of run 1.", "dataDigest": DIGEST}
)


def look(world: World) -> Any:
    world.settle()
    return world.own(KIND, NAME)["status"]


def order_of(world: World, name: str) -> Any:
    config = world.get("v1", "ConfigMap", name)
    assert config is not None
    return json.loads(config["data"]["order.json"])


def ask(world: World, value: str) -> None:
    thing = world.own(KIND, NAME)
    world.put({**thing, "metadata": {**thing["metadata"], "annotations": {"retrain.evermodel.dev/me": value}}})


@pytest.fixture
def trained_once(world: World) -> World:
    world.put(training(triggers={"skipIfUnchanged": True}))
    look(world)
    world.end_job("heart-1", trained(1))
    look(world)
    return world


def test_the_first_run_is_told_of_no_run_before_it(world: World):
    world.put(training())
    look(world)
    order = order_of(world, "heart-1")
    assert order["image"] == SETTINGS.runtime_image
    assert order["allowPickle"] is False
    assert not {"last", "champion", "exchange"} & set(order)


def test_the_next_run_is_told_what_the_last_version_was_made_from_and_what_it_meets(trained_once: World):
    ask(trained_once, "1")
    spec_digest = look(trained_once)["run"]["specDigest"]
    order = order_of(trained_once, "heart-2")
    assert order["last"] == {
        "run": 1,
        "specDigest": spec_digest,
        "dataDigest": DIGEST,
        "image": SETTINGS.runtime_image,
    }
    assert order["champion"]["version"] == "heart-1"
    assert order["champion"]["image"] == trained_once.own("ModelVersion", "heart-1")["spec"]["image"]


def test_a_run_that_starts_in_the_pass_that_records_the_last_one_knows_its_version_too(world: World):
    world.put(training(triggers={"skipIfUnchanged": True}))
    look(world)
    ask(world, "1")
    world.end_job("heart-1", trained(1))
    world.reconcile(KIND, NAME)
    assert order_of(world, "heart-2")["last"]["run"] == 1


def test_a_run_that_found_nothing_new_is_recorded_makes_no_version_and_says_so(trained_once: World):
    ask(trained_once, "1")
    look(trained_once)
    trained_once.end_job("heart-2", SKIPPED)
    status = look(trained_once)

    past = status["runs"][0]
    assert (past["id"], past["outcome"], past["dataDigest"]) == ("2", "Skipped", DIGEST)
    assert "version" not in past
    thing = trained_once.own(KIND, NAME)
    told = {kind: condition(thing, kind) for kind in ("Skipped", "Complete", "Failed", "GatePassed", "Stalled")}
    assert (told["Skipped"]["status"], told["Skipped"]["reason"]) == ("True", "Unchanged")  # type: ignore[index]
    assert told["Skipped"]["message"] == "Data, spec and image are those of run 1."  # type: ignore[index]
    assert (told["Complete"]["status"], told["Failed"]["status"]) == ("True", "False")  # type: ignore[index]
    assert told["GatePassed"]["message"].startswith("Run 1:")  # type: ignore[index]
    assert told["Stalled"] is None
    assert trained_once.get("evermodel.dev/v1alpha1", "ModelVersion", "heart-2") is None
    assert [event.reason for _, event in trained_once.events][-1] == "Unchanged"


def test_after_many_skipped_runs_the_last_version_is_still_known(trained_once: World):
    for run in range(2, 14):
        ask(trained_once, str(run))
        look(trained_once)
        assert order_of(trained_once, f"heart-{run}")["last"]["run"] == 1
        assert order_of(trained_once, f"heart-{run}")["last"]["image"] == SETTINGS.runtime_image
        trained_once.end_job(f"heart-{run}", SKIPPED)
        status = look(trained_once)
    assert {run["outcome"] for run in status["runs"]} == {"Skipped"}


def test_skipped_is_false_after_a_run_that_made_a_version(trained_once: World):
    skipped = condition(trained_once.own(KIND, NAME), "Skipped")
    assert skipped is not None
    assert (skipped["status"], skipped["reason"]) == ("False", "RunSucceeded")


def verdict(number: int, *, passed: bool, length: int = 8) -> dict[str, Any]:
    return {
        "metric": "recall",
        "rule": "NotWorse",
        "slice": f"sex={'x' * length}{number}",
        "value": "0.71",
        "limit": "0.05",
        "champion": "0.83",
        "interval": "-0.19 to -0.05",
        "passed": passed,
    }


def test_the_event_of_a_refusal_holds_the_verdicts(world: World):
    world.put(training())
    look(world)
    answer = json.loads(trained(1, passed=False)) | {"gates": [verdict(1, passed=True), verdict(2, passed=False)]}
    world.end_job("heart-1", json.dumps(answer))
    look(world)
    (told,) = [event.message for about, event in world.events if event.reason == "GateRefused" and KIND in about]
    assert told.splitlines() == [
        "Run 1 made heart-1, which is refused: kneighbors, roc_auc 0.9.",
        "recall of sex=xxxxxxxx2 NotWorse: 0.71, limit 0.05, champion 0.83, interval -0.19 to -0.05: does not hold",
        "recall of sex=xxxxxxxx1 NotWorse: 0.71, limit 0.05, champion 0.83, interval -0.19 to -0.05: holds",
    ]
    assert world.own("ModelVersion", "heart-1")["spec"]["gates"][1]["slice"] == "sex=xxxxxxxx2"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 240)), max_size=20))
def test_an_event_of_a_refusal_is_never_longer_than_kubernetes_keeps(gates: list[tuple[bool, int]]):
    verdicts = [
        GateVerdict.model_validate(verdict(number, passed=passed, length=length))
        for number, (passed, length) in enumerate(gates)
    ]
    text = refusal("Run 1 made heart-1, which is refused: " + "é" * 100, verdicts)
    assert len(text.encode()) <= NOTE_BYTES
    shown = text.count("hold")
    assert shown == len(gates) or f"and {len(gates) - shown} more" in text or shown == 0


def test_what_a_version_cannot_hold_is_cut_and_what_does_not_hold_stays(world: World):
    world.put(training())
    look(world)
    answer = json.loads(trained(1, passed=False))
    answer["metrics"] = {f"metric_{number}": number / 7 for number in range(40)}
    answer["gates"] = [verdict(number, passed=number < 25) for number in range(30)]
    world.end_job("heart-1", json.dumps(answer))
    status = look(world)
    spec = world.own("ModelVersion", "heart-1")["spec"]
    assert (len(spec["metrics"]), len(spec["gates"]), len(status["runs"][0]["metrics"])) == (16, 20, 16)
    assert [gate["passed"] for gate in spec["gates"]][:6] == [False] * 5 + [True]


def test_a_status_stays_below_sixteen_kibibytes_whatever_runs_say(world: World):
    world.put(training(triggers={"skipIfUnchanged": True, "budget": {"runs": 1000, "per": "365d"}}))
    for run in range(1, 40):
        world.settle_one(KIND, NAME)
        answer = json.loads(trained(run, passed=False)) | {"message": "words " * 300}
        answer["metrics"] = {f"metric_{number}": number / 7 for number in range(16)}
        world.end_job(f"heart-{run}", json.dumps(answer))
        world.settle_one(KIND, NAME)
        ask(world, "x" * 64 + str(run))
    world.settle_one(KIND, NAME)
    status = world.own(KIND, NAME)["status"]
    assert len(status["runs"]) == 10
    assert len(json.dumps(status).encode()) < 16 * 1024
    assert status["runs"][0]["outcome"] == Outcome.REFUSED


def test_jobs_of_runs_that_are_no_longer_listed_are_neither_recorded_again_nor_kept_for_ever(world: World):
    world.put(training(run={"ttl": {"succeeded": "1d", "failed": "1d"}}))
    for run in range(1, 14):
        world.settle_one(KIND, NAME)
        world.end_job(f"heart-{run}", trained(run))
        world.settle_one(KIND, NAME)
        ask(world, str(run))
    world.settle_one(KIND, NAME)
    told = [event.message for _, event in world.events if event.reason == "RunSucceeded"]
    assert len(told) == len(set(told)) == 13
    world.pass_time(days=2)
    world.settle_one(KIND, NAME)
    assert [job["metadata"]["name"] for job in world.all("batch/v1", "Job")] == ["heart-14"]
