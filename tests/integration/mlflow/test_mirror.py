"""Runs are copied to a real MLflow, once, with their credentials; and a mirror that fails is told and no more."""

import base64
import json
import socket
import time

import pytest

from evermodel.training import mirror as mirror_module
from evermodel.training.ledger import Ledger
from evermodel.training.memory import read_mirrored
from evermodel.training.mirror import mirror, mirror_recorded
from evermodel_api.training import MLflow
from tests.integration.mlflow.gate import Gate, opened
from tests.integration.mlflow.server import NoServerError, free_port, get, start_server
from tests.unit.evermodel.bench import run
from tests.unit.evermodel.training.past_runs import digest, ledger_of, remember, trial

PASSWORD = "open-sesame-17"
BASIC = f"Basic {base64.b64encode(f'trainer:{PASSWORD}'.encode()).decode()}"


@pytest.fixture(scope="module", autouse=True)
def starting():
    """A server that may still be starting, so that tests that need none use the time; None and why where there is none."""
    try:
        server = start_server()
    except NoServerError as error:
        yield None, str(error)
        return
    yield server, ""
    server.stop()


@pytest.fixture(scope="module")
def server(starting):
    """The server, once it answers."""
    running, why = starting
    if running is None:
        pytest.skip(why)
    running.wait()
    return running


@pytest.fixture
def secrets(tmp_path):
    """A Secret with username and password, and one with a token."""
    for name, keys in (("login", {"username": "trainer", "password": PASSWORD}), ("bearer", {"token": PASSWORD})):
        for key, value in keys.items():
            path = tmp_path / "secrets" / name / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(value)
    return tmp_path / "secrets"


def ask(server, path, document=None):
    """MLflow's own REST API, without MLflow's own client."""
    return json.loads(get(f"{server.url}/api/2.0/mlflow/{path}", document))


def runs_of(server, experiment):
    """Runs of an experiment: the copied one, and those below it."""
    found = ask(server, f"experiments/get-by-name?experiment_name={experiment}")["experiment"]["experiment_id"]
    runs = ask(server, "runs/search", {"experiment_ids": [found], "max_results": 1000}).get("runs", [])
    tags = [{tag["key"]: tag["value"] for tag in each["data"]["tags"]} for each in runs]
    parents = [each for each, has in zip(runs, tags, strict=True) if "mlflow.parentRunId" not in has]
    return parents, [each for each, has in zip(runs, tags, strict=True) if "mlflow.parentRunId" in has]


def named(pairs):
    return {pair["key"]: pair["value"] for pair in pairs}


def history(server, run_id, metric):
    points = ask(server, f"metrics/get-history?run_id={run_id}&metric_key={metric}")["metrics"]
    return sorted((int(point["step"]), point["value"]) for point in points)


# What needs no server.


def test_a_server_that_is_away_is_told_in_time(tmp_path):
    said, began = [], time.monotonic()
    result = mirror(ledger_of(), {}, MLflow(tracking_uri=f"http://127.0.0.1:{free_port()}"), tmp_path, said.append)
    assert not result.done
    assert time.monotonic() - began < 20
    assert said == [result.message]
    assert "it cannot be reached; the run itself is not affected: check register.mirror.mlflow" in result.message


def test_a_server_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(mirror_module, "MIRROR_SECONDS", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        result = mirror(ledger_of(), {}, MLflow(tracking_uri=address), tmp_path, lambda _: None)
    assert "it took longer than 2 seconds" in result.message


def test_credentials_go_nowhere_else(secrets, monkeypatch):
    # given a tracking server that sends everybody on to another one, and credentials for others in the environment
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "for-another-server")
    with opened(Gate(wanted=BASIC)) as other, opened(Gate()) as tracking:
        tracking.redirect = other.url
        settings = MLflow(tracking_uri=tracking.url, secret_ref={"name": "login"})
        result = mirror(ledger_of(), {}, settings, secrets, lambda _: None)
    # then the other one is never asked, and the first one gets its own only
    assert not result.done
    assert other.seen == []
    assert set(tracking.seen) == {BASIC}


@pytest.mark.parametrize(("secret", "said"), [(None, "none: give secretRef"), ("bearer", "those in the Secret bearer")])
def test_wrong_credentials_are_told_and_not_written_down(secrets, monkeypatch, secret, said):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "trainer")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    with opened(Gate(wanted=BASIC)) as gate:
        settings = MLflow(tracking_uri=gate.url, secret_ref={"name": secret} if secret else None)
        result = mirror(ledger_of(), {}, settings, secrets, lambda _: None)
    assert "it refuses the credentials" in result.message
    assert said in result.message
    assert PASSWORD not in result.message
    assert set(gate.seen) == {f"Bearer {PASSWORD}" if secret else None}


# What needs it.


