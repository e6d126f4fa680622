"""How far the pods of one version are."""

from dataclasses import dataclass

from evermodel_operator.plan import Object


@dataclass(frozen=True)
class Readiness:
    """How far the pods of one version are."""

    available: int = 0
    """Pods that are ready."""
    complete: bool = False
    """Whether all pods that are asked for run the present template and are ready."""


def readiness(child: Object | None, replicas: int) -> Readiness:
    """Read it from a Deployment's status; `replicas` are the pods that are asked for."""
    if child is None:
        return Readiness()
    status = child.get("status", {})
    available = int(status.get("availableReplicas") or 0)
    current = int(status.get("observedGeneration") or 0) >= int(child["metadata"].get("generation") or 0)
    updated = int(status.get("updatedReplicas") or 0) >= replicas
    return Readiness(available, complete=current and updated and available >= replicas)
