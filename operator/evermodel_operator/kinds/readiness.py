"""How far the pods of one version are."""

from dataclasses import dataclass

from evermodel_api.deployment import DeploymentSpec
from evermodel_operator.plan import Object


@dataclass(frozen=True)
class Readiness:
    """How far the pods of one version are."""

    available: int = 0
    """Pods that are ready."""
    complete: bool = False
    """Whether all pods that are asked for run the present template and are ready."""


def readiness(child: Object | None, spec: DeploymentSpec) -> Readiness:
    """Read it from a Deployment's status."""
    if child is None:
        return Readiness()
    status = child.get("status", {})
    available = int(status.get("availableReplicas") or 0)
    current = int(status.get("observedGeneration") or 0) >= int(child["metadata"].get("generation") or 0)
    updated = int(status.get("updatedReplicas") or 0) >= spec.replicas
    return Readiness(available, complete=current and updated and available >= spec.replicas)
