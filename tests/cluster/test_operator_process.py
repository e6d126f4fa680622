"""The operator as a process against the real API server: who leads, how it ends, and that it starts nothing twice."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.cases import OBJECTS, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.conftest import Kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kinds", "operator_away")]


class Process:
    """One replica of the operator, outside the cluster."""

    def __init__(self, folder: Path, kubeconfig: str, namespace: str, lease: str) -> None:
        self.port = _free_port()
        self.lease = lease
        self.log = folder / f"{uuid.uuid4().hex[:6]}.log"
        settings = {
            "runtimeImage": "not-there:local",
            "imagePullPolicy": "Never",
            "store": {"uri": "memory://models"},
            "watchNamespaces": [namespace],
            "leaderElection": {"namespace": namespace, "name": lease},
            "ports": {"health": self.port, "metrics": self.port},
        }
        config = self.log.with_suffix(".yaml")
        config.write_text(json.dumps(settings))
        command = [sys.executable, "-m", "evermodel_operator", "--config", str(config), "--kubeconfig", kubeconfig]
        with self.log.open("w") as output:
            self.process = subprocess.Popen(command, stderr=output, stdout=output)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, start: str) -> float:
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))

    def leads(self) -> bool:
        return self.metric("evermodel_leader ") == 1

    def end(self, number: signal.Signals) -> tuple[int, float]:
        """Its exit code, and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(timeout=20), time.monotonic() - began


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(holds: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - began


@pytest.fixture
def start(tmp_path: Path, kubeconfig: str, namespace: str) -> Iterator[Callable[[], Process]]:
    """Starts replicas of one operator; all are gone afterwards, and their log is shown if the test fails."""
    lease = f"operator-{uuid.uuid4().hex[:8]}"
    started: list[Process] = []

    def one() -> Process:
        started.append(Process(tmp_path, kubeconfig, namespace, lease))
        return started[-1]

    yield one
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait(timeout=10)
        sys.stdout.write(f"--- {each.log.name}\n{each.log.read_text()}")


@pytest.fixture
def objects(kubectl: Any, namespace: str) -> Iterator[str]:
    """A training that is not to run, its deployment and its monitor; their common name."""
    name = f"edge-{uuid.uuid4().hex[:8]}"
    kubectl.apply(
        *[_object(kind, name, spec) for kind, spec in _specs(name, suspend=True).items()], namespace=namespace
    )
    yield name
    for kind in ("modeltraining", "modeldeployment", "driftmonitor"):
        kubectl("delete", kind, name, "-n", namespace, "--ignore-not-found", "--wait=false")


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "evermodel.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _specs(name: str, *, suspend: bool) -> dict[str, dict[str, Any]]:
    return {
        "ModelTraining": {
            "target": "y",
            "task": "Regression",
            "data": {"sources": [{"name": "line", "file": {"uri": "/data/line.csv"}}]},
            "algorithms": [{"name": "line", "estimator": "LinearRegression"}],
            "run": {"suspend": suspend},
        },
        "ModelDeployment": {"model": {"trainingRef": {"name": name}}},
        "DriftMonitor": {"deploymentRef": {"name": name}, "drift": {}},
    }


def status_of(kubectl: Any, namespace: str, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = kubectl.json("get", kind, name, "-n", namespace)
    return found.get("status", {})


def versions(kubectl: Any, namespace: str) -> dict[str, str]:
    """Whatever is written changes one of these."""
    items = kubectl.json("get", "evermodel,jobs,services,deployments,configmaps,events", "-n", namespace)["items"]
    return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in items}


def test_a_fresh_start_tells_the_status_and_then_rests(
    start: Callable[[], Process], kubectl: Any, namespace: str, objects: str
):
    operator = start()
    kinds = ("modeltraining", "modeldeployment", "driftmonitor")
    eventually(lambda: all(status_of(kubectl, namespace, kind, objects) for kind in kinds), 20, "each has a status")
    time.sleep(1)
    before, patches = (
        versions(kubectl, namespace),
        operator.metric('evermodel_api_requests_total{code="200",verb="patch"}'),
    )

    time.sleep(4)

    assert versions(kubectl, namespace) == before
    assert operator.metric('evermodel_api_requests_total{code="200",verb="patch"}') == patches
    assert operator.get("/healthz") == (200, "ok\n")


def test_a_restart_writes_nothing_but_the_lease(
    start: Callable[[], Process], kubectl: Any, namespace: str, objects: str
):
    first = start()
    eventually(lambda: bool(status_of(kubectl, namespace, "driftmonitor", objects)), 20, "a status")
    time.sleep(1)
    before = versions(kubectl, namespace)
    code, seconds = first.end(signal.SIGTERM)
    assert code == 0
    assert seconds < 5

    second = start()
    eventually(second.leads, 20, "the second leads, since the first released the lease")
    eventually(lambda: second.metric("evermodel_reconcile_total") >= 3, 10, "all were looked at")
    time.sleep(1)

    assert versions(kubectl, namespace) == before
    assert second.metric('evermodel_api_requests_total{code="200",verb="patch"}') == 0


def test_of_two_replicas_one_works_and_the_other_follows_when_it_is_killed(
    start: Callable[[], Process], kubectl: Any, namespace: str, objects: str
):
    leader = start()
    eventually(leader.leads, 20, "the first leads")
    standby = start()
    eventually(lambda: standby.get("/readyz")[0] == 200, 20, "the second is ready")
    time.sleep(3)
    assert not standby.leads()
    assert standby.metric("evermodel_reconcile_total") == 0

    leader.end(signal.SIGKILL)
    training = _specs(objects, suspend=False)["ModelTraining"]
    kubectl.apply(_object("ModelTraining", objects, training), namespace=namespace)
    took = eventually(standby.leads, 20, "the second leads")
    assert took > 5, "not before the first must have stopped"

    def started() -> bool:
        return bool(status_of(kubectl, namespace, "modeltraining", objects).get("run"))

    eventually(started, 10, "what was written meanwhile is acted on")


def test_killed_at_any_moment_a_run_is_started_once(
    start: Callable[[], Process], kubectl: Any, namespace: str, objects: str
):
    training = _specs(objects, suspend=False)["ModelTraining"]
    for milliseconds in (0, 15, 30, 50, 80, 150):
        operator = start()
        eventually(operator.leads, 30, "it leads")
        kubectl.apply(_object("ModelTraining", objects, training), namespace=namespace)
        time.sleep(milliseconds / 1000)
        operator.end(signal.SIGKILL)
        # It is surely gone, so the next one need not wait until the Lease has run out.
        kubectl("delete", "lease", operator.lease, "-n", namespace)
    last = start()
    eventually(last.leads, 30, "it leads")
    eventually(lambda: bool(status_of(kubectl, namespace, "modeltraining", objects).get("run")), 10, "a run is told")

    jobs = kubectl.json("get", "jobs", "-n", namespace, "-l", f"evermodel.dev/training={objects}")["items"]

    assert [each["metadata"]["name"] for each in jobs] == [f"{objects}-1"]
    assert status_of(kubectl, namespace, "modeltraining", objects)["run"]["id"] == "1"


def test_a_name_that_is_taken_becomes_a_condition_and_an_event(
    start: Callable[[], Process], kubectl: Any, namespace: str, objects: str
):
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{objects}-1"}, "data": {"mine": "yes"}}
    kubectl.apply(theirs, namespace=namespace)
    start()
    training = _specs(objects, suspend=False)["ModelTraining"]
    kubectl.apply(_object("ModelTraining", objects, training), namespace=namespace)

    def stalled() -> dict[str, Any]:
        conditions = status_of(kubectl, namespace, "modeltraining", objects).get("conditions", [])
        return next((each for each in conditions if each["type"] == "Stalled"), {})

    eventually(lambda: stalled().get("reason") == "NameTaken", 30, "Stalled with NameTaken")
    assert f"{objects}-1 belongs to somebody" in stalled()["message"]
    assert kubectl.json("get", "configmap", f"{objects}-1", "-n", namespace)["data"] == {"mine": "yes"}
    assert kubectl.json("get", "jobs", "-n", namespace, "-l", f"evermodel.dev/training={objects}")["items"] == []
    events = kubectl.json("get", "events.events.k8s.io", "-n", namespace)["items"]
    assert "NameTaken" in {each["reason"] for each in events if each["regarding"]["name"] == objects}

    kubectl("delete", "configmap", f"{objects}-1", "-n", namespace)
    eventually(lambda: not stalled(), 40, "it goes on when there is room")


def test_wrong_access_ends_the_process_with_a_sentence(tmp_path: Path, kubeconfig: str, namespace: str):
    operator = Process(tmp_path, str(tmp_path / "nowhere"), namespace, "lease")

    assert operator.process.wait(timeout=20) == 1
    line = json.loads(operator.log.read_text().splitlines()[-1])
    assert line["severity"] == "error"
    assert "--kubeconfig FILE" in line["message"]


def test_what_stands_beside_the_pods_comes_and_goes_with_the_spec_and_is_not_written_at_rest(
    kubectl: Kubectl, namespace: str, start: Callable[[], Process]
):
    # given an approved version, and a deployment that asks for all there is
    name = f"beside-{uuid.uuid4().hex[:8]}"
    version = changed(OBJECTS["version"], {"metadata.name": f"{name}-1", "spec.model": name, "spec.version": 1})
    version["spec"]["training"]["name"] = name
    model = {"trainingRef": {"name": name}}
    asked = {"autoscaling": {"max": 4}, "expose": {"ingress": {"host": "heart.example.org"}}}
    kubectl.apply(version, _object("ModelDeployment", name, {"model": model, **asked}), namespace=namespace)
    kinds = ("horizontalpodautoscaler", "ingress", "poddisruptionbudget", "service")

    def there() -> list[str]:
        return [kind for kind in kinds if kubectl.run("get", kind, name, "-n", namespace).returncode == 0]

    # when the operator looks at it
    operator = start()
    eventually(lambda: there() == list(kinds), 30, "all children are there")
    # then it comes to rest: not one write although the API server fills in much
    written = 'evermodel_reconcile_total{kind="ModelDeployment",result="changed"}'

    def rests() -> bool:
        before = operator.metric(written)
        time.sleep(3)
        return 0 < before == operator.metric(written)

    eventually(rests, 60, "nothing is written any more")
    # and what is not asked for any more goes, but for the Service
    kubectl("patch", "md", name, "-n", namespace, "--type=merge", "-p", json.dumps({"spec": PLAIN}))
    eventually(lambda: there() == ["service"], 30, "the others are gone")
    kubectl("delete", "md", name, "-n", namespace, "--wait=false")


PLAIN = {"replicas": 1, "autoscaling": None, "expose": {"ingress": None}}
