"""Bad input ends in a condition and an Event that name cause and remedy, in bounded time, and disturbs nothing else."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from hack.demo.diagnosis import report
from hack.demo.kubectl import Kubectl, KubectlError
from hack.demo.narrate import Narrator
from hack.demo.stage import EXAMPLE, STUDY_PUBLISHED, Stage
from tests.loop.bad_inputs import BAD_INPUTS, NOWHERE, BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hack.demo.machine import Prepared

pytestmark = [pytest.mark.loop, pytest.mark.timeout(600)]

GROUP = "evermodel.dev/v1alpha1"
DEADLINE = 150.0
_FLIP = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
content = bytearray(path.read_bytes())
content[len(content) // 2] ^= 1
path.chmod(0o644)
path.write_bytes(bytes(content))
"""


@dataclass(frozen=True)
class Ward:
    """A namespace in which a good model is served while bad input comes."""

    kubectl: Kubectl
    good: dict[str, Any]
    """The spec of the good training."""
    before: dict[str, Any]
    """What must not change."""


def eventually(look: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    """The first thing that is seen; the test fails when nothing is within the time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.5)


def get(kubectl: Kubectl, kind: str, name: str) -> dict[str, Any]:
    """One object, empty when it is not there."""
    text = kubectl("get", kind, name, "--ignore-not-found", "--output", "json")
    return dict(json.loads(text)) if text else {}


def condition(kubectl: Kubectl, kind: str, name: str, wanted: str, status: str) -> dict[str, Any] | None:
    """A condition of an object, once it has this status."""
    conditions = get(kubectl, kind, name).get("status", {}).get("conditions", [])
    return next((item for item in conditions if (item["type"], item["status"]) == (wanted, status)), None)


def training(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A ModelTraining."""
    return {"apiVersion": GROUP, "kind": "ModelTraining", "metadata": {"name": name}, "spec": spec}


def intruder(kubectl: Kubectl, path: str) -> dict[str, Any]:
    """A pod that changes one byte in the store. No pod of Evermodel's that serves could."""
    pods = "--selector=evermodel.dev/deployment=heart"
    image = kubectl("get", "pods", pods, "--output=jsonpath={.items[0].spec.containers[0].image}")
    user = {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532}
    may = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "intruder",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/opt/evermodel/bin/python", "-c", _FLIP, path],
        "securityContext": may,
        "volumeMounts": [{"name": "store", "mountPath": "/var/lib/evermodel/store"}],
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "store", "persistentVolumeClaim": {"claimName": "evermodel-store"}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "intruder"}, "spec": spec}


def undisturbed(kubectl: Kubectl) -> dict[str, Any]:
    """The good model's objects and pods, as far as nobody else's trouble may change them."""
    pods = json.loads(kubectl("get", "pods", "--selector=evermodel.dev/deployment=heart", "--output", "json"))["items"]
    return {
        "training": get(kubectl, "modeltraining", "heart")["metadata"]["resourceVersion"],
        "version": get(kubectl, "modelversion", "heart-1")["metadata"]["resourceVersion"],
        "deployment": get(kubectl, "modeldeployment", "heart")["metadata"]["resourceVersion"],
        "pods": {p["metadata"]["uid"]: p["status"]["containerStatuses"][0]["restartCount"] for p in pods},
    }


def is_settled(kubectl: Kubectl) -> bool:
    """Whether the good model is served by all its pods, and everything about it has been said."""
    live = get(kubectl, "modeldeployment", "heart").get("status", {}).get("live", {})
    stage = get(kubectl, "modelversion", "heart-1").get("status", {}).get("stage")
    return live.get("replicas") == 2 and stage == "Champion"


