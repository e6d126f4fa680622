"""Orders and manifests that the tests of children look at, here and against the real API server."""

from datetime import UTC, datetime

from evermodel_api import API_VERSION
from evermodel_api.deployment import Autoscaling, DeploymentSpec
from evermodel_api.digest import spec_digest
from evermodel_api.monitor import Memory, MonitorSpec
from evermodel_api.runs import ChampionRef, MonitorOrder, ReproduceOrder, ServingOrder, TrainingOrder
from evermodel_api.training import Cause, TrainingSpec, Tuning
from evermodel_api.training.run import RunSettings
from evermodel_api.version import Artifact, Lineage, VersionSpec
from evermodel_operator.children.claim import store_claim
from evermodel_operator.children.front import ingress, preview_service, service
from evermodel_operator.children.job import monitor_job, reproduction_job, training_job, training_labels
from evermodel_operator.children.order import order_config_map
from evermodel_operator.children.serving import serving_deployment
from evermodel_operator.children.steady import autoscaler, disruption_budget
from evermodel_operator.children.version import model_version
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings

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
S3_SETTINGS = Settings.model_validate(
    {
        "runtimeImage": IMAGE,
        "store": {
            "uri": "s3://models",
            "endpoint": "http://minio.minio:9000",
            "region": "eu-1",
            "credentials": {"training": "trainer", "serving": "server", "monitoring": "monitor"},
        },
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
OTHER_IMAGE = "registry.example.org/evermodel@sha256:" + "c" * 64
FULL = TRAINING.model_validate(
    {
        "target": "diagnosis",
        "data": {
            "sources": [
                {"name": "patients", "sql": {"secretRef": {"name": "clinic-db", "key": "dsn"}, "query": "select 1"}},
                {"name": "labs", "file": {"uri": "s3://lake/labs/*.parquet", "secretRef": {"name": "lake"}}},
                {
                    "name": "sites",
                    "http": {"uri": "https://example.org/", "headersFrom": {"secretRef": {"name": "registry"}}},
                },
            ],
            "combine": [
                {"join": {"left": "patients", "right": "labs", "on": ["id"], "out": "one"}},
                {"join": {"left": "one", "right": "sites", "on": ["id"], "out": "all"}},
            ],
        },
        "algorithms": [
            {"name": "kneighbors", "estimator": "KNeighborsClassifier"},
            {"name": "own", "container": {"image": "registry.example.org/own:1"}},
            {"name": "other", "container": {"image": "other:2", "command": ["fit"], "args": ["--fast"]}},
        ],
        "register": {"mirror": {"mlflow": {"trackingUri": "http://mlflow:5000", "secretRef": {"name": "mlflow"}}}},
        "run": {
            "resources": {
                "requests": {"cpu": 1, "memory": "1Gi"},
                "limits": {"cpu": 2, "memory": "4Gi", "example.org/gpu": 1},
            },
            "queueName": "clinic",
            "podTemplate": {
                "metadata": {
                    "labels": {"team": "ml", "evermodel.dev/deployment": "heart", "app.kubernetes.io/name": "mine"},
                    "annotations": {"sidecar.example.org/inject": "false", "evermodel.dev/order": "mine"},
                },
                "spec": {
                    "nodeSelector": {"disk": "ssd"},
                    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
                    "affinity": {"podAntiAffinity": {}},
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "zone",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": {"team": "ml"}},
                        }
                    ],
                    "priorityClassName": "batch",
                    "runtimeClassName": "gvisor",
                    "schedulerName": "binpack",
                    "serviceAccountName": "lake-reader",
                },
            },
        },
    }
)
SEARCHED = TRAINING.model_copy(update={"tuning": Tuning(workers=3)})


def owner(kind: str) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": "heart", "namespace": "clinic", "uid": "uid-1"},
    }


def training_order(spec: TrainingSpec = TRAINING, champion: str | None = None) -> TrainingOrder:
    return TrainingOrder(
        namespace="clinic",
        training="heart",
        run=2,
        spec=spec,
        spec_digest=spec_digest(spec),
        store="file:///var/lib/evermodel/store/clinic",
        as_of=NOW,
        cause=CAUSE,
        champion=ChampionRef(version="heart-1", artifact=ARTIFACT, image=champion),
    )


def training_of(spec: TrainingSpec, champion: str | None = None, settings: Settings = SETTINGS) -> Object:
    return training_job(owner("ModelTraining"), training_order(spec, champion), "{}", settings)


