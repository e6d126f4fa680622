"""ModelDeployment: which model is served, by how many pods, and how one version takes over from another."""

from typing import Annotated, ClassVar

from pydantic import Field

from evermodel_api.base import (
    Duration,
    Reference,
    Resources,
    Rule,
    Schema,
)
from evermodel_api.deployment.answers import Auth, Feedback, Limits, Logs, Tls
from evermodel_api.deployment.exposure import Expose
from evermodel_api.deployment.strategy import Strategy
from evermodel_api.pod import ServingPodTemplate


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


class Autoscaling(Schema):
    """A HorizontalPodAutoscaler of this ModelDeployment.

    It sets spec.replicas, so leave that out of the file that is applied. Its number survives every rollout.
    """

    min: Annotated[int, Field(ge=1, le=1000)] = 2
    """Never fewer pods."""
    max: Annotated[int, Field(ge=1, le=1000)]
    """Never more pods."""
    target_cpu: Annotated[int, Field(alias="targetCPU", ge=1, le=1000)] = 70
    """Percent of resources.requests.cpu that pods shall use on average."""
    cel: ClassVar = (Rule("self.min <= self.max", "min must not be larger than max"),)


class Retirement(Schema):
    """What happens to the version that was replaced."""

    keep_previous: Duration = "1h"
    """It stays warm this long; then it is drained and removed."""


class DeploymentSpec(Schema):
    """Which model is served and how."""

    model: ModelSelection
    """Which model is served."""
    replicas: Annotated[int, Field(ge=1, le=1000)] = 2
    """Number of serving pods. With two or more, a PodDisruptionBudget lets one go at a time."""
    autoscaling: Autoscaling | None = None
    """Let the number of pods follow the load."""
    strategy: Strategy = Strategy()
    """How a new version takes over."""
    retirement: Retirement = Retirement()
    """What happens to the version that was replaced."""
    log: Logs = Logs()
    """What is kept of requests and answers."""
    feedback: Feedback = Feedback()
    """Labels that come later."""
    auth: Auth | None = None
    """Who may ask; everybody who reaches the pods when not given."""
    tls: Tls | None = None
    """HTTPS in the pods themselves; plain HTTP when not given."""
    limits: Limits = Limits()
    """How much one request may hold."""
    expose: Expose = Expose()
    """How clients reach the model."""
    resources: Resources = Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "1Gi"})
    """What each serving pod asks for and may use."""
    pod_template: ServingPodTemplate = ServingPodTemplate()
    """What the serving pods have beside what Evermodel gives them: tolerations, environment, sidecars and so on."""
    cel: ClassVar = (
        Rule(
            "!has(self.autoscaling) || (has(self.resources.requests) && 'cpu' in self.resources.requests)",
            "autoscaling needs resources.requests.cpu: its target is a percentage of it",
        ),
    )
