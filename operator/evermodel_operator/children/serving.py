"""What serves a version: a Deployment of its own."""

from evermodel_api.deployment import DeploymentSpec
from evermodel_api.runs import (
    GRPC_PORT,
    KEYS_DIRECTORY,
    SERVING_PORT,
    SPOOL_DIRECTORY,
    TLS_DIRECTORY,
    ServingOrder,
)
from evermodel_operator import labels
from evermodel_operator.children.metadata import metadata
from evermodel_operator.children.order import order_digest
from evermodel_operator.children.overrides import overridden
from evermodel_operator.children.pod import Component, PodShape, pod_template
from evermodel_operator.children.volumes import Mounted, scratch, secret_folder
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings

PRE_STOP_SECONDS = 3
"""A pod that is going away first waits until every node has taken it out of the Service."""
GRACE_SECONDS = 45
"""Waiting, draining and writing out the prediction log."""
SPOOL_LIMIT = "320Mi"
"""What waits for the store has at most 256 MiB (`evermodel serve --spool-size`); the rest is room for its folders."""


def serving_name(deployment: str, version: str) -> str:
    """Name of the Deployment and the order of one version."""
    return f"{deployment}-{version}"


def serving_labels(deployment: str, version: str) -> dict[str, str]:
    """Labels of a version's Deployment, order and pods."""
    return {**labels.common("serving"), labels.DEPLOYMENT: deployment, labels.VERSION: version}


def serving_selector(deployment: str, version: str) -> dict[str, str]:
    """What the Service and the Deployment select pods by."""
    return {labels.DEPLOYMENT: deployment, labels.VERSION: version}


def serving_deployment(
    owner: Object, order: ServingOrder, image: str, replicas: int, spec: DeploymentSpec, settings: Settings
) -> Object:
    """The Deployment of one version: no pod goes before another one is ready."""
    name = serving_name(order.deployment, order.version)
    shape = PodShape(
        command="serve",
        component=Component.SERVING,
        namespace=order.namespace,
        image=image,
        order_name=name,
        resources=spec.resources,
        labels=serving_labels(order.deployment, order.version),
        annotations={labels.ORDER_DIGEST: order_digest(order)},
        own=_own_files(spec),
    )
    selector = serving_selector(order.deployment, order.version)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(owner, name, shape.labels, dict(shape.annotations)),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": selector},
            "revisionHistoryLimit": 1,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": overridden(_template(shape, selector, spec, settings), spec.pod_template),
        },
    }


def _own_files(spec: DeploymentSpec) -> Mounted:
    found = scratch("spool", SPOOL_DIRECTORY, SPOOL_LIMIT)
    if spec.auth is not None:
        found += secret_folder("keys", spec.auth.api_keys.secret_ref.name, KEYS_DIRECTORY)
    if spec.tls is not None:
        found += secret_folder("tls", spec.tls.secret_ref.name, TLS_DIRECTORY)
    return found


def _template(shape: PodShape, selector: dict[str, str], spec: DeploymentSpec, settings: Settings) -> Object:
    scheme = {} if spec.tls is None else {"scheme": "HTTPS"}
    ports = [{"name": "http", "containerPort": SERVING_PORT}]
    if spec.expose.grpc is not None:
        ports.append({"name": "grpc", "containerPort": GRPC_PORT})
    return pod_template(
        shape,
        settings,
        container={
            "ports": ports,
            "startupProbe": _probe("/v2/health/ready", scheme, period=1, failures=120),
            "readinessProbe": _probe("/v2/health/ready", scheme, period=2, failures=2),
            "livenessProbe": _probe("/v2/health/live", scheme, period=10, failures=3),
            "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}},
        },
        spec={
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": selector},
                }
            ],
        },
    )


def _probe(path: str, scheme: dict[str, str], *, period: int, failures: int) -> Object:
    return {
        "httpGet": {"path": path, "port": "http", **scheme},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": 5,
    }
