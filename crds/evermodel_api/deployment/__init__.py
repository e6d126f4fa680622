"""ModelDeployment: which model is served, by how many pods, and how one version takes over from another."""

from evermodel_api.deployment.answers import Auth, Feedback, Limits, Logs, PredictionLog, Tls
from evermodel_api.deployment.exposure import Expose, Ingress
from evermodel_api.deployment.spec import Autoscaling, DeploymentSpec, ModelSelection, Retirement
from evermodel_api.deployment.status import (
    Answered,
    CandidateVersion,
    DeploymentStatus,
    LiveVersion,
    PreviousVersion,
    RejectedVersion,
    WatchedVersion,
)
from evermodel_api.deployment.strategy import Checks, Step, Strategy

__all__ = [
    "Answered",
    "Auth",
    "Autoscaling",
    "CandidateVersion",
    "Checks",
    "DeploymentSpec",
    "DeploymentStatus",
    "Expose",
    "Feedback",
    "Ingress",
    "Limits",
    "LiveVersion",
    "Logs",
    "ModelSelection",
    "PredictionLog",
    "PreviousVersion",
    "RejectedVersion",
    "Retirement",
    "Step",
    "Strategy",
    "Tls",
    "WatchedVersion",
]