@pytest.fixture(scope="module")
def ward(prepared: Prepared) -> Iterator[Ward]:
    """A good model is served; then all the bad trainings are applied at once."""
    kubectl = Kubectl(prepared.kubectl, "loop-bad-input")
    stage = Stage(kubectl, prepared.images)
    stage.clear()
    stage.set_up()
    stage.add_patients([{**stage.patients[0], "recorded_at": STUDY_PUBLISHED, "diagnosis": ""}])
    Narrator(sys.stdout).say("a good model is trained and served")
    kubectl("apply", *(f"--filename={EXAMPLE / name}" for name in ("training.yaml", "deployment.yaml")))
    eventually(lambda: is_settled(kubectl), "serving the good model")
    before = undisturbed(kubectl)
    good = get(kubectl, "modeltraining", "heart")["spec"]
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": NOWHERE},
        "stringData": {"dsn": "postgresql+psycopg://trainer:x@nowhere:5432/clinic"},
    }
    kubectl.apply([secret, *(training(bad.name, bad.spec(good)) for bad in BAD_INPUTS)])
    yield Ward(kubectl, good, before)
    Narrator(sys.stdout).plain(report(kubectl))
    kubectl("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_bad_input_is_told_with_cause_and_remedy(ward: Ward, bad: BadInput):
    # when the run has ended
    failed = eventually(lambda: condition(ward.kubectl, "modeltraining", bad.name, "Failed", "True"), "the failure")

    # then the condition names reason, cause and remedy in one line
    for word in (bad.reason, *bad.says):
        assert word in failed["message"], failed["message"]
    assert "\n" not in failed["message"]

    # and so does an Event
    selector = f"--field-selector=involvedObject.name={bad.name},type=Warning"
    events = json.loads(ward.kubectl("get", "events", selector, "--output", "json"))["items"]
    assert any(all(word in event["message"] for word in (bad.reason, *bad.says)) for event in events), events

    # and nothing was tried more often than it may help, nor goes on being tried
    assert condition(ward.kubectl, "modeltraining", bad.name, "Stalled", "True")
    pods = json.loads(ward.kubectl("get", "pods", f"--selector=evermodel.dev/training={bad.name}", "--output", "json"))
    assert 1 <= len(pods["items"]) <= bad.attempts
    assert get(ward.kubectl, "modelversion", f"{bad.name}-1") == {}


def test_an_unknown_estimator_is_refused_by_the_api_server(ward: Ward):
    spec = json.loads(json.dumps(ward.good))
    spec["algorithms"][0]["estimator"] = "KNearestClassifier"
    with pytest.raises(
        KubectlError, match=r"spec\.algorithms\[0\]\.estimator.*KNearestClassifier.*KNeighborsClassifier"
    ):
        ward.kubectl.apply([training("unknown-estimator", spec)])
    assert get(ward.kubectl, "modeltraining", "unknown-estimator") == {}


def test_an_artifact_whose_bytes_were_changed_is_never_served(ward: Ward):
    # given a version of its own, of which one bit in the store is flipped
    kubectl = ward.kubectl
    spec = {**ward.good, "algorithms": [{"name": "logistic", "estimator": "LogisticRegression"}], "gates": []}
    kubectl.apply([training("tampered", spec)])
    version = eventually(lambda: get(kubectl, "modelversion", "tampered-1"), "the version")
    model = version["spec"]["artifact"]["uri"].removeprefix("file://") + "/model.skops"
    kubectl.apply([intruder(kubectl, model)])
    eventually(lambda: get(kubectl, "pod", "intruder").get("status", {}).get("phase") == "Succeeded", "the change")

    # when it is deployed
    deployment = {
        "apiVersion": GROUP,
        "kind": "ModelDeployment",
        "metadata": {"name": "tampered"},
        "spec": {"model": {"versionRef": {"name": "tampered-1"}}, "replicas": 1},
    }
    kubectl.apply([deployment])

    # then it is not served, and condition and Event say which file is wrong and what to do
    stalled = eventually(lambda: condition(kubectl, "modeldeployment", "tampered", "Stalled", "True"), "the refusal")
    assert "model.skops" in stalled["message"], stalled
    assert "retrain" in stalled["message"] or "train" in stalled["message"], stalled
    selector = "--field-selector=involvedObject.name=tampered,involvedObject.kind=ModelDeployment,type=Warning"
    events = json.loads(kubectl("get", "events", selector, "--output", "json"))["items"]
    assert any("model.skops" in event["message"] for event in events), events
    assert condition(kubectl, "modeldeployment", "tampered", "Serving", "False")


def test_nothing_else_in_the_namespace_was_disturbed(ward: Ward):
    assert undisturbed(ward.kubectl) == ward.before
