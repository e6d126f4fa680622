"""The run that is under way, as the status tells it: its phase, and how far it is. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from evermodel_api.training import CurrentRun, Progress
from evermodel_operator.kinds.runs import RunRecord, leading, run_number
from evermodel_operator.plan import Object

PROGRESS_EVERY = timedelta(seconds=10)
"""A status is not written more often for progress alone."""


@dataclass(frozen=True)
class Sight:
    """What is seen of the run under way."""

    job: Object | None
    """Its Job; None where it is only about to be made."""
    pods: list[Object]
    said: Progress | None
    """How far its leading pod says that it is."""
    queued: bool
    """Whether its Job is made suspended, for a queue."""


def sight(active: RunRecord, jobs: list[Object], pods: list[Object], told: list[Object], *, queued: bool) -> Sight:
    """What is seen of `active`; `told` are the observations of `watch.observation`."""
    said = [progress for each in told if run_number(each) == active.run and (progress := _read(each)) is not None]
    return Sight(
        job=next((job for job in jobs if run_number(job) == active.run), None),
        pods=[pod for pod in pods if run_number(pod) == active.run],
        said=said[-1] if said else None,
        queued=queued,
    )


def phase_of(there: Sight) -> str:
    """Queued, Starting, Training or Recording."""
    suspended = there.queued if there.job is None else bool(there.job["spec"].get("suspend"))
    if suspended:
        return "Queued"
    phases = {pod.get("status", {}).get("phase") for pod in leading(there.pods)}
    if "Succeeded" in phases:
        return "Recording"
    if "Running" in phases:
        return "Recording" if there.said is not None and there.said.phase == "Recording" else "Training"
    return "Starting"


def current_run(
    active: RunRecord, there: Sight, before: CurrentRun | None, now: datetime
) -> tuple[CurrentRun, datetime | None]:
    """The run as the status tells it, and when to look again because it may tell more then."""
    shown = before.progress if before is not None and before.id == str(active.run) else None
    progress, wake = _progress(shown, there.said, now)
    run = CurrentRun(
        id=str(active.run),
        cause=active.cause,
        phase=phase_of(there),
        job=f"{active.training}-{active.run}",
        spec_digest=active.spec_digest,
        started=active.started,
        progress=progress,
    )
    return run, wake


def _progress(shown: Progress | None, said: Progress | None, now: datetime) -> tuple[Progress | None, datetime | None]:
    if said is None or (shown is not None and said == shown.model_copy(update={"at": None})):
        return shown, None
    if shown is not None and shown.at is not None:
        next_write = shown.at + PROGRESS_EVERY
        # A clock that was set back must not silence a run.
        if shown.at <= now < next_write:
            return shown, next_write
    return said.model_copy(update={"at": now}), None


def _read(observation: Object) -> Progress | None:
    try:
        return Progress.model_validate(observation["progress"]).model_copy(update={"at": None})
    except ValidationError:
        return None
