"""ModelDeployment: which version takes the traffic, and how a newer one takes over (decided in `rollout`)."""

from datetime import datetime, timedelta

from evermodel_api import API_VERSION
from evermodel_api.base import parse_duration
from evermodel_api.deployment import (
    CandidateVersion,
    DeploymentSpec,
    DeploymentStatus,
    LiveVersion,
    PreviousVersion,
)
from evermodel_api.reasons import Reason
from evermodel_operator import labels
from evermodel_operator.children.front import ingress, service
from evermodel_operator.children.serving import serving_name, serving_selector
from evermodel_operator.kinds.conditions import refused
from evermodel_operator.kinds.readiness import Readiness, readiness
from evermodel_operator.kinds.reading import controlled_by, is_going, label, name_of, read_spec, read_status, written
from evermodel_operator.kinds.rollout import Observed, Rollout, desired, next_rollout
from evermodel_operator.kinds.serving import serving_children
from evermodel_operator.kinds.serving_conditions import serving_conditions, stalled_events
from evermodel_operator.plan import Deletion, Event, Object, Plan
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache


def observe(cache: Cache, namespace: str, name: str) -> Observed | None:
    """Read from the cache what a plan needs; None when the deployment is gone."""
    deployment = cache.get(API_VERSION, "ModelDeployment", namespace, name)
    if deployment is None or is_going(deployment):
        return None
    mine = {labels.DEPLOYMENT: name}

    def own(api_version: str, kind: str) -> Object | None:
        found = cache.get(api_version, kind, namespace, name)
        return found if found is not None and controlled_by(found, deployment) else None

    return Observed(
        deployment=deployment,
        versions={name_of(v): v for v in cache.list(API_VERSION, "ModelVersion", namespace)},
        service=own("v1", "Service"),
        ingress=own("networking.k8s.io/v1", "Ingress"),
        children={
            str(label(child, labels.VERSION)): child
            for child in cache.list("apps/v1", "Deployment", namespace, mine)
            if controlled_by(child, deployment) and not is_going(child)
        },
        pods=cache.list("v1", "Pod", namespace, mine),
    )


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
        if spec.expose.ingress is not None:
            apply.append(ingress(observed.deployment, spec.expose.ingress))
    status = _status(observed, spec, rollout, wanted, now)
    return Plan(
        apply=tuple(apply),
        delete=tuple(_unneeded(observed, spec, needed)),
        status=written(status),
        events=(*_events(observed, before, rollout), *stalled_events(before.conditions, status.conditions)),
        requeue=_requeue(spec, rollout, now),
    )


def _unneeded(observed: Observed, spec: DeploymentSpec, needed: list[str]) -> list[Deletion]:
    name = name_of(observed.deployment)
    gone = [
        Deletion(api_version, kind, serving_name(name, version))
        for version in sorted(set(observed.children) - set(needed))
        for api_version, kind in (("apps/v1", "Deployment"), ("v1", "ConfigMap"))
    ]
    if observed.ingress is not None and spec.expose.ingress is None:
        gone.append(Deletion("networking.k8s.io/v1", "Ingress", name))
    return gone


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
        url=_url(name, namespace, spec) if live else None,
        replicas=ready.available if live else None,
        selector=",".join(f"{key}={value}" for key, value in selector.items()) if selector else None,
        conditions=serving_conditions(observed.deployment, spec, rollout, ready, wanted, now),
    )


def _url(name: str, namespace: str, spec: DeploymentSpec) -> str:
    scheme, usual = ("http", 80) if spec.tls is None else ("https", 443)
    port = spec.expose.service.port
    return f"{scheme}://{name}.{namespace}.svc{'' if port == usual else f':{port}'}"


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
    known = {item.version for item in before.rejected}
    for item in (item for item in rollout.rejected if item.version not in known):
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