def reproduce_order() -> ReproduceOrder:
    return ReproduceOrder(
        namespace="clinic",
        training="heart",
        run=1,
        version="heart-1",
        artifact=ARTIFACT,
        store="file:///var/lib/evermodel/store/clinic",
        image=OTHER_IMAGE,
        original_image=OTHER_IMAGE,
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


SERVED = DeploymentSpec.model_validate({"model": {"trainingRef": {"name": "heart"}}, "replicas": 2})
EXPOSED = DeploymentSpec.model_validate(
    {
        "model": {"trainingRef": {"name": "heart"}},
        "auth": {"apiKeys": {"secretRef": {"name": "heart-keys"}}},
        "tls": {"secretRef": {"name": "heart-tls"}},
        "log": {"accessLog": True},
        "limits": {"maxBody": "1Mi", "maxRows": 100},
        "expose": {
            "service": {"port": 443},
            "grpc": {},
            "ingress": {
                "host": "heart.example.org",
                "className": "public",
                "tls": {"name": "heart-public"},
                "annotations": {"ingress.example.org/size": "1m", "evermodel.dev/applied": "mine"},
            },
        },
        "podTemplate": {
            "metadata": {
                "labels": {"team": "ml", "evermodel.dev/version": "mine"},
                "annotations": {"sidecar.example.org/inject": "false", "evermodel.dev/order": "mine"},
            },
            "spec": {
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
                "priorityClassName": "serving",
                "terminationGracePeriodSeconds": 60,
                "containers": [
                    {
                        "name": "evermodel",
                        "env": [
                            {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"},
                            {"name": "OMP_NUM_THREADS", "value": "1"},
                        ],
                        "volumeMounts": [{"name": "shared", "mountPath": "/shared"}],
                    },
                    {
                        "name": "proxy",
                        "image": "registry.example.org/proxy:1",
                        "securityContext": {"runAsUser": 7},
                        "volumeMounts": [{"name": "shared", "mountPath": "/shared"}],
                    },
                ],
                "volumes": [{"name": "shared", "emptyDir": {}}],
            },
        },
    }
)
"""Everything that a serving pod can be given."""


def exposed() -> Object:
    more = {"grpc_port": 8081, "keys": "/keys", "tls": "/tls", "access_log": True, "max_rows": 100}
    order = serving_order().model_copy(update=more)
    return serving_deployment(owner("ModelDeployment"), order, IMAGE, 2, EXPOSED, SETTINGS)


def exposed_ingress() -> Object:
    assert EXPOSED.expose.ingress is not None
    return ingress(owner("ModelDeployment"), EXPOSED.expose.ingress)


MANIFESTS = {
    "training-job": lambda: training_of(TRAINING),
    "training-job-champion": lambda: training_of(TRAINING, OTHER_IMAGE),
    "training-job-everything": lambda: training_of(FULL, OTHER_IMAGE),
    "training-job-workers": lambda: training_of(SEARCHED),
    "training-job-s3": lambda: training_of(TRAINING, settings=S3_SETTINGS),
    "reproduction-job": lambda: reproduction_job(
        owner("ModelVersion"), reproduce_order(), "1795428000", RunSettings(), SETTINGS
    ),
    "order": lambda: order_config_map(owner("ModelTraining"), "heart-2", training_labels("heart", 2), training_order()),
    "monitor-job": lambda: monitor_job(owner("DriftMonitor"), monitor_order(), IMAGE, SETTINGS),
    "monitor-job-s3": lambda: monitor_job(owner("DriftMonitor"), monitor_order(), IMAGE, S3_SETTINGS),
    "serving-deployment": lambda: serving_deployment(
        owner("ModelDeployment"), serving_order(), IMAGE, 2, SERVED, SETTINGS
    ),
    "serving-deployment-s3": lambda: serving_deployment(
        owner("ModelDeployment"), serving_order(), IMAGE, 2, SERVED, S3_SETTINGS
    ),
    "serving-deployment-everything": exposed,
    "service-everything": lambda: service(owner("ModelDeployment"), "heart-1", EXPOSED),
    "ingress": exposed_ingress,
    "service-wide": lambda: service(owner("ModelDeployment"), "heart-1", SERVED, wide=True),
    "service-preview": lambda: preview_service(owner("ModelDeployment"), "heart-2", SERVED),
    "autoscaler": lambda: autoscaler(owner("ModelDeployment"), Autoscaling(max=10)),
    "disruption-budget": lambda: disruption_budget(owner("ModelDeployment"), "heart-1"),
    "service": lambda: service(owner("ModelDeployment"), "heart-1", SERVED),
    "version": lambda: model_version(owner("ModelTraining"), version()),
    "claim": lambda: store_claim(SETTINGS, "clinic"),
}
PODS = sorted(name for name in MANIFESTS if "job" in name or "serving" in name)
"""Those that make pods."""
