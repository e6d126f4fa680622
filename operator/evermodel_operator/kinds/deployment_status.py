"""What a ModelDeployment reports."""

from evermodel_api.deployment import CandidateVersion, DeploymentSpec, DeploymentStatus, LiveVersion
from evermodel_operator.children.front import preview_name
from evermodel_operator.children.serving import serving_selector
from evermodel_operator.kinds.extras import has_preview
from evermodel_operator.kinds.readiness import Readiness
from evermodel_operator.kinds.reading import name_of
from evermodel_operator.kinds.rollout import Rollout
from evermodel_operator.kinds.scene import Scene
from evermodel_operator.kinds.serving_conditions import serving_conditions


def deployment_status(scene: Scene, rollout: Rollout, wanted: str | None) -> DeploymentStatus:
    """The whole status."""
    name = name_of(scene.observed.deployment)
    ready = scene.ready(rollout.live) if rollout.live else Readiness()
    live = None
    if rollout.live is not None:
        known = scene.before.live
        since = known.since if known is not None and known.version == rollout.live else scene.now
        live = LiveVersion(version=rollout.live, replicas=ready.available, since=since)
    selector = serving_selector(name, rollout.live) if rollout.live else None
    return DeploymentStatus(
        observed_generation=scene.observed.deployment["metadata"].get("generation"),
        live=live,
        candidate=_candidate(scene, rollout, name),
        previous=rollout.previous,
        watched=rollout.watched,
        retried=rollout.retried,
        answered=scene.wishes.answered,
        rejected=list(rollout.rejected),
        url=_url(scene, name) if live else None,
        replicas=ready.available if live else None,
        selector=",".join(f"{key}={value}" for key, value in selector.items()) if selector else None,
        conditions=serving_conditions(scene, rollout, ready, wanted),
    )


def _candidate(scene: Scene, rollout: Rollout, name: str) -> CandidateVersion | None:
    if rollout.candidate is None or not has_preview(scene, rollout):
        return rollout.candidate
    return rollout.candidate.model_copy(update={"url": _url(scene, preview_name(name))})


def _url(scene: Scene, service: str) -> str:
    namespace, spec = scene.observed.deployment["metadata"]["namespace"], scene.spec
    return f"{scheme_of(spec)}://{service}.{namespace}.svc{_port(spec)}"


def scheme_of(spec: DeploymentSpec) -> str:
    """How the pods speak."""
    return "http" if spec.tls is None else "https"


def _port(spec: DeploymentSpec) -> str:
    usual = {"http": 80, "https": 443}[scheme_of(spec)]
    return "" if spec.expose.service.port == usual else f":{spec.expose.service.port}"
