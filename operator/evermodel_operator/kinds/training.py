"""ModelTraining: decides when a run starts, records what it made, and says how it went."""

from dataclasses import dataclass, field
from datetime import datetime

from evermodel_api import API_VERSION
from evermodel_api.base import parse_duration
from evermodel_api.reasons import Reason
from evermodel_api.runs import Outcome, TrainingOrder
from evermodel_api.training import Cause, TrainingSpec, TrainingStatus
from evermodel_api.version import VersionSpec
from evermodel_operator import labels
from evermodel_operator.children.claim import store_claim
from evermodel_operator.children.job import training_job, training_labels
from evermodel_operator.children.order import order_config_map
from evermodel_operator.children.version import model_version
from evermodel_operator.kinds.budget import counted
from evermodel_operator.kinds.conditions import refused
from evermodel_operator.kinds.current import current_run, sight
from evermodel_operator.kinds.history import History, look_back, to_stop
from evermodel_operator.kinds.memory import memory_for, resources_for
from evermodel_operator.kinds.orders import champion_name, meeting, training_order
from evermodel_operator.kinds.reading import (
    controlled_by,
    finished_at,
    is_going,
    moment,
    name_of,
    read_spec,
    read_status,
    written,
)
from evermodel_operator.kinds.requests import asked, pending
from evermodel_operator.kinds.runs import RunRecord, run_number
from evermodel_operator.kinds.schedule import Timetable, counted_since, read_timetable
from evermodel_operator.kinds.starts import Decision, Situation, decide
from evermodel_operator.kinds.training_conditions import Facts, conditions_of
from evermodel_operator.kinds.training_events import ended_event, started_event, waits
from evermodel_operator.plan import Deletion, Event, Object, Plan
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.observation import progress_of


@dataclass(frozen=True)
class Observed:
    """What is there."""

    training: Object
    jobs: list[Object] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)
    versions: list[Object] = field(default_factory=list)
    monitors: list[Object] = field(default_factory=list)
    """Monitors that name this training in actions.retrain."""
    told: list[Object] = field(default_factory=list)
    """What pods of its runs said of their progress."""


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
        told=progress_of(cache, namespace, name),
    )


@dataclass(frozen=True)
class _Look:
    """What one pass has found out."""

    spec: TrainingSpec
    before: TrainingStatus
    history: History
    decision: Decision
    requests: dict[str, Cause]
    timetable: str | None
    """The schedule that is counted by."""
    wrong: str | None
    """What is wrong with the spec beyond what the API server sees."""


