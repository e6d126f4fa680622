"""The rollout, as one pure decision: who plays which part next.

The Service's selector is the truth about what is live. The rollout is decided here, from what is there:

| live | desired | its pods               | what is done                                          |
|------|---------|------------------------|-------------------------------------------------------|
| none | none    |                        | wait for an approved version                          |
| none | V       |                        | make V's Deployment and a Service that selects V      |
| V    | V       |                        | keep it so                                            |
| V    | W       | not all ready, in time | make or keep W's Deployment; the Service stays with V |
| V    | W       | all ready              | the Service selects W; V is kept for keepPrevious     |
| V    | W       | too late, or broken    | W is rejected and removed; the Service stays with V   |
"""

from dataclasses import dataclass, field
from datetime import datetime

from evermodel_api.base import parse_duration
from evermodel_api.deployment import DeploymentSpec, DeploymentStatus, PreviousVersion, RejectedVersion
from evermodel_api.reasons import Reason
from evermodel_operator import labels
from evermodel_operator.kinds.pods import Trouble, trouble
from evermodel_operator.kinds.readiness import readiness
from evermodel_operator.kinds.reading import is_going, label, name_of
from evermodel_operator.kinds.stages import MAY_SERVE
from evermodel_operator.plan import Object

KEPT_REJECTED = 10
_MESSAGE_LIMIT = 1000


@dataclass(frozen=True)
class Observed:
    """What is there."""

    deployment: Object
    """The ModelDeployment."""
    versions: dict[str, Object] = field(default_factory=dict)
    """All ModelVersions of the namespace, by name."""
    service: Object | None = None
    ingress: Object | None = None
    children: dict[str, Object] = field(default_factory=dict)
    """Deployments of this ModelDeployment, by the version that they serve."""
    pods: list[Object] = field(default_factory=list)


@dataclass(frozen=True)
class Rollout:
    """Who plays which part after this pass."""

    live: str | None = None
    candidate: str | None = None
    previous: PreviousVersion | None = None
    since: datetime | None = None
    """When the candidate's rollout began, or the live version's pods were first asked for."""
    rejected: tuple[RejectedVersion, ...] = ()
    """All rejected versions, newest first."""
    moved: bool = False
    """Whether the Service moves to another version in this pass."""
    trouble: Trouble | None = None
    """What keeps the version that is being started from being ready."""


def desired(spec: DeploymentSpec, observed: Observed, before: DeploymentStatus) -> str | None:
    """The version that should take all traffic, or None when there is none yet.

    Following a training, it is the newest version that may serve. A pinned version may also be a retired one: it
    passed its gates once, and a person asks for it by name.
    """
    rejected = {item.version for item in before.rejected}
    if spec.model.version_ref is not None:
        pinned = observed.versions.get(spec.model.version_ref.name)
        stage = pinned.get("status", {}).get("stage") if pinned else None
        able = stage in MAY_SERVE or stage == "Retired"
        return spec.model.version_ref.name if able and spec.model.version_ref.name not in rejected else None
    model = spec.model.training_ref.name if spec.model.training_ref else None
    able_versions = [
        version
        for name, version in observed.versions.items()
        if version["spec"]["training"]["name"] == model
        and version.get("status", {}).get("stage") in MAY_SERVE
        and name not in rejected
    ]
    return name_of(max(able_versions, key=lambda v: int(v["spec"]["version"]))) if able_versions else None


def live_version(observed: Observed) -> str | None:
    """The version that the Service selects."""
    if observed.service is None:
        return None
    selected = observed.service["spec"].get("selector", {}).get(labels.VERSION)
    return None if selected is None else str(selected)


def next_rollout(
    observed: Observed, spec: DeploymentSpec, before: DeploymentStatus, wanted: str | None, now: datetime
) -> Rollout:
    """Who plays which part next. Pure: the table above."""
    live = live_version(observed)
    rejected = tuple(before.rejected)
    previous = _previous(observed, spec, before, live, now)
    if live is None:
        return Rollout(live=wanted, since=now, rejected=rejected, moved=wanted is not None)
    if wanted is None or wanted == live:
        since = before.live.since if before.live and before.live.version == live else now
        ready = readiness(observed.children.get(live), spec)
        why = None if ready.complete else trouble(_pods_of(observed, live))
        return Rollout(live=live, previous=previous, since=since, rejected=rejected, trouble=why)
    since = before.candidate.since if before.candidate and before.candidate.version == wanted else now
    if readiness(observed.children.get(wanted), spec).complete:
        kept = PreviousVersion(version=live, until=now + parse_duration(spec.retirement.keep_previous))
        return Rollout(live=wanted, previous=kept, since=now, rejected=rejected, moved=True)
    found = trouble(_pods_of(observed, wanted))
    refusal = _refusal(wanted, found, since, spec, now)
    if refusal is not None:
        kept_rejected = (refusal, *rejected)[:KEPT_REJECTED]
        return Rollout(live=live, previous=previous, since=since, rejected=kept_rejected, trouble=found)
    return Rollout(live, wanted, previous, since, rejected, trouble=found)


def _refusal(
    version: str, found: Trouble | None, since: datetime, spec: DeploymentSpec, now: datetime
) -> RejectedVersion | None:
    """Whether a candidate has to be given up, and why."""
    if found is not None and found.final:
        return RejectedVersion(
            version=version, at=now, reason=Reason.ROLLOUT_FAILED, message=found.message[:_MESSAGE_LIMIT]
        )
    if now - since < parse_duration(spec.strategy.progress_deadline):
        return None
    text = f"not ready within {spec.strategy.progress_deadline}: {found.message if found else 'its pods are not ready'}"
    reason = Reason.PROGRESS_DEADLINE_EXCEEDED
    return RejectedVersion(version=version, at=now, reason=reason, message=text[:_MESSAGE_LIMIT])


def _previous(
    observed: Observed, spec: DeploymentSpec, before: DeploymentStatus, live: str | None, now: datetime
) -> PreviousVersion | None:
    """The version that is kept warm. A switch that the status does not know of yet shows in their difference."""
    if before.live is not None and live is not None and before.live.version != live:
        kept = PreviousVersion(version=before.live.version, until=now + parse_duration(spec.retirement.keep_previous))
    else:
        kept = before.previous  # type: ignore[assignment]
    if kept is None or kept.version == live or now >= kept.until or kept.version not in observed.versions:
        return None
    return kept


def _pods_of(observed: Observed, version: str) -> list[Object]:
    return [pod for pod in observed.pods if label(pod, labels.VERSION) == version and not is_going(pod)]
