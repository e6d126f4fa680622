"""What a version needs to be served."""

from evermodel_api.base import parse_size
from evermodel_api.deployment import DeploymentSpec, PredictionLog
from evermodel_api.runs import GRPC_PORT, KEYS_DIRECTORY, TLS_DIRECTORY, ServingOrder
from evermodel_api.version import Artifact
from evermodel_operator.children.claim import store_claim
from evermodel_operator.children.order import order_config_map, order_digest
from evermodel_operator.children.pod import store_root
from evermodel_operator.children.serving import serving_deployment, serving_labels, serving_name
from evermodel_operator.kinds.reading import annotation, name_of
from evermodel_operator.kinds.scene import Observed
from evermodel_operator.labels import ORDER_DIGEST
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings


def serving_order(deployment: Object, version: Object, spec: DeploymentSpec, settings: Settings) -> ServingOrder:
    """What the version's pods are told. What is not asked for is not in it: an old image does not know all fields."""
    namespace = str(deployment["metadata"]["namespace"])
    return ServingOrder(
        namespace=namespace,
        deployment=name_of(deployment),
        model=name_of(deployment),
        version=name_of(version),
        artifact=Artifact.model_validate(version["spec"]["artifact"]),
        store=store_root(settings, namespace),
        log=PredictionLog(sample=spec.log.sample, redact=spec.log.redact, flush=spec.log.flush),
        feedback=spec.feedback,
        allow_pickle=settings.artifacts.allow_pickle or None,
        grpc_port=None if spec.expose.grpc is None else GRPC_PORT,
        keys=None if spec.auth is None else KEYS_DIRECTORY,
        tls=None if spec.tls is None else TLS_DIRECTORY,
        access_log=spec.log.access_log or None,
        max_body_bytes=None if spec.limits.max_body is None else parse_size(spec.limits.max_body),
        max_rows=spec.limits.max_rows,
    )


def serving_children(
    observed: Observed, name: str, replicas: int, spec: DeploymentSpec, settings: Settings
) -> list[Object]:
    """The Deployment of a version, and before it its order where that is new. Nothing where its record is gone."""
    version = observed.versions.get(name)
    if version is None:
        return []
    owner = observed.deployment
    order = serving_order(owner, version, spec, settings)
    child = observed.children.get(name)
    children: list[Object] = []
    if child is None or annotation(child, ORDER_DIGEST) != order_digest(order):
        claim = store_claim(settings, order.namespace)
        labels = serving_labels(order.deployment, name)
        config = order_config_map(owner, serving_name(order.deployment, name), labels, order)
        children += [*([claim] if claim else []), config]
    return [*children, serving_deployment(owner, order, version["spec"]["image"], replicas, spec, settings)]
