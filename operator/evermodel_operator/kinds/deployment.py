"""ModelDeployment: which version takes the traffic, and how a newer one takes over (decided in `rollout`)."""

from datetime import datetime, timedelta

from evermodel_api import API_VERSION
from evermodel_api.base import parse_duration
from evermodel_api.deployment import DeploymentSpec, DeploymentStatus
from evermodel_api.reasons import Reason
from evermodel_operator import labels
from evermodel_operator.children.serving import serving_name
from evermodel_operator.kinds.conditions import refused
from evermodel_operator.kinds.deployment_events import rollout_events, wish_events
from evermodel_operator.kinds.deployment_status import deployment_status
from evermodel_operator.kinds.extras import EXTRAS, extras
from evermodel_operator.kinds.reading import controlled_by, is_going, label, name_of, read_spec, read_status, written
from evermodel_operator.kinds.rollout import Rollout, next_rollout
from evermodel_operator.kinds.scene import Observed, Scene, desired
from evermodel_operator.kinds.serving import serving_children
from evermodel_operator.kinds.serving_conditions import stalled_events
from evermodel_operator.kinds.wishes import wishes
from evermodel_operator.plan import Deletion, Object, Plan
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.observation import counted_of


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
        extras={
            (kind, name_of(child)): child
            for api_version, kind in EXTRAS
            for child in cache.list(api_version, kind, namespace, mine)
            if controlled_by(child, deployment) and not is_going(child)
        },
        children={
            str(label(child, labels.VERSION)): child
            for child in cache.list("apps/v1", "Deployment", namespace, mine)
            if controlled_by(child, deployment) and not is_going(child)
        },
        pods=cache.list("v1", "Pod", namespace, mine),
        counted=counted_of(cache, namespace, name),
    )


def plan(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Bring the world one step nearer to the desired version taking all traffic."""
    spec = read_spec(DeploymentSpec, observed.deployment)
    if isinstance(spec, str):
        return Plan(status=refused(observed.deployment, Reason.INVALID_SPEC, spec, now))
    before = read_status(DeploymentStatus, observed.deployment)
    scene = Scene(observed, spec, before, wishes(observed.deployment, before), now)
    wanted = desired(scene)
    rollout = next_rollout(scene, wanted)
    sizes = _sizes(scene, rollout)
    wished = extras(scene, rollout)
    status = deployment_status(scene, rollout, wanted)
    return Plan(
        apply=(
            *(
                child
                for version, replicas in sizes.items()
                for child in serving_children(observed, version, replicas, spec, settings)
            ),
            *wished,
        ),
        delete=(*_unneeded_versions(observed, sizes), *_unneeded_extras(observed, wished)),
        status=written(status),
        events=(
            *wish_events(scene, rollout),
            *rollout_events(scene, rollout),
            *stalled_events(before.conditions, status.conditions),
        ),
        requeue=_requeue(scene, rollout),
    )


def _sizes(scene: Scene, rollout: Rollout) -> dict[str, int]:
    """Versions that have pods, and how many."""
    sizes = {rollout.live: scene.spec.replicas} if rollout.live else {}
    if rollout.candidate is not None:
        sizes[rollout.candidate.version] = rollout.size
    if rollout.previous is not None:
        sizes[rollout.previous.version] = scene.spec.replicas
    return sizes


def _unneeded_versions(observed: Observed, needed: dict[str, int]) -> list[Deletion]:
    name = name_of(observed.deployment)
    return [
        Deletion(api_version, kind, serving_name(name, version))
        for version in sorted(set(observed.children) - set(needed))
        for api_version, kind in (("apps/v1", "Deployment"), ("v1", "ConfigMap"))
    ]


def _unneeded_extras(observed: Observed, wished: list[Object]) -> list[Deletion]:
    kept = {(child["kind"], name_of(child)) for child in wished}
    return [
        Deletion(child["apiVersion"], kind, name)
        for (kind, name), child in sorted(observed.extras.items())
        if (kind, name) not in kept
    ]


def _requeue(scene: Scene, rollout: Rollout) -> timedelta | None:
    """When time alone changes the decision."""
    if rollout.rejected != tuple(scene.before.rejected):
        return timedelta(0)
    deadline = parse_duration(scene.spec.strategy.progress_deadline)
    moments = [rollout.until, *(held.until for held in (rollout.previous, rollout.watched) if held is not None)]
    if rollout.candidate is not None:
        waiting = rollout.candidate.waiting
        moments.append(waiting + deadline if waiting is not None else None)
    elif rollout.since is not None and (rollout.moved or rollout.trouble is not None):
        moments.append(rollout.since + deadline)
    ahead = [at - scene.now for at in moments if at is not None and at > scene.now]
    return min(ahead) + timedelta(seconds=1) if ahead else None
