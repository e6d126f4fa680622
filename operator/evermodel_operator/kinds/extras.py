"""What a deployment has beside its versions' pods: Services, Ingress, autoscaler, disruption budget."""

from evermodel_operator.children.front import ingress, preview_service, service
from evermodel_operator.children.steady import autoscaler, disruption_budget
from evermodel_operator.kinds.rollout import Rollout
from evermodel_operator.kinds.scene import Scene
from evermodel_operator.plan import Object

EXTRAS = (
    ("v1", "Service"),
    ("networking.k8s.io/v1", "Ingress"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
)
"""Kinds of children that come and go with the spec and the rollout."""


def extras(scene: Scene, rollout: Rollout) -> list[Object]:
    """All that are wanted now; the Service is never given up once it is there."""
    owner, spec = scene.observed.deployment, scene.spec
    if rollout.live is None:
        return []
    wanted = [service(owner, rollout.live, spec, wide=rollout.wide)]
    if has_preview(scene, rollout) and rollout.candidate is not None:
        wanted.append(preview_service(owner, rollout.candidate.version, spec))
    if spec.expose.ingress is not None:
        wanted.append(ingress(owner, spec.expose.ingress))
    if spec.autoscaling is not None:
        wanted.append(autoscaler(owner, spec.autoscaling))
    if spec.replicas > 1:
        wanted.append(disruption_budget(owner, rollout.live))
    return wanted


def has_preview(scene: Scene, rollout: Rollout) -> bool:
    """Whether the candidate has a Service of its own."""
    return scene.spec.strategy.preview is not None and rollout.candidate is not None
