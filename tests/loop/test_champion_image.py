"""A champion whose libraries differ from the run's answers in its own image, and the gate holds its number."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from hack.demo.diagnosis import report
from hack.demo.kubectl import Kubectl
from hack.demo.stage import EXAMPLE, namespace
from hack.sample.stage import ROOT, s3_image
from tests.loop.own_operator import installed_one_away, own_operator
from tests.loop.s3_in_cluster import objects, secret
from tests.loop.test_bad_input import eventually, get, training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from hack.demo.machine import Prepared

    Operator: TypeAlias = Callable[[str], AbstractContextManager[None]]

pytestmark = [pytest.mark.loop, pytest.mark.timeout(600)]

NAMESPACE = "loop-champion"
SPEC = {
    "target": "diagnosis",
    "data": {"sources": [{"name": "heart", "file": {"uri": "s3://lake/heart.csv", "secretRef": {"name": "lake"}}}]},
    "pipeline": {
        "columns": [
            {"name": "n", "select": {"type": "number"}, "steps": [{"SimpleImputer": {}}, {"StandardScaler": {}}]},
            {"name": "c", "select": {"type": "category"}, "steps": [{"OneHotEncoder": {}}]},
        ]
    },
    "algorithms": [{"name": "logistic", "estimator": "LogisticRegression"}],
    "gates": [{"metric": "roc_auc", "versus": "champion", "rule": "NotWorse", "confidence": 0.95}],
    "register": {"snapshot": True},
    "run": {"resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}},
}


def older_image() -> str:
    """Build the runtime image with another environment, and bring it into the cluster; its reference."""
    command = [sys.executable, "-m", "hack.cluster", "images", "older"]
    done = subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout.split()[1]


@pytest.fixture(scope="module")
def images(prepared: Prepared) -> dict[str, str]:
    """The image of today and the one before it."""
    return {"today": prepared.images["evermodel"], "before": older_image()}


@pytest.fixture(scope="module")
def kubectl(prepared: Prepared) -> Iterator[Kubectl]:
    """A namespace with the patients in a bucket; the installed operator rests."""
    made = Kubectl(prepared.kubectl, NAMESPACE)
    made.apply([namespace(NAMESPACE)])
    with ExitStack() as stack:
        stack.callback(made, "delete", "namespace", NAMESPACE, "--wait=false")
        lake = stack.enter_context(objects(made, s3_image(), ("lake",)))
        lake.put("/lake/heart.csv", (EXAMPLE / "heart.csv").read_bytes())
        made.apply([secret("lake", lake.options())])
        stack.enter_context(installed_one_away(prepared))
        yield made


@pytest.fixture(scope="module")
def operator(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory, kubectl: Kubectl) -> Operator:
    """Starts an operator whose pods run an image."""

    def start(image: str) -> AbstractContextManager[None]:
        store = {"uri": "file:///var/lib/evermodel/store", "claim": {"name": "evermodel-store", "size": "1Gi"}}
        settings = {"runtimeImage": image, "store": store}
        return own_operator(prepared, tmp_path_factory.mktemp("operator"), NAMESPACE, settings)

    return start


@pytest.fixture(scope="module")
def second(kubectl: Kubectl, operator: Operator, images: dict[str, str]) -> dict[str, Any]:
    """Version 2, which today's image made, and which met version 1 of the image before."""
    with operator(images["before"]):
        kubectl.apply([training("heart", SPEC)])
        champion = eventually(lambda: staged(kubectl, "heart-1", "Champion"), "the first champion")
        assert champion["spec"]["image"] == images["before"]
    with operator(images["today"]):
        kubectl("annotate", "modeltraining", "heart", "retrain.evermodel.dev/me=again", "--overwrite")
        try:
            return eventually(lambda: staged(kubectl, "heart-2", "Champion"), "the second champion")
        except AssertionError:
            sys.stdout.write(report(kubectl))
            raise


def staged(kubectl: Kubectl, version: str, stage: str) -> dict[str, Any] | None:
    found = get(kubectl, "modelversion", version)
    return found if found.get("status", {}).get("stage") == stage else None


def pods_of(kubectl: Kubectl, run: str) -> list[dict[str, Any]]:
    text = kubectl("get", "pods", f"--selector=evermodel.dev/run={run}", "--output=json")
    return list(json.loads(text)["items"])


def test_the_gate_holds_the_champion_s_number(second: dict[str, Any], kubectl: Kubectl) -> None:
    (gate,) = second["spec"]["gates"]
    assert gate["passed"], gate
    # the rows and the recipe are those of the champion: it is as good on them
    first = get(kubectl, "modelversion", "heart-1")["spec"]
    assert gate["champion"] == gate["value"] == first["metrics"]["roc_auc"]


def test_it_was_asked_in_its_own_image(second: dict[str, Any], kubectl: Kubectl, images: dict[str, str]) -> None:
    assert second["spec"]["image"] == images["today"]
    (pod,) = pods_of(kubectl, "2")
    (sidecar,) = [each for each in pod["spec"]["initContainers"] if each["name"] == "champion"]
    assert sidecar["image"] == images["before"]
    said = kubectl("logs", pod["metadata"]["name"], "--container=evermodel")
    assert "the champion heart-1 answers in its own image, whose libraries differ" in said
    beside = kubectl("logs", pod["metadata"]["name"], "--container=champion")
    assert beside == "evermodel answer: the question of this run was answered\n"
    # and nobody had to end it for the pod to be over
    (state,) = [each["state"] for each in pod["status"]["initContainerStatuses"] if each["name"] == "champion"]
    assert state["terminated"]["exitCode"] == 0, state


def test_the_first_run_had_nobody_beside_it(second: dict[str, Any], kubectl: Kubectl) -> None:
    (pod,) = pods_of(kubectl, "1")
    assert "initContainers" not in pod["spec"]
