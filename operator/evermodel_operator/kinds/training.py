"""ModelTraining: decides when a run starts, records what it made, and says how it went."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evermodel_api import API_VERSION
from evermodel_api.base import Schema, parse_duration
from evermodel_api.digest import spec_digest
from evermodel_api.reasons import ConditionType, Reason
from evermodel_api.runs import ChampionRef, Outcome, TrainingOrder
from evermodel_api.training import CurrentRun, PastRun, TrainingSpec, TrainingStatus
from evermodel_api.version import Stage, VersionSpec
from evermodel_operator import labels
from evermodel_operator.children.claim import store_claim
from evermodel_operator.children.job import training_job, training_labels
from evermodel_operator.children.order import order_config_map
from evermodel_operator.children.pod import store_root
from evermodel_operator.children.version import model_version
from evermodel_operator.kinds.conditions import Conditions, refused
from evermodel_operator.kinds.pods import trouble
from evermodel_operator.kinds.reading import (
    controlled_by,
    finished_at,
    is_going,
    name_of,
    read_spec,
    read_status,
    written,
)
from evermodel_operator.kinds.requests import asked, next_cause, pending
from evermodel_operator.kinds.runs import RunRecord, has_ended, lost_run, record_run, run_number
from evermodel_operator.plan import Deletion, Event, Object, Plan
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache

KEPT_RUNS = 10


@dataclass(frozen=True)
class Observed:
    """What is there."""

    training: Object
    jobs: list[Object] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)
    versions: list[Object] = field(default_factory=list)
    monitors: list[Object] = field(default_factory=list)
    """Monitors that name this training in actions.retrain."""


def observe(cache: Cache, namespace: str, name: str) -> Observed | None:
    """Read from the cache what a plan needs; None when the training is gone."""
    training = cache.get(API_VERSION, "ModelTraining", namespace, name)
    if training is None or is_going(training):
        return None
    mine = {labels.TRAINING: name}
    return Observed(
        training=training,
        jobs=[job for job in cache.list("batch/v1", "Job", namespace, mine) if controlled_by(job, training)],
        pods=cache.list("v1", "Pod", namespace, mine),
        versions=cache.list(API_VERSION, "ModelVersion", namespace, mine),
        monitors=[
            monitor
            for monitor in cache.list(API_VERSION, "DriftMonitor", namespace)
            if monitor["spec"].get("actions", {}).get("retrain", {}).get("trainingRef", {}).get("name") == name
        ],
    )


class _History(Schema):
    """What is known of a training's runs after looking at its Jobs."""

    runs: list[PastRun]
    """Ended runs, newest first."""
    recorded: list[PastRun]
    """Those that were not recorded before this pass."""
    versions: list[VersionSpec]
    """Versions that have no ModelVersion yet."""
    acknowledged: dict[str, str]
    """The last request of each asker that was acted on."""
    active: RunRecord | None = None
    """The run that is under way."""


