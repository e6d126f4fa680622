"""DriftMonitor: when the model is looked at, what was found, and whether a retraining is asked for."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from evermodel_api import API_VERSION
from evermodel_api.base import parse_duration
from evermodel_api.deployment import DeploymentStatus
from evermodel_api.monitor import Memory, MonitorSpec, MonitorStatus, RetrainStatus, Situation
from evermodel_api.reasons import Reason
from evermodel_api.runs import MonitorOrder
from evermodel_api.training import TrainingStatus
from evermodel_api.version import Artifact
from evermodel_operator import labels
from evermodel_operator.children.job import monitor_job, monitor_labels
from evermodel_operator.children.order import order_config_map
from evermodel_operator.children.pod import store_root
from evermodel_operator.kinds.asking import answered
from evermodel_operator.kinds.conditions import refused
from evermodel_operator.kinds.evaluation import ended, recorded_status, waiting_status
from evermodel_operator.kinds.reading import controlled_by, is_going, label, name_of, read_spec, read_status, written
from evermodel_operator.kinds.retraining import open_retraining
from evermodel_operator.kinds.watched import Evaluation, Target
from evermodel_operator.plan import Deletion, Object, Plan
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache

KEPT_JOBS = 3


@dataclass(frozen=True)
class Observed:
    """What is there."""

    monitor: Object
    deployment: Object | None = None
    versions: dict[str, Object] = field(default_factory=dict)
    training: Object | None = None
    """The training that may be asked for a new model."""
    jobs: list[Object] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)


def observe(cache: Cache, namespace: str, name: str) -> Observed | None:
    """Read from the cache what a plan needs; None when the monitor is gone."""
    monitor = cache.get(API_VERSION, "DriftMonitor", namespace, name)
    if monitor is None or is_going(monitor):
        return None
    mine = {labels.MONITOR: name}
    training = monitor["spec"].get("actions", {}).get("retrain", {}).get("trainingRef", {}).get("name")
    jobs = [job for job in cache.list("batch/v1", "Job", namespace, mine) if controlled_by(job, monitor)]
    return Observed(
        monitor=monitor,
        deployment=cache.get(API_VERSION, "ModelDeployment", namespace, monitor["spec"]["deploymentRef"]["name"]),
        versions={name_of(v): v for v in cache.list(API_VERSION, "ModelVersion", namespace)},
        training=cache.get(API_VERSION, "ModelTraining", namespace, training) if training else None,
        jobs=sorted(jobs, key=evaluation_of),
        pods=cache.list("v1", "Pod", namespace, mine),
    )


def evaluation_of(thing: Object) -> int:
    """The evaluation that a Job or pod belongs to: the beginning of its time slot, in seconds since 1970."""
    return int(label(thing, labels.EVALUATION) or 0)


def plan(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Record the evaluation that ended, start the one that is due, remove old ones."""
    spec = read_spec(MonitorSpec, observed.monitor)
    if isinstance(spec, str):
        return Plan(status=refused(observed.monitor, Reason.INVALID_SPEC, spec, now))
    before = read_status(MonitorStatus, observed.monitor)
    frozen = frozen_because(observed)
    status, events = answered(observed.monitor, spec, before, frozen, now)
    for evaluation in _newly_ended(observed, before):
        target = _target(observed, status, frozen)
        status, new_events = recorded_status(observed.monitor, spec, status, evaluation, target, now)
        events += new_events
    target = _target(observed, status, frozen)
    if status.evaluated == before.evaluated:
        status = waiting_status(observed.monitor, spec, status, target, now)
    order = _due(observed, spec, status, target, settings, now)
    apply: tuple[Object, ...] = ()
    if order is not None:
        image = str(observed.versions[order.version]["spec"]["image"])
        job = monitor_job(observed.monitor, order, image, settings)
        job_labels = monitor_labels(order.monitor, order.evaluation, order.version)
        apply = (order_config_map(observed.monitor, name_of(job), job_labels, order), job)
    return Plan(apply, tuple(_old_jobs(observed, status)), written(status), events, _until_next(spec, target.live, now))


