"""What goes to MLflow, and with which credentials; the server itself is in tests/integration/mlflow."""

import doctest
import math
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.errors import SpecError
from evermodel.training import mirror as mirror_module
from evermodel.training import mirror_copy
from evermodel.training.memory import Mirrored, read_mirrored, write_mirrored
from evermodel.training.mirror import environment_of, mirror_recorded, read_credentials
from evermodel.training.mirror_copy import model_tags, nested_trials, run_copy
from evermodel_api.training import MLflow
from tests.unit.evermodel.training.past_runs import digest, ledger_of, remember, trial

URI = "http://mlflow.example:5000"


def settings(**changes):
    return MLflow(tracking_uri=URI, **changes)


def with_secret():
    return settings(secret_ref={"name": "tracking"})


def write_secret(folder, **keys: str):
    (folder / "tracking").mkdir(parents=True)
    for key, value in keys.items():
        (folder / "tracking" / key).write_text(value)
    return folder


def test_scores_of_folds_and_trials_are_steps():
    points = {(point.key, point.step): point.value for point in run_copy(ledger_of()).points}
    assert points["roc_auc", 0] == 0.9123
    assert points["roc_auc.low", 0] == 0.88
    assert points["train.roc_auc", 0] == 0.97
    assert [points["fold.roc_auc", step] for step in range(3)] == [0.9, 0.91, 0.92]
    assert [points["trial.roc_auc", step] for step in range(4)] == [0.85, 0.91, 0.7, 0.88]
    assert points["seconds.Searching", 0] == 9.0


def test_parameters_are_text_and_a_name_that_is_taken_keeps_its_value():
    copy = run_copy(ledger_of(params={"estimator": {"SVC": {"C": 0.5}}, "weights": "distance", "random_state": None}))
    assert copy.params == {
        "algorithm": "knn",
        "estimator": "KNeighborsClassifier",
        "seed": "42",
        "model.estimator": "{SVC: {C: 0.5}}",
        "weights": "distance",
    }


def test_trials_end_as_they_ended():
    trials = [trial(0), trial(1, state="Pruned"), trial(2, state="Failed", folds=[], scores={}, notes=["too few rows"])]
    copy = run_copy(ledger_of(trials=trials))
    assert [each.status for each in copy.trials] == ["FINISHED", "KILLED", "FAILED"]
    assert copy.trials[2].tags["evermodel.notes"] == "too few rows"


@given(count=st.integers(0, 300), chosen=st.integers(0, 299))
def test_the_winner_is_among_two_hundred_trials(count, chosen):
    trials = [trial(n, folds=[]) for n in range(count)]
    nested = nested_trials(ledger_of(trials=trials, chosen=chosen))
    numbers = [each.number for each in nested]
    assert len(numbers) == len(set(numbers)) == min(count, 200)
    assert chosen >= count or chosen in numbers


@given(st.dictionaries(st.text(min_size=1, max_size=300), st.floats(), max_size=4))
def test_names_and_numbers_are_such_as_mlflow_takes(costs):
    for point in run_copy(ledger_of(costs=costs)).points:
        assert re.fullmatch(r"[A-Za-z0-9_\-. /]{1,250}", point.key)
        assert math.isfinite(point.value)


def test_tags_tell_where_a_version_comes_from():
    tags = model_tags(ledger_of(2))
    assert tags["evermodel.run"] == "heart-2"
    assert (tags["evermodel.digest"], tags["evermodel.dataDigest"]) == (digest("e"), digest("d"))
    assert tags["evermodel.gates"].startswith("roc_auc min holds: 0.9123, limit 0.8000; roc_auc NotWorse holds")
    assert set(tags) <= set(run_copy(ledger_of(2)).tags)


def test_a_token_goes_before_a_password(tmp_path):
    write_secret(tmp_path / "both", token="t0k3n\n", username="u", password="p")
    write_secret(tmp_path / "login", username="u", password="p")
    assert read_credentials(with_secret(), tmp_path / "both") == {"token": "t0k3n"}
    assert read_credentials(with_secret(), tmp_path / "login") == {"username": "u", "password": "p"}
    assert read_credentials(settings(), tmp_path / "both") == {}


def test_a_secret_without_its_keys_is_told(tmp_path):
    write_secret(tmp_path, username="u")
    with pytest.raises(SpecError, match="no value under the key 'password'"):
        read_credentials(with_secret(), tmp_path)


def test_the_environment_is_ours_alone():
    # given credentials for other servers in the environment
    outer = {
        "PATH": "/bin",
        "HOME": "/home/somebody",
        "MLFLOW_TRACKING_TOKEN": "other",
        "MLFLOW_TRACKING_URI": "http://other",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "3600",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "NETRC": "/home/somebody/.netrc",
        "SSL_CERT_FILE": "/ca.pem",
    }
    # then none of them is passed on, and ours are
    environment = environment_of(outer, {"username": "u", "password": "p"}, home="/empty")
    assert {name: environment[name] for name in ("PATH", "HOME", "SSL_CERT_FILE")} == {
        "PATH": "/bin",
        "HOME": "/empty",
        "SSL_CERT_FILE": "/ca.pem",
    }
    assert environment["MLFLOW_TRACKING_USERNAME"] == "u"
    assert environment["MLFLOW_TRACKING_PASSWORD"] == "p"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert int(environment["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 10
    unwanted = {"MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_URI", "AWS_SECRET_ACCESS_KEY", "NETRC"}
    assert unwanted & set(environment) == set()


@pytest.fixture
def mirrored(monkeypatch):
    """Which runs were handed to MLflow; it takes them all."""
    asked = []

    def take(ledger, documents, *rest: object):
        asked.append((ledger.run, sorted(documents)))
        return Mirrored(done=len(asked) > 1, message="m")

    monkeypatch.setattr(mirror_module, "mirror", take)
    return asked


def test_a_run_is_handed_over_until_it_is_copied(tmp_path, mirrored):
    # given a recorded run, and a first attempt that fails
    remember(tmp_path, ledger_of(1))
    for _ in range(3):
        result = mirror_recorded(str(tmp_path), "heart", 1, settings(), tmp_path, print)
    # then the second is the last
    assert mirrored == [(1, ["card.html", "ledger.json"])] * 2
    assert (result.done, result.attempts) == (True, 2)
    assert read_mirrored(str(tmp_path), "heart", 1) == result


def test_a_pod_that_died_in_it_twice_does_not_try_again(tmp_path, mirrored):
    remember(tmp_path, ledger_of(1))
    write_mirrored(str(tmp_path), "heart", 1, Mirrored(done=False, message="begun", attempts=2))
    assert not mirror_recorded(str(tmp_path), "heart", 1, settings(), tmp_path, print).done
    assert mirrored == []


def test_a_run_that_cannot_be_read_is_told_and_nothing_is_raised(tmp_path, mirrored):
    remember(tmp_path, ledger_of(1), whole=False)
    said = []
    result = mirror_recorded(str(tmp_path), "heart", 1, settings(), tmp_path, said.append)
    assert not result.done
    assert said == [result.message]
    assert "heart-1 has no ledger" in result.message
    assert "the run itself is not affected" in result.message


def test_a_process_that_dies_is_told():
    died = subprocess.CompletedProcess([], -9, b"half a line", b"Traceback\nMemoryError\n")
    result = mirror_module._result(settings(), died)
    assert not result.done
    assert "its process ended with -9: MemoryError" in result.message


def test_the_examples_hold():
    assert doctest.testmod(mirror_copy).failed == 0
