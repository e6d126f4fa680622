"""How clients reach a model."""

from typing import Annotated, ClassVar

from pydantic import Field

from evermodel_api.base import Reference, Rule, Schema

_Port = Annotated[int, Field(ge=1, le=65535)]
_Host = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    ),
]


class ServicePort(Schema):
    """The Service in front of the pods."""

    port: _Port = 80
    """Port of the Service."""


class Grpc(Schema):
    """The Open Inference Protocol by gRPC, beside HTTP."""

    port: _Port = 8081
    """Port of the Service for gRPC."""


class Ingress(Schema):
    """An Ingress for clients outside the cluster."""

    host: _Host
    """Name of the host, such as heart.example.org."""
    class_name: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """Name of the IngressClass; the cluster's default when not given."""
    tls: Reference | None = None
    """The Secret with the certificate that the Ingress shows to clients."""
    annotations: Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=32)] = {}
    """Annotations, by which Ingress controllers take their settings."""


class Expose(Schema):
    """How clients reach the model."""

    service: ServicePort = ServicePort()
    """The Service in front of the pods; it has the name of the ModelDeployment."""
    grpc: Grpc | None = None
    """gRPC too, at a port of its own; `grpc: {}` takes the default."""
    ingress: Ingress | None = None
    """An Ingress that leads to the Service."""
    cel: ClassVar = (
        Rule(
            "!has(self.grpc) || self.grpc.port != self.service.port",
            "grpc.port and service.port are two ports of one Service; give them different numbers",
        ),
    )
