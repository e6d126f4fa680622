"""The manifests of children, pinned: an operator upgrade that changes them would roll every model that is served.

`EVERMODEL_UPDATE_GOLDEN=1 pytest tests/unit/evermodel_operator/children` writes them anew; read the difference before you commit it.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from evermodel_api import API_VERSION
from evermodel_api.deployment import DeploymentSpec
from evermodel_api.digest import spec_digest
from evermodel_api.monitor import Memory, MonitorSpec
from evermodel_api.runs import ChampionRef, MonitorOrder, ServingOrder, TrainingOrder
from evermodel_api.training import Cause, TrainingSpec
from evermodel_api.version import Artifact, Lineage, VersionSpec
from evermodel_operator.children.claim import store_claim
from evermodel_operator.children.job import monitor_job, training_job, training_labels
from evermodel_operator.children.order import order_config_map
from evermodel_operator.children.serving import service, serving_deployment
from evermodel_operator.children.version import model_version
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ARTIFACT = Artifact(
    uri="file:///var/lib/evermodel/store/clinic/artifacts/aa", digest="sha256:" + "a" * 64, size_bytes=9
)
IMAGE = "evermodel@sha256:" + "b" * 64
SETTINGS = Settings.model_validate(
    {
        "runtimeImage": IMAGE,
        "imagePullSecrets": ["pull"],
        "store": {"uri": "file:///var/lib/evermodel/store", "claim": {"name": "evermodel-store", "size": "10Gi"}},
    }
)
CAUSE = Cause(by="driftmonitor/heart", reason="Performance", request="1795428000")
TRAINING = TrainingSpec.model_validate(
    {
        "target": "diagnosis",
        "data": {
            "sources": [
                {"name": "patients", "sql": {"secretRef": {"name": "clinic-db", "key": "dsn"}, "query": "select 1"}}
            ]
        },
        "algorithms": [{"name": "kneighbors", "estimator": "KNeighborsClassifier"}],
        "run": {"resources": {"limits": {"cpu": 2, "memory": "1Gi"}}},
    }
)


def owner(kind: str) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": "heart", "namespace": "clinic", "uid": "uid-1"},
    }


def training_order() -> TrainingOrder:
    return TrainingOrder(
        namespace="clinic",
        training="heart",
        run=2,
        spec=TRAINING,
        spec_digest=spec_digest(TRAINING),
        store="file:///var/lib/evermodel/store/clinic",
        as_of=NOW,
        cause=CAUSE,
        champion=ChampionRef(version="heart-1", artifact=ARTIFACT),
    )


def monitor_order() -> MonitorOrder:
    spec = MonitorSpec.model_validate({"deploymentRef": {"name": "heart"}, "drift": {}})
    return MonitorOrder(
        namespace="clinic",
        monitor="heart",
        evaluation="1795428000",
        deployment="heart",
        version="heart-1",
        artifact=ARTIFACT,
        spec=spec,
        store="file:///var/lib/evermodel/store/clinic",
        now=NOW,
        memory=Memory(),
    )


def serving_order() -> ServingOrder:
    return ServingOrder(
        namespace="clinic",
        deployment="heart",
        model="heart",
        version="heart-1",
        artifact=ARTIFACT,
        store="file:///var/lib/evermodel/store/clinic",
    )


def version() -> VersionSpec:
    lineage = Lineage(
        name="heart", run="2", spec_digest=spec_digest(TRAINING), data_digest=ARTIFACT.digest, seed=0, cause=CAUSE
    )
    return VersionSpec(
        model="heart", version=2, artifact=ARTIFACT, image=IMAGE, training=lineage, algorithm="kneighbors"
    )


class Plain(yaml.SafeDumper):
    """Writes equal parts out instead of pointing from one to the other."""

    def ignore_aliases(self, data: object) -> bool:
        return True


SERVED = DeploymentSpec.model_validate({"model": {"trainingRef": {"name": "heart"}}, "replicas": 2})
MANIFESTS = {
    "training-job": lambda: training_job(owner("ModelTraining"), training_order(), "{}", SETTINGS),
    "order": lambda: order_config_map(owner("ModelTraining"), "heart-2", training_labels("heart", 2), training_order()),
    "monitor-job": lambda: monitor_job(owner("DriftMonitor"), monitor_order(), IMAGE, SETTINGS),
    "serving-deployment": lambda: serving_deployment(
        owner("ModelDeployment"), serving_order(), IMAGE, SERVED, SETTINGS
    ),
    "service": lambda: service(owner("ModelDeployment"), "heart-1", SERVED),
    "version": lambda: model_version(owner("ModelTraining"), version()),
    "claim": lambda: store_claim(SETTINGS, "clinic"),
}


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_the_manifest_is_as_it_was(name: str):
    made = MANIFESTS[name]()
    golden = GOLDEN / f"{name}.yaml"
    if os.environ.get("EVERMODEL_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(yaml.dump(made, Dumper=Plain, sort_keys=True))
    assert made == yaml.safe_load(golden.read_text())


@pytest.mark.parametrize("name", ["training-job", "monitor-job", "serving-deployment"])
def test_pods_have_no_token_and_no_rights(name: str):
    pod = MANIFESTS[name]()["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_without_a_claim_there_is_no_volume():
    settings = Settings.model_validate({"runtimeImage": IMAGE, "store": {"uri": "s3://models", "claim": None}})
    pod = training_job(owner("ModelTraining"), training_order(), "{}", settings)["spec"]["template"]["spec"]
    assert "store" not in [volume["name"] for volume in pod["volumes"]]
    assert store_claim(settings, "clinic") is None