def test_a_run_is_copied_whole_and_once(server, tmp_path):
    # given a recorded run
    store = tmp_path / "store"
    ledger = ledger_of(2)
    remember(store, ledger)
    settings = MLflow(tracking_uri=server.url, registered_model="the heart's model")
    # when it is copied, by a pod and by the pod that repeats it
    first = mirror_recorded(str(store), "heart", 2, settings, tmp_path, lambda _: None)
    again = mirror(ledger, {}, settings, tmp_path, lambda _: None)
    # then there is one run with four below it
    assert (first.done, first.model_version) == (True, "1"), first.message
    assert (again.run, again.model_version) == (first.run, "1")
    [copied], trials = runs_of(server, "heart")
    assert copied["info"]["run_id"] == first.run
    assert (copied["info"]["run_name"], copied["info"]["status"]) == ("heart-2", "FINISHED")
    assert copied["info"]["end_time"] - copied["info"]["start_time"] == 12250
    assert sorted(each["info"]["status"] for each in trials) == ["FINISHED", "FINISHED", "FINISHED", "KILLED"]
    assert {each["info"]["run_name"] for each in trials} == {f"heart-2 trial {n}" for n in range(4)}
    check_content(server, copied, ledger)
    check_documents(server, copied, ledger)
    check_model(server, first)
    # and the store remembers where
    assert read_mirrored(str(store), "heart", 2) == first
    assert first.url in run("runs", "show", "heart-2", "--store", str(store)).out


def check_content(server, copied, ledger):
    """Parameters, metrics and tags."""
    data = copied["data"]
    assert named(data["params"]).items() >= {"algorithm": "knn", "n_neighbors": "4", "weights": "distance"}.items()
    assert named(data["metrics"])["roc_auc"] == 0.9123
    assert history(server, copied["info"]["run_id"], "fold.roc_auc") == [(0, 0.9), (1, 0.91), (2, 0.92)]
    assert history(server, copied["info"]["run_id"], "trial.roc_auc") == [(0, 0.85), (1, 0.91), (2, 0.7), (3, 0.88)]
    tags = named(data["tags"])
    assert tags["evermodel.dataDigest"] == ledger.data.digest
    assert tags["evermodel.cause"] == "Scheduled, asked by schedule"
    assert tags["mlflow.note.content"] == ledger.message


def check_documents(server, copied, ledger):
    """Files, as they are in the store."""
    run_id = copied["info"]["run_id"]
    files = ask(server, f"artifacts/list?run_id={run_id}")["files"]
    assert [file["path"] for file in files] == ["card.html", "ledger.json"]
    uploaded = get(f"{server.url}/get-artifact?path=ledger.json&run_uuid={run_id}")
    assert Ledger.model_validate_json(uploaded) == ledger


def check_model(server, first):
    """The registered version."""
    versions = ask(server, f"model-versions/search?filter=run_id%3D'{first.run}'")["model_versions"]
    assert [version["name"] for version in versions] == ["the heart's model"]
    tags = named(versions[0]["tags"])
    assert (tags["evermodel.digest"], tags["evermodel.run"]) == (digest("e"), "heart-2")
    assert "aliases" not in versions[0]


def test_a_copy_that_broke_off_is_completed(server, tmp_path, monkeypatch):
    # given a connection that breaks in the middle
    monkeypatch.setattr(mirror_module, "_REQUEST_RETRIES", 0)
    ledger = ledger_of(1, training="broken", trials=[trial(0), trial(1)])
    with opened(Gate(behind=server.port, limit=8)) as gate:
        broken = mirror(ledger, {"card.html": b"<p>"}, MLflow(tracking_uri=gate.url), tmp_path, lambda _: None)
    assert not broken.done
    [copied], trials = runs_of(server, "broken")
    assert copied["info"]["status"] == "RUNNING"
    assert [each["info"]["status"] for each in trials] == ["RUNNING"]
    # when it is tried again
    result = mirror(ledger, {"card.html": b"<p>"}, MLflow(tracking_uri=server.url), tmp_path, lambda _: None)
    # then it is the same run, and nothing is in it twice
    assert result.run == copied["info"]["run_id"]
    [copied], trials = runs_of(server, "broken")
    assert copied["info"]["status"] == "FINISHED"
    assert len(trials) == len({each["info"]["run_name"] for each in trials}) == 2
    assert len(history(server, result.run, "fold.f1")) == 3


def test_a_refused_version_is_not_registered_and_a_remade_training_is_another(server, secrets):
    # given a server behind a proxy that asks for a password, and a run that a gate refused
    with opened(Gate(behind=server.port, wanted=BASIC)) as gate:
        settings = MLflow(
            tracking_uri=gate.url, experiment="refused", registered_model="refused", secret_ref={"name": "login"}
        )
        first = mirror(
            ledger_of(1, outcome="Refused", trials=[]), {"card.html": b"<p>"}, settings, secrets, lambda _: None
        )
    # then it is copied, with the credentials in each request, and no model is registered
    assert first.done, first.message
    assert first.model_version is None
    assert set(gate.seen) == {BASIC}
    # and a run of the same name of a training that was made anew is another run
    anew = ledger_of(1, asOf="2027-01-01T00:00:00Z", trials=[])
    settings = settings.model_copy(update={"tracking_uri": server.url, "secret_ref": None})
    second = mirror(anew, {}, settings, secrets, lambda _: None)
    assert second.run != first.run
    assert len(runs_of(server, "refused")[0]) == 2
    assert second.model_version == "1"
