"""Making a version again: a person asks by an annotation, a Job does it, and the status says what was found."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from evermodel_api.reasons import Reason
from evermodel_api.runs import ReproduceOrder, ReproduceOutcome
from evermodel_api.training import RunSettings, TrainingStatus
from evermodel_api.version import Reproduction, VersionSpec
from evermodel_operator import labels
from evermodel_operator.children.job import reproduction_job, reproduction_labels, reproduction_name
from evermodel_operator.children.order import order_config_map
from evermodel_operator.children.pod import store_root
from evermodel_operator.kinds.memory import memory_for, resources_for
from evermodel_operator.kinds.pods import answer, trouble
from evermodel_operator.kinds.reading import (
    annotation,
    controlled_by,
    failure_of,
    finished_as,
    finished_at,
    is_going,
    name_of,
    read_status,
)
from evermodel_operator.plan import Deletion, Event, Object
from evermodel_operator.settings import Settings

KEPT = timedelta(days=1)
"""How long the Job of an ended reproduction is kept, with its pods and their logs."""
RUNNING, FAILED = "Running", "Failed"
_REASONS = {
    RUNNING: Reason.REPRODUCING,
    "Identical": Reason.IDENTICAL,
    "WithinTolerance": Reason.WITHIN_TOLERANCE,
    "Different": Reason.DIFFERENT,
    "Impossible": Reason.IMPOSSIBLE,
    FAILED: Reason.REPRODUCTION_FAILED,
}
_REPRODUCED = frozenset({"Identical", "WithinTolerance"})
_REQUEST_LIMIT, _MESSAGE_LIMIT = 253, 1000


@dataclass(frozen=True)
class Wish:
    """What is there for making a version again."""

    version: Object
    jobs: list[Object] = field(default_factory=list)
    """Jobs that make it again, or did."""
    pods: list[Object] = field(default_factory=list)
    training: Object | None = None
    """The training that made it: what its runs may use, making it again may use too."""


@dataclass(frozen=True)
class Progress:
    """Where making the version again is after this pass, and what is done for it."""

    reproduction: Reproduction | None
    apply: tuple[Object, ...] = ()
    delete: tuple[Deletion, ...] = ()
    events: tuple[Event, ...] = ()
    requeue: timedelta | None = None


def wished(version: Object) -> str | None:
    """What a person wrote, as far as it is kept; None where nobody asks."""
    return (annotation(version, labels.REPRODUCE) or "")[:_REQUEST_LIMIT] or None


def progress(wish: Wish, spec: VersionSpec, before: Reproduction | None, settings: Settings, now: datetime) -> Progress:
    """Tell of the Job that ended, start the one that is asked for, remove old ones. One at a time, each wish once."""
    request = wished(wish.version)
    works = before is not None and before.outcome == RUNNING
    asked = request is not None and not works and (before is None or before.request != request)
    current = request if asked else before.request if before is not None and works else None
    delete, requeue = _old_jobs(wish, current, now)
    if before is not None and works:
        after = _looked_at(wish, before, now)
        return Progress(after, delete=delete, events=_told(wish, before, after), requeue=requeue)
    if request is None or not asked:
        return Progress(before, delete=delete, requeue=requeue)
    after = Reproduction(request=request, outcome=RUNNING, at=now, message=f"Job {_job_name(wish, request)} works.")
    event = Event("Normal", Reason.REPRODUCING, f"Making {name_of(wish.version)} again, asked for by {request!r}.")
    return Progress(after, _children(wish, spec, request, settings), delete, (event,), requeue)


def judged(found: Reproduction) -> tuple[bool | None, Reason]:
    """Whether the version could be made again (None: not known yet), and the word for it."""
    reason = _REASONS.get(found.outcome, Reason.REPRODUCTION_FAILED)
    return (None if found.outcome == RUNNING else found.outcome in _REPRODUCED), reason


def _job_name(wish: Wish, request: str) -> str:
    return reproduction_name(name_of(wish.version), request)


def _looked_at(wish: Wish, before: Reproduction, now: datetime) -> Reproduction:
    """What became of the Job that works."""
    name = _job_name(wish, before.request)
    job = next((job for job in wish.jobs if name_of(job) == name), None)
    if job is None or (is_going(job) and finished_as(job) is None):
        text = f"Job {name} was deleted while it worked; give the annotation {labels.REPRODUCE} another value."
        return _ended(before, FAILED, text, now)
    pods = [pod for pod in wish.pods if controlled_by(pod, job)]
    if finished_as(job) is None:
        found = trouble(pods)
        text = f"Job {name} has trouble: {found.message}" if found else f"Job {name} works."
        return before.model_copy(update={"message": text[:_MESSAGE_LIMIT]})
    said = answer(pods, ReproduceOutcome)
    at = finished_at(job) or now
    if said is not None and finished_as(job) == "Complete":
        return _ended(before, said.outcome, said.message, at).model_copy(update={"digest": said.digest})
    if said is not None:
        return _ended(before, FAILED, f"{said.reason}: {said.message}" if said.reason else said.message, at)
    found = trouble(pods)
    reason, message = failure_of(job)
    if found is not None:
        text = f"{found.reason}: {found.message}"
    else:
        text = f"{reason or Reason.CRASHED}: {message or 'its answer is lost with its pod; ask again.'}"
    return _ended(before, FAILED, text, at)


def _ended(before: Reproduction, outcome: str, message: str, at: datetime) -> Reproduction:
    return Reproduction(request=before.request, outcome=outcome, at=at, message=message[:_MESSAGE_LIMIT])


def _told(wish: Wish, before: Reproduction, after: Reproduction) -> tuple[Event, ...]:
    if after.outcome == before.outcome:
        return ()
    good, reason = judged(after)
    severity: Literal["Normal", "Warning"] = "Normal" if good else "Warning"
    return (Event(severity, reason, f"{name_of(wish.version)} made again: {after.outcome}: {after.message}"),)


def _children(wish: Wish, spec: VersionSpec, request: str, settings: Settings) -> tuple[Object, ...]:
    """The order and the Job; nothing where the Job is there, made just before an earlier operator died."""
    name = _job_name(wish, request)
    if any(name_of(job) == name for job in wish.jobs):
        return ()
    namespace = str(wish.version["metadata"]["namespace"])
    version = name_of(wish.version)
    order = ReproduceOrder(
        namespace=namespace,
        training=spec.training.name,
        run=spec.version,
        version=version,
        artifact=spec.artifact,
        store=store_root(settings, namespace),
        image=spec.image,
        original_image=spec.image,
    )
    job = reproduction_job(wish.version, order, request, _allowed(wish.training, spec), settings)
    return order_config_map(wish.version, name, reproduction_labels(version), order), job


def _allowed(training: Object | None, spec: VersionSpec) -> RunSettings:
    """What a run of the training may use now, with the memory that was found to be needed; else the defaults."""
    if training is None:
        return RunSettings()
    try:
        run = RunSettings.model_validate(training["spec"].get("run", {}))
    except ValidationError:
        return RunSettings()
    memory = memory_for(run, spec.training.spec_digest, read_status(TrainingStatus, training).runs)
    return run.model_copy(update={"resources": resources_for(run, memory)})


def _old_jobs(wish: Wish, current: str | None, now: datetime) -> tuple[tuple[Deletion, ...], timedelta | None]:
    """Jobs that were told of and have been kept long enough, and when the next one's time will be over."""
    delete: list[Deletion] = []
    waits: list[timedelta] = []
    for job in wish.jobs:
        ended = finished_at(job)
        if ended is None or is_going(job) or (current is not None and name_of(job) == _job_name(wish, current)):
            continue
        left = ended + KEPT - now
        if left > timedelta(0):
            waits.append(left)
        else:
            delete += [Deletion("batch/v1", "Job", name_of(job)), Deletion("v1", "ConfigMap", name_of(job))]
    return tuple(delete), min(waits, default=None)
