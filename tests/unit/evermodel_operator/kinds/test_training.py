import pytest
from world import World, condition, monitor, trained, training

from evermodel_api import API_VERSION


def jobs(world: World) -> list[str]:
    return [job["metadata"]["name"] for job in world.all("batch/v1", "Job")]


def test_a_new_training_runs_once(world: World):
    world.put(training())
    world.settle()
    assert jobs(world) == ["heart-1"]
    status = world.own("ModelTraining", "heart")["status"]
    assert status["run"]["id"] == "1"
    assert status["run"]["cause"] == {"by": "spec", "reason": "Created"}
    assert condition(world.own("ModelTraining", "heart"), "Running")["reason"] == "Starting"


def test_the_order_is_frozen_beside_the_job_and_the_store_is_claimed(world: World):
    world.put(training())
    kinds = [child["kind"] for child in world.plan("ModelTraining", "heart").apply]
    assert kinds == ["PersistentVolumeClaim", "ConfigMap", "Job"]


def test_an_operator_that_died_after_making_the_job_finds_the_run_again(world: World):
    world.put(training())
    world.reconcile("ModelTraining", "heart", die_before_status=True)
    world.pass_time(minutes=1)
    world.settle()
    assert jobs(world) == ["heart-1"]
    assert world.own("ModelTraining", "heart")["status"]["run"]["id"] == "1"


def test_an_ended_run_is_recorded_with_its_version(world: World):
    world.put(training())
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    status = world.own("ModelTraining", "heart")["status"]
    assert status["runs"][0]["outcome"] == "Succeeded"
    assert status["runs"][0]["version"] == "heart-1"
    version = world.own("ModelVersion", "heart-1")
    assert version["spec"]["version"] == 1
    assert version["status"]["stage"] == "Champion"
    assert status["champion"] == "heart-1"
    assert condition(world.own("ModelTraining", "heart"), "Complete")["status"] == "True"


def test_recording_twice_makes_one_version(world: World):
    world.put(training())
    world.settle()
    world.end_job("heart-1", trained(1))
    world.reconcile("ModelTraining", "heart", die_before_status=True)
    first = world.own("ModelVersion", "heart-1")
    world.settle()
    assert len(world.all(API_VERSION, "ModelVersion")) == 1
    assert world.own("ModelVersion", "heart-1")["spec"] == first["spec"]
    assert [run["id"] for run in world.own("ModelTraining", "heart")["status"]["runs"]] == ["1"]


def test_a_refused_model_is_kept_and_never_champion(world: World):
    world.put(training())
    world.settle()
    world.end_job("heart-1", trained(1, passed=False))
    world.settle()
    assert world.own("ModelVersion", "heart-1")["status"]["stage"] == "Rejected"
    assert condition(world.own("ModelTraining", "heart"), "GatePassed")["status"] == "False"
    assert "champion" not in world.own("ModelTraining", "heart")["status"]


def test_a_failed_run_says_why_and_is_not_repeated(world: World):
    world.put(training())
    world.settle()
    message = '{"outcome":"Failed","reason":"ColumnMissing","message":"there is no column chol"}'
    world.end_job("heart-1", message, code=4, reason="PodFailurePolicy")
    world.pass_time(hours=1)
    world.settle()
    thing = world.own("ModelTraining", "heart")
    assert condition(thing, "Stalled")["message"] == "ColumnMissing: there is no column chol"
    assert condition(thing, "Failed")["status"] == "True"
    assert jobs(world) == ["heart-1"]


def test_a_changed_spec_runs_again_and_a_changed_trigger_does_not(world: World):
    world.put(training())
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    world.put(training(run={"backoffLimit": 5}))
    world.settle()
    assert jobs(world) == ["heart-1"]
    world.put(training(algorithms=[{"name": "xgboost", "estimator": "XGBClassifier"}]))
    world.settle()
    assert jobs(world) == ["heart-1", "heart-2"]
    assert world.own("ModelTraining", "heart")["status"]["run"]["cause"]["reason"] == "SpecChanged"