def plan(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Record what ended, start what is asked for, stop what is replaced, remove what is old."""
    spec = read_spec(TrainingSpec, observed.training)
    if isinstance(spec, str):
        return Plan(status=refused(observed.training, Reason.INVALID_SPEC, spec, now))
    look = _look(observed, spec, now)
    history, decision, starts = look.history, look.decision, list(look.decision.starts)
    acknowledged = {asker: done for asker, done in history.acknowledged.items() if asker in look.requests}
    apply = [model_version(observed.training, version) for version in _unrecorded(observed, history)]
    events = _events(look)
    active = history.active
    if decision.cause is not None:
        # One run serves everybody who asked before it began.
        acknowledged = {asker: str(cause.request) for asker, cause in look.requests.items()}
        order = _order(observed, look, decision.cause, settings, now)
        memory = memory_for(spec.run, order.spec_digest, history.runs)
        active = RunRecord.make(order, acknowledged, scheduled=decision.scheduled, memory=memory)
        apply += _children(observed.training, order, active, settings)
        events.append(started_event(order, memory))
        if spec.triggers.budget is not None:
            starts = counted(starts, [now], spec.triggers.budget, now)
    there = None
    if active is not None:
        queued = spec.run.queue_name is not None
        there = active, sight(active, observed.jobs, observed.pods, observed.told, queued=queued)
    current, tell_again = current_run(*there, look.before.run, now) if there is not None else (None, None)
    delete, expiry = _old_jobs(observed, spec, history, now)
    delete += _stopped(look.before, observed.jobs)
    generation = observed.training["metadata"].get("generation")
    status = TrainingStatus(
        observed_generation=generation,
        champion=champion_name(observed.versions),
        run=current,
        runs=history.runs,
        acknowledged=acknowledged,
        scheduled=decision.scheduled,
        timetable=look.timetable,
        next_run=decision.next_run,
        starts=starts,
        conditions=conditions_of(Facts(spec, generation, look.before, history, decision, there, look.wrong), now),
    )
    waits = [each - now for each in (decision.wake, tell_again, expiry) if each is not None]
    return Plan(tuple(apply), tuple(delete), written(status), tuple(events), min(waits, default=None))


def _look(observed: Observed, spec: TrainingSpec, now: datetime) -> _Look:
    before = read_status(TrainingStatus, observed.training)
    history = look_back(before, observed.jobs, observed.pods, spec.run.oom, now)
    requests = asked(observed.training, observed.monitors)
    schedule = spec.triggers.schedule
    timetable = read_timetable(schedule) if schedule is not None else None
    if isinstance(timetable, str):
        # Nothing starts until it is mended; what has ended is recorded all the same.
        decision = Decision(scheduled=before.scheduled, starts=tuple(before.starts))
        return _Look(spec, before, history, decision, requests, before.timetable, timetable)
    since = _since(observed, before, history, timetable, now) if timetable is not None else None
    waiting = pending(requests, history.acknowledged)
    decision = decide(Situation(spec, before, history, waiting, timetable, since, now))
    if decision.replace is not None:
        history = history.replacing(decision.replace, now)
    return _Look(spec, before, history, decision, requests, timetable.text if timetable else None, None)


def _since(
    observed: Observed, before: TrainingStatus, history: History, timetable: Timetable, now: datetime
) -> datetime:
    known = observed.jobs or observed.versions
    created = observed.training["metadata"].get("creationTimestamp")
    return counted_since(timetable, before, history.scheduled, moment(created) if created and not known else None, now)


def _unrecorded(observed: Observed, history: History) -> list[VersionSpec]:
    """Versions that have no ModelVersion yet."""
    have = {name_of(version) for version in observed.versions}
    return [version for version in history.versions if f"{version.model}-{version.version}" not in have]


def _events(look: _Look) -> list[Event]:
    events = [ended_event(run, look.history.versions) for run in look.history.recorded]
    if look.decision.passed is not None:
        events.append(Event("Warning", Reason.PASSED_OVER, look.decision.passed))
    held, until, budget = look.decision.held, look.decision.until, look.spec.triggers.budget
    told = any(condition.reason == Reason.BUDGET_SPENT for condition in look.before.conditions)
    if held is not None and until is not None and budget is not None and not told:
        events.append(Event("Normal", Reason.BUDGET_SPENT, waits(held, budget, until)))
    return events


def _order(observed: Observed, look: _Look, cause: Cause, settings: Settings, now: datetime) -> TrainingOrder:
    """The order of the run that starts now; its number is one more than the largest that is known."""
    jobs = [run_number(job) for job in observed.jobs]
    versions = [int(version["spec"]["version"]) for version in observed.versions]
    number = 1 + max([0, *jobs, *versions, *(int(run.id) for run in look.history.runs)])
    order = training_order(observed.training, look.spec, number, cause, settings, now)
    return meeting(order, observed.versions, look.history.versions, look.history.runs, settings)


def _children(training: Object, order: TrainingOrder, record: RunRecord, settings: Settings) -> list[Object]:
    resources = resources_for(order.spec.run, record.memory)
    job = training_job(training, order, record.text(), settings, resources)
    config = order_config_map(training, name_of(job), training_labels(order.training, order.run), order)
    claim = store_claim(settings, order.namespace)
    return [*([claim] if claim else []), config, job]


def _stopped(before: TrainingStatus, jobs: list[Object]) -> list[Deletion]:
    """Jobs of runs that are over: they go when their pods are gone, and what comes after waits for that."""
    names = [name_of(job) for job in to_stop(before, jobs)]
    orders = [Deletion("v1", "ConfigMap", name) for name in names]
    return [*orders, *(Deletion("batch/v1", "Job", name, "Foreground") for name in names)]


def _old_jobs(
    observed: Observed, spec: TrainingSpec, history: History, now: datetime
) -> tuple[list[Deletion], datetime | None]:
    """Jobs whose time to live is over, and when the next one's will be. Only Jobs whose run is recorded are removed."""
    outcomes = {run.id: run.outcome for run in history.runs}
    newly = {run.id for run in history.recorded}
    delete: list[Deletion] = []
    ends: list[datetime] = []
    for job in observed.jobs:
        number = str(run_number(job))
        ended = finished_at(job)
        if ended is None or is_going(job) or number in newly:
            continue
        ttl = spec.run.ttl.failed if outcomes.get(number) == Outcome.FAILED else spec.run.ttl.succeeded
        end = ended + parse_duration(ttl)
        if end > now:
            ends.append(end)
        else:
            delete += [Deletion("batch/v1", "Job", name_of(job)), Deletion("v1", "ConfigMap", name_of(job))]
    return delete, min(ends, default=None)
