"""What stands before the pods: the Services, whose selectors say who takes the traffic, and the Ingress."""

from evermodel_api.deployment import DeploymentSpec, Ingress
from evermodel_operator import labels
from evermodel_operator.children.metadata import metadata
from evermodel_operator.children.serving import serving_selector
from evermodel_operator.plan import Object


def service(owner: Object, version: str, spec: DeploymentSpec, *, wide: bool = False) -> Object:
    """The Service: one write of its selector moves all new connections to another version.

    `wide` sends them to the pods of all versions; which one is live says an annotation.
    """
    name = owner["metadata"]["name"]
    selector = {labels.DEPLOYMENT: name} if wide else serving_selector(name, version)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(owner, name, _labels(name), {labels.LIVE: version}),
        "spec": {"selector": selector, "ports": _ports(spec)},
    }


def preview_name(deployment: str) -> str:
    """Name of the Service that leads to a candidate alone."""
    return f"{deployment}-preview"


def preview_service(owner: Object, version: str, spec: DeploymentSpec) -> Object:
    """The Service by which people ask a candidate that takes no traffic yet."""
    name = owner["metadata"]["name"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(owner, preview_name(name), _labels(name)),
        "spec": {"selector": serving_selector(name, version), "ports": _ports(spec)},
    }


def _labels(name: str) -> dict[str, str]:
    return {**labels.common("serving"), labels.DEPLOYMENT: name}


def _ports(spec: DeploymentSpec) -> list[Object]:
    expose = spec.expose
    http: Object = {"name": "http", "port": expose.service.port, "targetPort": "http", "protocol": "TCP"}
    if spec.tls is not None:
        # Meshes and Ingress controllers that look for it speak HTTPS to the pods.
        http["appProtocol"] = "https"
    if expose.grpc is None:
        return [http]
    return [http, {"name": "grpc", "port": expose.grpc.port, "targetPort": "grpc", "protocol": "TCP"}]


def ingress(owner: Object, wish: Ingress) -> Object:
    """The Ingress: everything of a host goes to the Service."""
    name = owner["metadata"]["name"]
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata(owner, name, _labels(name), dict(wish.annotations)),
        "spec": {
            **({"ingressClassName": wish.class_name} if wish.class_name else {}),
            **({"tls": [{"hosts": [wish.host], "secretName": wish.tls.name}]} if wish.tls else {}),
            "rules": [
                {"host": wish.host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
            ],
        },
    }
