"""What a rollout is decided from: what is there, what is written down, what people ask, which version is desired."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evermodel_api.base import parse_duration
from evermodel_api.deployment import CandidateVersion, DeploymentSpec, DeploymentStatus
from evermodel_operator import labels
from evermodel_operator.kinds.checks import Sight, sight
from evermodel_operator.kinds.pods import Trouble, trouble
from evermodel_operator.kinds.readiness import Readiness, readiness
from evermodel_operator.kinds.reading import annotation, is_going, label, name_of
from evermodel_operator.kinds.stages import MAY_SERVE
from evermodel_operator.kinds.wishes import Wishes
from evermodel_operator.plan import Object


@dataclass(frozen=True)
class Observed:
    """What is there."""

    deployment: Object
    """The ModelDeployment."""
    versions: dict[str, Object] = field(default_factory=dict)
    """All ModelVersions of the namespace, by name."""
    service: Object | None = None
    extras: dict[tuple[str, str], Object] = field(default_factory=dict)
    """Children that a spec may ask for or not, by kind and name."""
    children: dict[str, Object] = field(default_factory=dict)
    """Deployments of this ModelDeployment, by the version that they serve."""
    pods: list[Object] = field(default_factory=list)
    counted: list[Object] = field(default_factory=list)
    """What serving pods said that they have counted (`watch.observation`)."""


@dataclass(frozen=True)
class Scene:
    """Everything that the next step of a rollout follows from."""

    observed: Observed
    spec: DeploymentSpec
    before: DeploymentStatus
    wishes: Wishes
    now: datetime

    @property
    def live(self) -> str | None:
        """The version that the Service says is live."""
        service = self.observed.service
        if service is None:
            return None
        selected = annotation(service, labels.LIVE) or service["spec"].get("selector", {}).get(labels.VERSION)
        return None if selected is None else str(selected)

    @property
    def wide(self) -> bool:
        """Whether the Service sends traffic to a candidate too."""
        service = self.observed.service
        return service is not None and labels.VERSION not in service["spec"].get("selector", {})

    @property
    def under_way(self) -> str | None:
        """The candidate; where the status was lost, the version that takes traffic beside the live one."""
        if self.before.candidate is not None:
            return self.before.candidate.version
        beside = (name for name in sorted(self.observed.children) if name != self.live and self.ready(name).available)
        return next(beside, None) if self.wide else None

    @property
    def rejected(self) -> set[str]:
        """Versions that are not tried; one that a person asks for is tried again."""
        return {item.version for item in self.before.rejected} - {self.wishes.retry}

    @property
    def deadline(self) -> timedelta:
        """How long pods are waited for."""
        return parse_duration(self.spec.strategy.progress_deadline)

    def candidate(self, version: str) -> CandidateVersion:
        """What is known of the version's rollout; that it begins now, where nothing is."""
        known = self.before.candidate
        if known is not None and known.version == version:
            return known
        return CandidateVersion(version=version, replicas=0, since=self.now, waiting=self.now)

    def ready(self, version: str | None, replicas: int | None = None) -> Readiness:
        """How far a version's pods are; `replicas` are those asked for, all of the spec's when not given."""
        child = self.observed.children.get(version) if version else None
        return readiness(child, self.spec.replicas if replicas is None else replicas)

    def trouble(self, version: str) -> Trouble | None:
        """What keeps a version's pods from being ready."""
        return trouble(pod for pod in self.pods if label(pod, labels.VERSION) == version)

    @property
    def pods(self) -> list[Object]:
        """Pods that are not on their way out."""
        return [pod for pod in self.observed.pods if not is_going(pod)]

    def others(self, *versions: str | None) -> bool:
        """Whether there are pods of versions beside these."""
        return any(label(pod, labels.VERSION) not in versions for pod in self.pods)

    def counted(self, version: str) -> Sight:
        """What a version's pods have counted."""
        return sight(each for each in self.observed.counted if label(each, labels.VERSION) == version)


def desired(scene: Scene) -> str | None:
    """The version that should take all traffic, or None when there is none yet.

    Following a training, it is the newest version that may serve. A pinned version may also be a retired one: it
    passed its gates once, and a person asks for it by name.
    """
    under_way = scene.under_way
    if under_way is not None and under_way != scene.live and _stays(scene, under_way):
        return under_way
    pinned = scene.wishes.pin or (scene.spec.model.version_ref.name if scene.spec.model.version_ref else None)
    if pinned is not None:
        return pinned if _may_be_pinned(scene, pinned) else None
    model = scene.spec.model.training_ref.name if scene.spec.model.training_ref else None
    able = [
        version
        for name, version in scene.observed.versions.items()
        if version["spec"]["training"]["name"] == model
        and version.get("status", {}).get("stage") in MAY_SERVE
        and name not in scene.rejected
    ]
    return name_of(max(able, key=lambda version: int(version["spec"]["version"]))) if able else None


def _stays(scene: Scene, candidate: str) -> bool:
    """Whether a candidate stays the desired version, whatever comes: nobody but it answers, or a person paused it."""
    if candidate not in scene.observed.versions:
        return False
    if not scene.ready(scene.live).available and scene.ready(candidate).available:
        return True
    return scene.wishes.paused and _may_be_pinned(scene, candidate)


def _may_be_pinned(scene: Scene, name: str) -> bool:
    version = scene.observed.versions.get(name)
    stage = version.get("status", {}).get("stage") if version else None
    return (stage in MAY_SERVE or stage == "Retired") and name not in scene.rejected
