"""ModelDeployment: which model is served, by how many pods, and how one version takes over from another."""

from evermodel_api.deployment.answers import Auth, Feedback, Limits, Logs, PredictionLog, Tls
from evermodel_api.deployment.exposure import Expose, Ingress
from evermodel_api.deployment.spec import DeploymentSpec, ModelSelection, Retirement, Strategy
from evermodel_api.deployment.status import (
    CandidateVersion,
    DeploymentStatus,
    LiveVersion,
    PreviousVersion,
    RejectedVersion,
)

__all__ = [
    "Auth",
    "CandidateVersion",
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
    "Strategy",
    "Tls",
]