def _live(observed: Observed) -> str | None:
    if observed.deployment is None:
        return None
    live = read_status(DeploymentStatus, observed.deployment).live
    return live.version if live is not None and live.version in observed.versions else None


def _target(observed: Observed, status: MonitorStatus, frozen: str | None) -> Target:
    retraining = open_retraining(observed.monitor, status, observed.training, observed.versions)
    return Target(observed.deployment is not None, _live(observed), frozen, retraining)


def frozen_because(observed: Observed) -> str | None:
    """Why no retraining may be asked for now, or None."""
    if observed.deployment is not None:
        candidate = read_status(DeploymentStatus, observed.deployment).candidate
        if candidate is not None:
            return f"{candidate.version} is being rolled out"
    if observed.training is None:
        return None
    run = read_status(TrainingStatus, observed.training).run
    return f"run {run.id} of {name_of(observed.training)} is under way" if run is not None else None


def _newly_ended(observed: Observed, before: MonitorStatus) -> list[Evaluation]:
    last = int(before.evaluated or 0)
    found = []
    for job in observed.jobs:
        if evaluation_of(job) <= last:
            continue
        pods = [pod for pod in observed.pods if evaluation_of(pod) == evaluation_of(job)]
        evaluation = ended(job, pods)
        if evaluation is not None:
            found.append(evaluation)
    return found


def _slot(spec: MonitorSpec, now: datetime) -> int:
    """Beginning of the present time slot. Missed slots are not made up for: the window says it all."""
    every = max(1, int(parse_duration(spec.schedule.every).total_seconds()))
    return int(now.timestamp()) // every * every


def _due(
    observed: Observed, spec: MonitorSpec, status: MonitorStatus, target: Target, settings: Settings, now: datetime
) -> MonitorOrder | None:
    """The order of the evaluation that has to start now, or None. One at a time."""
    last = int(status.evaluated or 0)
    newest = max([0, *(evaluation_of(job) for job in observed.jobs)])
    under_way = newest > last
    slot = _slot(spec, now)
    live = target.live
    if live is None or spec.suspend or under_way or slot <= max(last, newest):
        return None
    namespace = str(observed.monitor["metadata"]["namespace"])
    return MonitorOrder(
        namespace=namespace,
        monitor=name_of(observed.monitor),
        evaluation=str(slot),
        deployment=spec.deployment_ref.name,
        version=live,
        artifact=Artifact.model_validate(observed.versions[live]["spec"]["artifact"]),
        spec=spec,
        store=store_root(settings, namespace),
        now=now,
        memory=status.memory or Memory(),
        situation=_situation(status, target),
    )


def _situation(status: MonitorStatus, target: Target) -> Situation:
    """What the decision has to know of the cluster."""
    known = status.retrain or RetrainStatus()
    return Situation(
        asked=known.asked,
        declined=known.declined,
        frozen=target.frozen,
        proposal=known.proposal.id if known.proposal else None,
        retraining=target.retraining,
    )


def _old_jobs(observed: Observed, status: MonitorStatus) -> list[Deletion]:
    """All recorded evaluations but the newest few."""
    recorded = [job for job in observed.jobs if evaluation_of(job) <= int(status.evaluated or 0) and not is_going(job)]
    return [
        deletion
        for job in recorded[:-KEPT_JOBS]
        for deletion in (Deletion("batch/v1", "Job", name_of(job)), Deletion("v1", "ConfigMap", name_of(job)))
    ]


def _until_next(spec: MonitorSpec, live: str | None, now: datetime) -> timedelta | None:
    if live is None or spec.suspend:
        return None
    every = timedelta(seconds=max(1, int(parse_duration(spec.schedule.every).total_seconds())))
    beginning = datetime.fromtimestamp(_slot(spec, now), UTC)
    return beginning + every - now
