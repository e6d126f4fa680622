"""Who asks for a run: the spec, the schedule, drift monitors, people, and runs that ended before their time.

Each request is acted on once.
"""

from datetime import datetime
from itertools import takewhile

from evermodel_api.digest import spec_digest
from evermodel_api.monitor import MonitorStatus
from evermodel_api.reasons import Reason
from evermodel_api.training import Cause, PastRun, TrainingSpec
from evermodel_operator.kinds.memory import larger
from evermodel_operator.kinds.reading import name_of, read_status
from evermodel_operator.kinds.schedule import Timetable
from evermodel_operator.labels import RETRAIN_PREFIX
from evermodel_operator.plan import Object

_ASKERS = 64
"""As many as a status remembers."""
_DISRUPTED_IN_A_ROW = 3
"""After so many, a cluster that takes away the pods of a run again and again is somebody's business."""


def asked(training: Object, monitors: list[Object]) -> dict[str, Cause]:
    """The present request of each asker: of monitors from their status, of people from annotations of the training."""
    requests: dict[str, Cause] = {}
    for monitor in monitors:
        request = read_status(MonitorStatus, monitor).request
        if request is not None:
            asker = f"driftmonitor/{name_of(monitor)}"
            requests[asker] = Cause(by=asker, reason=str(request.cause), request=request.id)
    for key, value in sorted(training["metadata"].get("annotations", {}).items()):
        if key.startswith(RETRAIN_PREFIX) and value:
            asker = f"person/{key.removeprefix(RETRAIN_PREFIX)}"
            requests[asker] = Cause(by=asker, reason=Reason.REQUESTED, request=str(value)[:253])
    return dict(list(requests.items())[:_ASKERS])


def pending(requests: dict[str, Cause], acknowledged: dict[str, str]) -> dict[str, Cause]:
    """The requests that no run has acted on."""
    return {asker: cause for asker, cause in requests.items() if acknowledged.get(asker) != cause.request}


def next_cause(
    spec: TrainingSpec, runs: list[PastRun], waiting: dict[str, Cause], *, due: Cause | None, owed: Cause | None
) -> Cause | None:
    """Why a run has to start now, or None. One run serves everybody who asked before it began.

    Args:
        spec: As it is now.
        runs: Those that ended, newest first.
        waiting: The requests of monitors and people that no run has acted on.
        due: The schedule's wish for a run.
        owed: The repetition of the last run (`repetition`).
    """
    if not runs:
        return Cause(by="spec", reason=Reason.CREATED)
    if spec.triggers.on_spec_change and runs[0].spec_digest != spec_digest(spec):
        return Cause(by="spec", reason=Reason.SPEC_CHANGED)
    return owed or next(iter(waiting.values()), None) or due


def scheduled(timetable: Timetable, at: datetime) -> Cause:
    """The schedule's wish for a run at a moment."""
    return Cause(by="schedule", reason=Reason.SCHEDULED, request=timetable.local(at))


def repetition(
    spec: TrainingSpec, runs: list[PastRun], timetable: Timetable | None, at: datetime | None
) -> Cause | None:
    """The run that has to follow the last one, or None.

    After a run that had too little memory one with more, while run.oom lets it; after one that was disrupted another
    one; after one that the schedule stopped the one that it was stopped for, at the moment `at`.
    """
    if not runs:
        return None
    last = runs[0]
    if last.reason == Reason.REPLACED:
        return scheduled(timetable, at) if timetable is not None and at is not None else None
    if last.spec_digest != spec_digest(spec):
        return None
    if last.reason == Reason.OUT_OF_MEMORY and spec.run.oom is not None:
        more = larger(last.memory, spec.run.oom)
        return Cause(by=f"run/{last.id}", reason=Reason.OUT_OF_MEMORY) if more else None
    disrupted = list(takewhile(lambda run: run.reason == Reason.DISRUPTED, runs))
    if 0 < len(disrupted) <= _DISRUPTED_IN_A_ROW:
        return Cause(by=f"run/{last.id}", reason=Reason.DISRUPTED)
    return None
