"""ModelDeployment: which model is served, by how many pods, and how one version takes over from another."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evermodel_api.base import (
    ColumnName,
    Conditions,
    Duration,
    PositiveDuration,
    Reference,
    Resources,
    Rule,
    Schema,
    Timestamp,
)


class ModelSelection(Schema):
    """Which model is served."""

    training_ref: Reference | None = None
    """Follow the newest approved version of this ModelTraining."""
    version_ref: Reference | None = None
    """Stay with this ModelVersion."""
    cel: ClassVar = (
        Rule(
            "has(self.trainingRef) != has(self.versionRef)",
            "give model either trainingRef (follow) or versionRef (pin)",
        ),
    )


class Strategy(Schema):
    """How a new version takes over."""

    type: Literal["Rolling"] = "Rolling"
    """Rolling: all pods of the new version are ready before the Service moves to them at once."""
    progress_deadline: PositiveDuration = "10m"
    """A new version whose pods are not ready by then is rejected; the live one goes on."""


class Retirement(Schema):
    """What happens to the version that was replaced."""

    keep_previous: Duration = "1h"
    """It stays warm this long; then it is drained and removed."""


class PredictionLog(Schema):
    """What is kept of requests and answers, for monitoring."""

    sample: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of the requests that is kept."""
    redact: Annotated[list[ColumnName], Field(max_length=256)] = []
    """Columns whose values are never written."""
    flush: Duration = "5s"
    """How long a request may wait before it is written."""


class Feedback(Schema):
    """Labels that come later."""

    enabled: bool = True
    """Whether POST /v2/models/{model}/feedback takes labels."""


class ServicePort(Schema):
    """The Service in front of the pods."""

    port: Annotated[int, Field(ge=1, le=65535)] = 80
    """Port of the Service."""


class Expose(Schema):
    """How clients reach the model."""

    service: ServicePort = ServicePort()
    """The Service in front of the pods; it has the name of the ModelDeployment."""


class DeploymentSpec(Schema):
    """Which model is served and how."""

    model: ModelSelection
    """Which model is served."""
    replicas: Annotated[int, Field(ge=1, le=1000)] = 2
    """Number of serving pods."""
    strategy: Strategy = Strategy()
    """How a new version takes over."""
    retirement: Retirement = Retirement()
    """What happens to the version that was replaced."""
    log: PredictionLog = PredictionLog()
    """What is kept of requests and answers."""
    feedback: Feedback = Feedback()
    """Labels that come later."""
    expose: Expose = Expose()
    """How clients reach the model."""
    resources: Resources = Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "1Gi"})
    """What each serving pod asks for and may use."""


class LiveVersion(Schema):
    """The version that the Service sends traffic to."""

    version: str
    """The ModelVersion."""
    replicas: int
    """Pods that are ready."""
    since: Timestamp
    """Since when."""


class CandidateVersion(Schema):
    """The version that is being rolled out."""

    version: str
    """The ModelVersion."""
    replicas: int
    """Pods that are ready."""
    since: Timestamp
    """When the rollout began."""


class PreviousVersion(Schema):
    """The version that was replaced and is still warm."""

    version: str
    """The ModelVersion."""
    until: Timestamp
    """When it is drained and removed."""


class RejectedVersion(Schema):
    """A version that this deployment tried and will not try again."""

    version: str
    """The ModelVersion."""
    at: Timestamp
    """When."""
    reason: str
    """One documented word for why."""
    message: Annotated[str, Field(max_length=1024)]
    """The same in a sentence."""


class DeploymentStatus(Schema):
    """What is served now and what is under way."""

    observed_generation: int | None = None
    """The generation of the spec that was looked at."""
    live: LiveVersion | None = None
    """The version that answers."""
    candidate: CandidateVersion | None = None
    """The version that is being rolled out."""
    previous: PreviousVersion | None = None
    """The version that was replaced and is still warm."""
    rejected: Annotated[list[RejectedVersion], Field(max_length=10)] = []
    """Versions that this deployment tried in vain, newest first."""
    url: str | None = None
    """Where clients inside the cluster reach the model."""
    replicas: int | None = None
    """Pods of the live version (for the scale subresource)."""
    selector: str | None = None
    """Label selector of the live version's pods (for the scale subresource)."""
    conditions: Conditions = []
    """Ready, Serving, UpToDate, Progressing; Stalled only while true."""
