"""What users may say about pods beside what Evermodel says: where they run, and what runs in them."""

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, WithJsonSchema

from evermodel_api.base import Rule, Schema

AnyObject = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]
"""An object that Kubernetes knows and Evermodel hands on."""
AnyObjects = Annotated[
    list[dict[str, Any]],
    Field(max_length=32),
    WithJsonSchema(
        {
            "type": "array",
            "maxItems": 32,
            "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "x-kubernetes-list-type": "atomic",
        }
    ),
]
"""Such objects in a list."""
_Text = Annotated[str, Field(max_length=4096)]
_PartName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
_MERGED = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}

OWN_CONTAINER = "evermodel"
"""The container that does the work and answers."""
OWN_VOLUMES = ("order", "tmp", "store", "store-credentials", "spool", "keys", "tls")
"""Volumes of serving pods that are Evermodel's."""


class PodMetadata(Schema):
    """Labels and annotations of the pods."""

    labels: Annotated[dict[str, _Text], Field(max_length=32)] = {}
    """Labels. Evermodel's own cannot be changed."""
    annotations: Annotated[dict[str, _Text], Field(max_length=32)] = {}
    """Annotations."""


class PodPlacement(Schema):
    """Where and as whom the pods run."""

    node_selector: Annotated[dict[str, _Text], Field(max_length=32)] = {}
    """Labels that the node must have."""
    tolerations: AnyObjects = []
    """Taints that are put up with, as in a pod."""
    affinity: AnyObject = {}
    """Affinity, as in a pod."""
    topology_spread_constraints: AnyObjects = []
    """How pods are spread, as in a pod."""
    priority_class_name: Annotated[str, Field(max_length=253)] | None = None
    """Name of the PriorityClass."""
    runtime_class_name: Annotated[str, Field(max_length=253)] | None = None
    """Name of the RuntimeClass."""
    scheduler_name: Annotated[str, Field(max_length=253)] | None = None
    """Name of the scheduler."""
    service_account_name: Annotated[str, Field(max_length=253)] | None = None
    """Service account, for clouds that give access to a store by it. Its token is not mounted."""


class PodTemplate(Schema):
    """What the run's pods have beside what Evermodel gives them."""

    metadata: PodMetadata = PodMetadata()
    """Labels and annotations."""
    spec: PodPlacement = PodPlacement()
    """Where and as whom they run."""


class _Open(Schema):
    """An object of Kubernetes of which Evermodel looks at a few fields and hands on all."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})


class PodContainer(_Open):
    """A container, as in a pod."""

    name: _PartName
    """Its name. `evermodel` is the container that serves: what is written here is merged into it."""
    image: Annotated[str, Field(max_length=512)] | None = None
    """Its image."""
    command: Annotated[list[_Text], Field(max_length=64)] | None = None
    """What is started in place of the image's entry point."""
    args: Annotated[list[_Text], Field(max_length=256)] | None = None
    """Arguments."""
    resources: AnyObject | None = None
    """What it asks for and may use."""
    ports: AnyObjects | None = None
    """Ports."""
    cel: ClassVar = (
        Rule(
            f"self.name == '{OWN_CONTAINER}' || has(self.image)",
            "a container needs an image; what is to be merged into the container that serves is named evermodel",
        ),
        Rule(
            f"self.name != '{OWN_CONTAINER}' || !(has(self.image) || has(self.command) || has(self.args) || "
            "has(self.resources) || has(self.ports))",
            "container evermodel takes no image (the version brings it), command, args or ports, and its resources "
            "are spec.resources",
        ),
    )


class PodVolume(_Open):
    """A volume, as in a pod."""

    name: _PartName
    """Its name."""
    cel: ClassVar = (
        Rule(
            f"!(self.name in {list(OWN_VOLUMES)})",
            f"{', '.join(OWN_VOLUMES)} are Evermodel's own volumes; take another name",
        ),
    )


class ServingPod(PodPlacement):
    """Where and as whom the serving pods run, and what runs in them."""

    containers: Annotated[list[PodContainer], Field(max_length=8, json_schema_extra=_MERGED)] = []
    """Containers beside the one that serves. One that is named evermodel is merged into it: env, for example."""
    init_containers: Annotated[list[PodContainer], Field(max_length=8, json_schema_extra=_MERGED)] = []
    """Containers that end before serving begins; with restartPolicy Always, sidecars."""
    volumes: Annotated[list[PodVolume], Field(max_length=32, json_schema_extra=_MERGED)] = []
    """Volumes beside Evermodel's own."""
    termination_grace_period_seconds: Annotated[int, Field(ge=30, le=3600)] | None = None
    """Seconds that a pod may take to end; 45 when not given."""
    cel: ClassVar = (
        Rule(
            f"!has(self.initContainers) || self.initContainers.all(c, c.name != '{OWN_CONTAINER}')",
            "evermodel is the name of the container that serves; give the init container another name",
        ),
    )


class ServingPodTemplate(Schema):
    """What the serving pods have beside what Evermodel gives them."""

    metadata: PodMetadata = PodMetadata()
    """Labels and annotations."""
    spec: ServingPod = ServingPod()
    """Where and as whom they run, and what runs in them."""
