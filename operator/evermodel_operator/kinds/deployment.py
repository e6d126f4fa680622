"""ModelDeployment: which version takes the traffic, and how a newer one takes over without losing a request.

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
from datetime import datetime, timedelta

from evermodel_api import API_VERSION
from evermodel_api.base import parse_duration
from evermodel_api.deployment import (
    CandidateVersion,
    DeploymentSpec,
    DeploymentStatus,
    LiveVersion,
    PreviousVersion,
    RejectedVersion,
)
from evermodel_api.reasons import Reason
from evermodel_operator.children import labels
from evermodel_operator.children.serving import service, serving_name, serving_selector
from evermodel_operator.kinds.conditions import refused
from evermodel_operator.kinds.pods import Trouble, trouble
from evermodel_operator.kinds.reading import controlled_by, is_going, label, name_of, read_spec, read_status, written
from evermodel_operator.kinds.serving import Readiness, readiness, serving_children
from evermodel_operator.kinds.serving_conditions import serving_conditions, stalled_events
from evermodel_operator.kinds.version import MAY_SERVE
from evermodel_operator.plan import Deletion, Event, Object, Plan
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache

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
    children: dict[str, Object] = field(default_factory=dict)
    """Deployments of this ModelDeployment, by the version that they serve."""
    pods: list[Object] = field(default_factory=list)


def observe(cache: Cache, namespace: str, name: str) -> Observed | None:
    """Read from the cache what a plan needs; None when the deployment is gone."""
    deployment = cache.get(API_VERSION, "ModelDeployment", namespace, name)
    if deployment is None or is_going(deployment):
        return None
    mine = {labels.DEPLOYMENT: name}
    front = cache.get("v1", "Service", namespace, name)
    return Observed(
        deployment=deployment,
        versions={name_of(v): v for v in cache.list(API_VERSION, "ModelVersion", namespace)},
        service=front if front is not None and controlled_by(front, deployment) else None,
        children={
            str(label(child, labels.VERSION)): child
            for child in cache.list("apps/v1", "Deployment", namespace, mine)
            if controlled_by(child, deployment) and not is_going(child)
        },
        pods=cache.list("v1", "Pod", namespace, mine),
    )


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


def plan(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Bring the world one step nearer to the desired version taking all traffic."""
    spec = read_spec(DeploymentSpec, observed.deployment)
    if isinstance(spec, str):
        return Plan(status=refused(observed.deployment, Reason.INVALID_SPEC, spec, now))
    before = read_status(DeploymentStatus, observed.deployment)
    wanted = desired(spec, observed, before)
    rollout = next_rollout(observed, spec, before, wanted, now)
    needed = [v for v in (rollout.live, rollout.candidate, rollout.previous and rollout.previous.version) if v]
    apply = [child for version in needed for child in serving_children(observed, version, spec, settings)]
    if rollout.live is not None:
        apply.append(service(observed.deployment, rollout.live, spec))
    status = _status(observed, spec, rollout, wanted, now)
    return Plan(
        apply=tuple(apply),
        delete=tuple(_unneeded(observed, needed)),
        status=written(status),
        events=(*_events(observed, before, rollout), *stalled_events(before.conditions, status.conditions)),
        requeue=_requeue(spec, rollout, now),
    )


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


def _unneeded(observed: Observed, needed: list[str]) -> list[Deletion]:
    name = name_of(observed.deployment)
    return [
        Deletion(api_version, kind, serving_name(name, version))
        for version in sorted(set(observed.children) - set(needed))
        for api_version, kind in (("apps/v1", "Deployment"), ("v1", "ConfigMap"))
    ]


def _requeue(spec: DeploymentSpec, rollout: Rollout, now: datetime) -> timedelta | None:
    """When time alone changes the decision: the end of keepPrevious, the candidate's or first version's deadline."""
    moments = []
    if rollout.previous is not None:
        moments.append(rollout.previous.until)
    if rollout.since is not None and (rollout.candidate is not None or rollout.moved or rollout.trouble is not None):
        moments.append(rollout.since + parse_duration(spec.strategy.progress_deadline))
    ahead = [at - now for at in moments if at > now]
    return min(ahead) + timedelta(seconds=1) if ahead else None


def _status(
    observed: Observed, spec: DeploymentSpec, rollout: Rollout, wanted: str | None, now: datetime
) -> DeploymentStatus:
    before = read_status(DeploymentStatus, observed.deployment)
    name, namespace = name_of(observed.deployment), observed.deployment["metadata"]["namespace"]
    live = None
    ready = Readiness()
    if rollout.live is not None:
        ready = readiness(observed.children.get(rollout.live), spec)
        same = before.live is not None and before.live.version == rollout.live
        since = before.live.since if same and before.live else now
        live = LiveVersion(version=rollout.live, replicas=ready.available, since=since)
    candidate = None
    if rollout.candidate is not None:
        starting = readiness(observed.children.get(rollout.candidate), spec)
        candidate = CandidateVersion(version=rollout.candidate, replicas=starting.available, since=rollout.since or now)
    selector = serving_selector(name, rollout.live) if rollout.live else None
    return DeploymentStatus(
        observed_generation=observed.deployment["metadata"].get("generation"),
        live=live,
        candidate=candidate,
        previous=rollout.previous,
        rejected=list(rollout.rejected),
        url=f"http://{name}.{namespace}.svc{_port(spec)}" if live else None,
        replicas=ready.available if live else None,
        selector=",".join(f"{key}={value}" for key, value in selector.items()) if selector else None,
        conditions=serving_conditions(observed.deployment, spec, rollout, ready, wanted, now),
    )


def _port(spec: DeploymentSpec) -> str:
    return "" if spec.expose.service.port == 80 else f":{spec.expose.service.port}"


def _events(observed: Observed, before: DeploymentStatus, rollout: Rollout) -> list[Event]:
    events = []
    started = before.candidate.version if before.candidate else None
    if rollout.candidate is not None and rollout.candidate != started:
        text = f"Rolling out {rollout.candidate}; {rollout.live} goes on answering until all its pods are ready."
        events.append(Event("Normal", Reason.ROLLING_OUT, text))
    if rollout.moved and rollout.previous is not None:
        until = f"{rollout.previous.until:%H:%M:%S} UTC"
        text = f"{rollout.live} answers now; {rollout.previous.version} is kept warm until {until}."
        events.append(Event("Normal", Reason.ROLLED_OUT, text))
    elif rollout.moved:
        events.append(Event("Normal", Reason.ROLLING_OUT, f"Starting {rollout.live}, the first version."))
    for item in rollout.rejected[: len(rollout.rejected) - len(before.rejected)]:
        text = f"{item.version} is given up and {rollout.live} goes on: {item.message}"
        events.append(Event("Warning", Reason(item.reason), text))
    if _is_removed(before.previous, observed, rollout):
        warm = before.previous.version if before.previous else ""
        events.append(Event("Normal", Reason.PREVIOUS_REMOVED, f"{warm} is drained and removed."))
    return events


def _is_removed(warm: PreviousVersion | None, observed: Observed, rollout: Rollout) -> bool:
    """Whether the version that was kept warm goes in this pass."""
    if warm is None or warm.version not in observed.children or warm.version == rollout.live:
        return False
    return rollout.previous is None or rollout.previous.version != warm.version
