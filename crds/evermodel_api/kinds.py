"""The four kinds, with what Kubernetes has to know about each."""

from dataclasses import dataclass, field

from evermodel_api.base import Schema
from evermodel_api.deployment import DeploymentSpec, DeploymentStatus
from evermodel_api.monitor import MonitorSpec, MonitorStatus
from evermodel_api.training import TrainingSpec, TrainingStatus
from evermodel_api.version import VersionSpec, VersionStatus


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`; `wide` ones show with -o wide."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True)
class Kind:
    """One custom resource."""

    name: str
    plural: str
    short: str
    summary: str
    spec: type[Schema]
    status: type[Schema]
    columns: tuple[Column, ...]
    scale: dict[str, str] = field(default_factory=dict)
    name_limit: int = 40
    """Longest name. What is made for an object has a longer name, and names end at 63 characters."""


_AGE = Column("Age", ".metadata.creationTimestamp", "date")


def _condition(kind: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].status'


TRAINING = Kind(
    name="ModelTraining",
    plural="modeltrainings",
    short="mt",
    summary="How a model is made: from its sources to the gates that it must pass.",
    spec=TrainingSpec,
    status=TrainingStatus,
    columns=(
        Column("Champion", ".status.champion"),
        Column("Run", ".status.run.id"),
        Column("Phase", ".status.run.phase"),
        Column("Last", ".status.runs[0].outcome"),
        _AGE,
        Column("Task", ".spec.task", wide=True),
        Column("Message", ".status.runs[0].message", wide=True),
    ),
)
MODEL_VERSION = Kind(
    name="ModelVersion",
    plural="modelversions",
    short="mv",
    summary="The immutable record of one model that was produced, and where it is in its life.",
    spec=VersionSpec,
    status=VersionStatus,
    name_limit=52,
    columns=(
        Column("Model", ".spec.model"),
        Column("Stage", ".status.stage"),
        Column("Algorithm", ".spec.algorithm"),
        Column("Cause", ".spec.training.cause.reason"),
        _AGE,
        Column("Reproduced", ".status.reproduction.outcome", wide=True),
        Column("Digest", ".spec.artifact.digest", wide=True),
        Column("Image", ".spec.image", wide=True),
    ),
)
DEPLOYMENT = Kind(
    name="ModelDeployment",
    plural="modeldeployments",
    short="md",
    summary="Which model is served, by how many pods, and how one version takes over from another.",
    spec=DeploymentSpec,
    status=DeploymentStatus,
    columns=(
        Column("Live", ".status.live.version"),
        Column("Ready", ".status.live.replicas", "integer"),
        Column("Candidate", ".status.candidate.version"),
        Column("Serving", _condition("Serving")),
        Column("URL", ".status.url"),
        _AGE,
        Column("UpToDate", _condition("UpToDate"), wide=True),
        Column("Previous", ".status.previous.version", wide=True),
    ),
    scale={
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    },
)
MONITOR = Kind(
    name="DriftMonitor",
    plural="driftmonitors",
    short="dm",
    summary="What a served model must live up to, and what is done when it does not.",
    spec=MonitorSpec,
    status=MonitorStatus,
    columns=(
        Column("Target", ".spec.deploymentRef.name"),
        Column("State", ".status.verdict.state"),
        Column("Votes", ".status.verdict.votes"),
        Column("Last-Check", ".status.verdict.at", "date"),
        Column("Retrained", ".status.retrain.last", "date"),
        _AGE,
        Column("Message", ".status.verdict.message", wide=True),
    ),
)
KINDS = (TRAINING, MODEL_VERSION, DEPLOYMENT, MONITOR)