def test_on_spec_change_can_be_switched_off(world: World):
    world.put(training(triggers={"onSpecChange": False}))
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    world.put(training(triggers={"onSpecChange": False}, target="other"))
    world.settle()
    assert jobs(world) == ["heart-1"]


@pytest.mark.parametrize("die", [False, True])
def test_a_monitors_request_is_acted_on_exactly_once(world: World, die: bool):
    world.put(training())
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    request = {"id": "1795428000", "cause": "Performance", "since": "2026-11-23T10:00:00Z", "version": "heart-1"}
    asking = world.put(monitor())
    world.put({**asking, "status": {"request": request}})
    world.reconcile("ModelTraining", "heart", die_before_status=die)
    world.settle()
    world.end_job("heart-2", trained(2))
    world.pass_time(days=30)  # the Job is long gone
    world.settle()
    world.settle()
    status = world.own("ModelTraining", "heart")["status"]
    assert [run["id"] for run in status["runs"]] == ["2", "1"]
    assert status["runs"][0]["cause"] == {
        "by": "driftmonitor/heart",
        "reason": "Performance",
        "request": "1795428000",
    }
    assert status["acknowledged"] == {"driftmonitor/heart": "1795428000"}


def test_a_request_that_comes_during_a_run_waits_for_its_end(world: World):
    thing = world.put(training())
    world.settle()
    thing["metadata"]["annotations"] = {"retrain.evermodel.dev/me": "1"}
    world.put({**thing, "status": world.own("ModelTraining", "heart")["status"]})
    world.settle()
    assert jobs(world) == ["heart-1"]
    world.end_job("heart-1", trained(1))
    world.settle()
    assert jobs(world) == ["heart-1", "heart-2"]
    assert world.own("ModelTraining", "heart")["status"]["run"]["cause"]["by"] == "person/me"


def test_suspend_starts_nothing(world: World):
    world.put(training(run={"suspend": True}))
    world.settle()
    assert jobs(world) == []
    assert condition(world.own("ModelTraining", "heart"), "Running")["reason"] == "Suspended"


def test_a_deleted_job_ends_the_run_and_its_number_is_not_used_again(world: World):
    thing = world.put(training())
    world.settle()
    world.remove("batch/v1", "Job", "heart-1")
    world.settle()
    status = world.own("ModelTraining", "heart")["status"]
    assert status["runs"][0]["outcome"] == "Failed"
    thing["metadata"]["annotations"] = {"retrain.evermodel.dev/me": "1"}
    world.put({**thing, "status": status})
    world.settle()
    assert jobs(world) == ["heart-2"]


def test_old_jobs_go_after_their_time_and_the_record_stays(world: World):
    world.put(training(run={"ttl": {"succeeded": "1h"}}))
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    assert jobs(world) == ["heart-1"]
    world.pass_time(hours=2)
    world.settle()
    assert jobs(world) == []
    assert world.own("ModelTraining", "heart")["status"]["runs"][0]["id"] == "1"


def test_a_spec_of_another_api_version_stalls_with_the_field(world: World):
    thing = training()
    thing["spec"]["algorithms"] = [{"name": "x", "estimator": "ClairvoyantClassifier"}]
    world.put(thing)
    world.settle()
    stalled = condition(world.own("ModelTraining", "heart"), "Stalled")
    assert stalled["reason"] == "InvalidSpec"
    assert "spec.algorithms.0.estimator" in stalled["message"]


def test_nothing_is_written_at_rest(world: World):
    world.put(training())
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    before = world.own("ModelTraining", "heart")["status"]
    world.pass_time(minutes=7)
    made = world.plan("ModelTraining", "heart")
    assert made.status == before
    assert made.apply == ()
    assert made.events == ()