def plan(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Record what ended, start what is asked for, remove what is old."""
    spec = read_spec(TrainingSpec, observed.training)
    if isinstance(spec, str):
        return Plan(status=refused(observed.training, Reason.INVALID_SPEC, spec, now))
    history = _history(observed, now)
    requests = asked(observed.training, observed.monitors)
    order = _next_order(observed, spec, history, settings, now)
    events = [_event(run) for run in history.recorded]
    apply = [model_version(observed.training, version) for version in history.versions]
    acknowledged = {asker: request for asker, request in history.acknowledged.items() if asker in requests}
    active = history.active
    if order is not None:
        # One run serves everybody who asked before it began.
        acknowledged = {asker: str(cause.request) for asker, cause in requests.items()}
        active = RunRecord.make(order, acknowledged)
        apply += _children(observed.training, order, active, settings)
        events.append(Event("Normal", Reason.RUN_STARTED, _started(order)))
    delete, wait = _old_jobs(observed, spec, history, now)
    status = TrainingStatus(
        observed_generation=observed.training["metadata"].get("generation"),
        champion=_champion_name(observed.versions),
        run=_current(active, observed),
        runs=history.runs,
        acknowledged=acknowledged,
        conditions=_conditions(observed, spec, history, active, now),
    )
    return Plan(tuple(apply), tuple(delete), written(status), tuple(events), wait)


def _history(observed: Observed, now: datetime) -> _History:
    before = read_status(TrainingStatus, observed.training)
    known = {run.id for run in before.runs}
    acknowledged = dict(before.acknowledged)
    have = {name_of(version) for version in observed.versions}
    recorded: list[PastRun] = []
    versions: list[VersionSpec] = []
    active: RunRecord | None = None
    for job in sorted(observed.jobs, key=run_number):
        record = RunRecord.of(job)
        if record is None or str(record.run) in known:
            continue
        known.add(str(record.run))
        acknowledged.update(record.acknowledged)
        if not has_ended(job):
            active = record
            continue
        pods = [pod for pod in observed.pods if run_number(pod) == record.run]
        result = record_run(job, pods, record, now)
        recorded.append(result.run)
        if result.version is not None and name_of(job) not in have:
            versions.append(result.version)
    gone = before.run
    if gone is not None and gone.id not in known:
        recorded.append(lost_run(gone.id, gone.cause, gone.spec_digest, gone.started, now))
    runs = sorted([*recorded, *before.runs], key=lambda run: int(run.id), reverse=True)[:KEPT_RUNS]
    return _History(runs=runs, recorded=recorded, versions=versions, acknowledged=acknowledged, active=active)


def _next_order(
    observed: Observed, spec: TrainingSpec, history: _History, settings: Settings, now: datetime
) -> TrainingOrder | None:
    """The order of the run that has to start now, or None."""
    if history.active is not None or spec.run.suspend:
        return None
    digest = spec_digest(spec)
    cause = next_cause(
        pending(asked(observed.training, observed.monitors), history.acknowledged),
        digest=digest,
        last_digest=history.runs[0].spec_digest if history.runs else None,
        on_spec_change=spec.triggers.on_spec_change,
    )
    if cause is None:
        return None
    namespace = str(observed.training["metadata"]["namespace"])
    return TrainingOrder(
        namespace=namespace,
        training=name_of(observed.training),
        run=1 + _largest_number(observed, history),
        spec=spec,
        spec_digest=digest,
        store=store_root(settings, namespace),
        as_of=now,
        cause=cause,
        champion=_champion(observed.versions),
    )


def _largest_number(observed: Observed, history: _History) -> int:
    jobs = [run_number(job) for job in observed.jobs]
    versions = [int(version["spec"]["version"]) for version in observed.versions]
    return max([0, *jobs, *versions, *(int(run.id) for run in history.runs)])


def _children(training: Object, order: TrainingOrder, record: RunRecord, settings: Settings) -> list[Object]:
    job = training_job(training, order, record.text(), settings)
    config = order_config_map(training, name_of(job), training_labels(order.training, order.run), order)
    claim = store_claim(settings, order.namespace)
    return [*([claim] if claim else []), config, job]


def _champions(versions: list[Object]) -> list[Object]:
    return [version for version in versions if version.get("status", {}).get("stage") == Stage.CHAMPION]


def _champion_name(versions: list[Object]) -> str | None:
    champions = _champions(versions)
    return name_of(max(champions, key=lambda version: int(version["spec"]["version"]))) if champions else None


def _champion(versions: list[Object]) -> ChampionRef | None:
    name = _champion_name(versions)
    if name is None:
        return None
    champion = next(version for version in versions if name_of(version) == name)
    return ChampionRef.model_validate({"version": name, "artifact": champion["spec"]["artifact"]})


def _current(active: RunRecord | None, observed: Observed) -> CurrentRun | None:
    if active is None:
        return None
    pods = [pod for pod in observed.pods if run_number(pod) == active.run]
    running = any(pod.get("status", {}).get("phase") == "Running" for pod in pods)
    return CurrentRun(
        id=str(active.run),
        cause=active.cause,
        phase="Training" if running else "Starting",
        job=f"{active.training}-{active.run}",
        spec_digest=active.spec_digest,
        started=active.started,
    )


def _old_jobs(
    observed: Observed, spec: TrainingSpec, history: _History, now: datetime
) -> tuple[list[Deletion], timedelta | None]:
    """Jobs whose time to live is over, and when the next one's will be. Only Jobs whose run is recorded are removed."""
    outcomes = {run.id: run.outcome for run in history.runs}
    newly = {run.id for run in history.recorded}
    delete: list[Deletion] = []
    waits: list[timedelta] = []
    for job in observed.jobs:
        number = str(run_number(job))
        ended = finished_at(job)
        if ended is None or is_going(job) or number in newly:
            continue
        ttl = spec.run.ttl.failed if outcomes.get(number) == Outcome.FAILED else spec.run.ttl.succeeded
        left = ended + parse_duration(ttl) - now
        if left > timedelta(0):
            waits.append(left)
        else:
            delete += [Deletion("batch/v1", "Job", name_of(job)), Deletion("v1", "ConfigMap", name_of(job))]
    return delete, min(waits, default=None)


def _conditions(
    observed: Observed, spec: TrainingSpec, history: _History, active: RunRecord | None, now: datetime
) -> list[object]:
    before = read_status(TrainingStatus, observed.training)
    conditions = Conditions(before.conditions, observed.training["metadata"].get("generation"), now)
    last = history.runs[0] if history.runs else None
    failed = last is not None and last.outcome == Outcome.FAILED
    if active is not None:
        _set_running(conditions, active, observed)
    else:
        reason = Reason.SUSPENDED if spec.run.suspend else Reason.NO_RUN
        conditions.set(ConditionType.RUNNING, False, reason)
    if last is not None:
        made = Reason.RUN_SUCCEEDED if not failed else Reason.RUN_FAILED
        conditions.set(ConditionType.COMPLETE, active is None and not failed, made, last.message)
        conditions.set(ConditionType.FAILED, active is None and failed, made, last.message)
        # A failed run is not repeated by itself: something has to change, or somebody has to ask.
        conditions.set(ConditionType.STALLED, active is None and failed, made, last.message)
    measured = next((run for run in history.runs if run.outcome != Outcome.FAILED), None)
    if measured is not None:
        passed = measured.outcome == Outcome.SUCCEEDED
        reason = Reason.GATES_PASSED if passed else Reason.GATE_REFUSED
        conditions.set(ConditionType.GATE_PASSED, passed, reason, f"Run {measured.id}: {measured.message}")
    return list(conditions.result())


def _set_running(conditions: Conditions, active: RunRecord, observed: Observed) -> None:
    pods = [pod for pod in observed.pods if run_number(pod) == active.run]
    found = trouble(pods)
    running = any(pod.get("status", {}).get("phase") == "Running" for pod in pods)
    text = f"Run {active.run} ({active.cause.reason}, asked by {active.cause.by})"
    if found is not None:
        conditions.set(ConditionType.RUNNING, True, found.reason, f"{text} has trouble: {found.message}")
    elif running:
        conditions.set(ConditionType.RUNNING, True, Reason.TRAINING, f"{text} works.")
    else:
        conditions.set(ConditionType.RUNNING, True, Reason.STARTING, f"{text} is being started.")


def _started(order: TrainingOrder) -> str:
    champion = f"; it will meet {order.champion.version}" if order.champion else ""
    return f"Started run {order.run} ({order.cause.reason}, asked by {order.cause.by}){champion}."


def _event(run: PastRun) -> Event:
    if run.outcome == Outcome.FAILED:
        return Event("Warning", Reason.RUN_FAILED, f"Run {run.id} failed: {run.message}")
    if run.outcome == Outcome.REFUSED:
        return Event(
            "Warning", Reason.GATE_REFUSED, f"Run {run.id} made {run.version}, which is refused: {run.message}"
        )
    return Event("Normal", Reason.RUN_SUCCEEDED, f"Run {run.id} made {run.version}: {run.message}")
