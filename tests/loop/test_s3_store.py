"""A store on S3 in which each sort of pod has a credential of its own, and none may do more than it has to."""

from __future__ import annotations

import csv
import io
import json
import sys
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from hack.demo.clinic.client import instance, number_columns
from hack.demo.diagnosis import report
from hack.demo.kubectl import Kubectl
from hack.demo.stage import EXAMPLE, namespace
from hack.s3.access import ask, set_policy, store_policy
from hack.sample.stage import s3_image
from tests.loop.own_operator import installed_one_away, own_operator
from tests.loop.s3_in_cluster import ENDPOINT, Objects, forwarded, objects, secret
from tests.loop.test_bad_input import condition, eventually, get

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hack.demo.machine import Prepared
    from hack.s3.access import User

pytestmark = [pytest.mark.loop, pytest.mark.timeout(600)]

NAMESPACE = "loop-s3"
GROUP = "evermodel.dev/v1alpha1"
PATIENTS = list(csv.DictReader((EXAMPLE / "heart.csv").read_text(encoding="utf-8").splitlines()))
REQUEST = "patients-of-today"
TRAINING = {
    "target": "diagnosis",
    "data": {"sources": [{"name": "heart", "file": {"uri": "s3://lake/heart.csv", "secretRef": {"name": "lake"}}}]},
    "pipeline": {
        "columns": [
            {
                "name": "numbers",
                "select": {"type": "number"},
                "steps": [{"SimpleImputer": {"strategy": "median"}}, {"StandardScaler": {}}],
            },
            {
                "name": "categories",
                "select": {"type": "category"},
                "steps": [{"SimpleImputer": {"strategy": "most_frequent"}}, {"OneHotEncoder": {}}],
            },
        ]
    },
    "algorithms": [
        {
            "name": "logistic",
            "estimator": "LogisticRegression",
            "search": {"C": {"float": {"min": 0.01, "max": 10, "log": True}}},
        }
    ],
    "tuning": {"objective": "roc_auc", "maxTrials": 4, "workers": 2},
    "gates": [{"metric": "roc_auc", "min": 0.8}],
    "run": {"resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}},
}
DEPLOYMENT = {
    "model": {"trainingRef": {"name": "heart"}},
    "log": {"flush": "1s"},
    "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
}
MONITOR = {
    "deploymentRef": {"name": "heart"},
    "schedule": {"every": "10s"},
    "window": {"size": "5m", "minRows": 100, "lateness": "0s"},
    "drift": {},
    "performance": {"metrics": [{"name": "accuracy", "min": 0.5}]},
}


@dataclass(frozen=True)
class Place:
    """A namespace whose store is a bucket."""

    kubectl: Kubectl
    objects: Objects
    users: dict[str, User]

    def may(self, who: str, method: str, path: str) -> bool:
        """Whether a credential of the pods may do something below the namespace's part of the store."""
        body = b"{}" if method == "PUT" else b""
        answer = ask(self.objects.address, self.users[who], method, f"/models/{NAMESPACE}/{path}", body=body)
        if answer.status == 403:
            assert b"<Code>AccessDenied</Code>" in answer.body, answer
            return False
        assert answer.status < 300, answer
        return True


@pytest.fixture(scope="module")
def place(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An operator whose store is s3://models, three credentials, and the policy that keeps them apart."""
    kubectl = Kubectl(prepared.kubectl, NAMESPACE)
    settings = {
        "runtimeImage": prepared.images["evermodel"],
        "store": {
            "uri": "s3://models",
            "endpoint": ENDPOINT,
            "region": "us-east-1",
            "credentials": {who: f"store-{who}" for who in ("training", "serving", "monitoring")},
        },
    }
    kubectl.apply([namespace(NAMESPACE)])
    with ExitStack() as stack:
        stack.callback(kubectl, "delete", "namespace", NAMESPACE, "--wait=false")
        served = stack.enter_context(objects(kubectl, s3_image(), ("models", "lake")))
        users = {who: served.add_user(who) for who in ("training", "serving", "monitoring")}
        set_policy(served.address, served.owner, "models", store_policy("models", NAMESPACE, **users))
        served.put("/lake/heart.csv", (EXAMPLE / "heart.csv").read_bytes())
        kubectl.apply(secret(f"store-{who}", {"credentials": user.credentials_file()}) for who, user in users.items())
        kubectl.apply([secret("lake", served.options())])
        stack.enter_context(installed_one_away(prepared))
        stack.enter_context(own_operator(prepared, tmp_path_factory.mktemp("operator"), NAMESPACE, settings))
        yield Place(kubectl, served, users)


@pytest.fixture(scope="module")
def version(place: Place) -> dict[str, Any]:
    """A model that was trained by two pods and is served."""
    kubectl = place.kubectl
    kubectl.apply([written("ModelTraining", TRAINING), written("ModelDeployment", DEPLOYMENT)])
    try:
        eventually(lambda: condition(kubectl, "modeltraining", "heart", "Complete", "True"), "the end of run 1")
        eventually(lambda: condition(kubectl, "modeldeployment", "heart", "Ready", "True"), "serving it")
    except AssertionError:
        sys.stdout.write(report(kubectl))
        raise
    return get(kubectl, "modelversion", "heart-1")


@pytest.fixture(scope="module")
def answers(place: Place, version: dict[str, Any]) -> list[Any]:
    """The answers to all patients, asked in one request; the truth about them was sent too."""
    numbers = number_columns(PATIENTS)
    with forwarded(place.kubectl, "heart") as address:
        asked = [instance(patient, numbers) for patient in PATIENTS]
        found = post(f"{address}/v1/models/heart:predict", {"instances": asked}, REQUEST)
        truths = [int(patient["diagnosis"]) for patient in PATIENTS]
        post(f"{address}/v2/models/heart/feedback", {"id": REQUEST, "truth": truths})
    answered: list[Any] = found["predictions"]
    return answered


def written(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": "heart"}, "spec": spec}


def post(url: str, document: object, request_id: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json", **({"Evermodel-Request-Id": request_id} if request_id else {})}
    request = urllib.request.Request(url, json.dumps(document).encode(), headers)  # noqa: S310  this machine
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        document = json.load(answer)
    assert isinstance(document, dict)
    return document


def test_a_model_is_trained_into_the_bucket_and_served_from_it(place: Place, version: dict[str, Any]) -> None:
    artifact = version["spec"]["artifact"]
    assert artifact["uri"].startswith(f"s3://models/{NAMESPACE}/artifacts/")
    keys = place.objects.keys("models")
    folder = artifact["uri"].removeprefix("s3://models/")
    assert {f"{folder}/manifest.json", f"{folder}/model.skops", f"{NAMESPACE}/runs/heart/1.json"} <= set(keys)
    # and both pods of the run took part through it
    ledger = place.objects.get(f"/models/{NAMESPACE}/runs/heart/1/ledger.json")
    assert json.loads(ledger)["search"]["workers"] == 2


def test_what_was_asked_and_what_was_true_is_in_the_bucket(place: Place, answers: list[Any]) -> None:
    import pyarrow.parquet as pq

    assert len(answers) == len(PATIENTS)

    def rows(folder: str) -> int:
        keys = [key for key in place.objects.keys("models") if key.startswith(f"{NAMESPACE}/{folder}/")]
        return sum(pq.read_table(io.BytesIO(place.objects.get(f"/models/{key}"))).num_rows for key in keys)

    eventually(lambda: rows("log/heart/heart-1") == len(PATIENTS), "the log of the request", 30)
    eventually(lambda: rows("feedback/heart") == len(PATIENTS), "the labels", 30)


def test_the_monitor_reads_the_log_and_writes_its_report(place: Place, answers: list[Any]) -> None:
    place.kubectl.apply([written("DriftMonitor", MONITOR)])

    found = eventually(lambda: condition(place.kubectl, "driftmonitor", "heart", "DataFresh", "True"), "a verdict")
    assert found["message"].startswith(f"{len(PATIENTS)} rows, 100% with labels"), found
    reports = [key for key in place.objects.keys("models") if key.startswith(f"{NAMESPACE}/reports/heart/")]
    documents = [key for key in reports if key.endswith(".json")]
    assert {f"{key.removesuffix('.json')}.html" for key in documents} <= set(reports), "each has its page beside it"
    seen = [json.loads(place.objects.get(f"/models/{key}")) for key in documents]
    assert max(document["window"]["rows"] for document in seen) == len(PATIENTS)


def test_serving_pods_can_write_no_artifact(place: Place, version: dict[str, Any]) -> None:
    digest = version["spec"]["artifact"]["digest"].removeprefix("sha256:")
    model, record = f"artifacts/{digest}/model.skops", "runs/heart/1.json"
    # reading what they serve, and leaving what was asked
    assert place.may("serving", "GET", model)
    assert place.may("serving", "PUT", "log/heart/heart-1/2000-01-01T00/probe.parquet")
    assert place.may("serving", "PUT", "feedback/heart/2000-01-01T00/probe.parquet")
    # and nothing else
    for method, path in [
        ("PUT", model), ("DELETE", model), ("PUT", "artifacts/new/manifest.json"), ("PUT", record), ("GET", record),
        ("GET", "log/heart/heart-1/2000-01-01T00/probe.parquet"), ("PUT", "reports/heart/probe.json"),
    ]:  # fmt: skip
        assert not place.may("serving", method, path), f"serving pods can {method} {path}"
    elsewhere = ask(place.objects.address, place.users["serving"], "PUT", "/models/other/log/x", body=b"1")
    assert elsewhere.status == 403


def test_monitoring_pods_write_nothing_but_reports(place: Place, version: dict[str, Any]) -> None:
    digest = version["spec"]["artifact"]["digest"].removeprefix("sha256:")
    assert place.may("monitoring", "PUT", "reports/heart/probe.json")
    for path in (f"artifacts/{digest}/model.skops", "runs/heart/1.json"):
        assert place.may("monitoring", "GET", path)
        assert not place.may("monitoring", "PUT", path)
    assert not place.may("monitoring", "PUT", "log/heart/heart-1/2000-01-01T00/more.parquet")


def test_each_pod_has_its_own_credential_and_no_other(place: Place, version: dict[str, Any]) -> None:
    pods = place.kubectl.get(["pods"])
    mounted = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: [
            volume["secret"]["secretName"]
            for volume in pod["spec"]["volumes"]
            if volume.get("secret", {}).get("secretName", "").startswith("store-")
        ]
        for pod in pods
        if "app.kubernetes.io/component" in pod["metadata"]["labels"]
    }
    assert mounted["training"] == ["store-training"]
    assert mounted["serving"] == ["store-serving"]
    for component, secrets in mounted.items():
        assert secrets == [f"store-{component}"]
