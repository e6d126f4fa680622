"""What is known of a training's runs after looking at its status and its Jobs. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from evermodel_api.training import OutOfMemory, PastRun, TrainingStatus
from evermodel_api.version import VersionSpec
from evermodel_operator.kinds.failures import killed_for_memory
from evermodel_operator.kinds.reading import finished_as, is_going, name_of
from evermodel_operator.kinds.runs import (
    Recorded,
    RunRecord,
    has_ended,
    lost_run,
    record_run,
    replaced_run,
    run_number,
    shortened,
)
from evermodel_operator.plan import Object

KEPT_RUNS = 10


@dataclass(frozen=True)
class History:
    """The runs of a training."""

    runs: list[PastRun]
    """Ended runs, newest first."""
    recorded: list[PastRun]
    """Those that were not recorded before this pass."""
    versions: list[VersionSpec]
    """Versions of the runs that were recorded in this pass."""
    acknowledged: dict[str, str]
    """The last request of each asker that was acted on."""
    active: RunRecord | None = None
    """The run that is under way."""
    started: list[datetime] = field(default_factory=list)
    """When runs were started that the status did not know of."""
    scheduled: datetime | None = None
    """The last moment of the schedule that was acted on, says a Job that the status did not know of."""
    stopping: list[str] = field(default_factory=list)
    """Jobs that have not ended and whose run is over: their pods may still work, so nothing starts beside them."""

    def replacing(self, moment: str, now: datetime) -> "History":
        """The same after the run under way was given up for a moment of the schedule."""
        if self.active is None:
            return self
        past = replaced_run(self.active, moment, now)
        return replace(
            self,
            runs=_newest(past, *self.runs),
            recorded=[*self.recorded, past],
            active=None,
            stopping=[*self.stopping, f"{self.active.training}-{self.active.run}"],
        )


def look_back(
    before: TrainingStatus, jobs: list[Object], pods: list[Object], oom: OutOfMemory | None, now: datetime
) -> History:
    """Read the runs from the status and from the Jobs, which know more where the operator died before it could write.

    A run ends with its Job; when somebody deletes the Job; and, with `oom`, when a pod of it was killed for its memory:
    another pod with the same memory would fare no better.
    """
    newest = _newest_recorded(before)
    current = int(before.run.id) if before.run is not None else 0
    records = [(job, record) for job in sorted(jobs, key=run_number) if (record := RunRecord.of(job)) is not None]
    acknowledged = dict(before.acknowledged)
    recorded: list[Recorded] = []
    active: RunRecord | None = None
    for job, record in records:
        if record.run <= newest:
            continue
        acknowledged.update(record.acknowledged)
        mine = [pod for pod in pods if run_number(pod) == record.run]
        if has_ended(job) or (oom is not None and killed_for_memory(mine) is not None):
            recorded.append(record_run(job, mine, record, oom, now))
        else:
            active = record
    there = {record.run for _, record in records}
    lost = [lost_run(before.run, now)] if before.run is not None and current > newest and current not in there else []
    unwritten = [record for _, record in records if record.run > max(newest, current)]
    ended = [each.run for each in recorded]
    return History(
        runs=_newest(*lost, *ended, *before.runs),
        recorded=[*lost, *ended],
        versions=[each.version for each in recorded if each.version is not None],
        acknowledged=acknowledged,
        active=active,
        started=[record.started for record in unwritten],
        scheduled=max((record.scheduled for record in unwritten if record.scheduled is not None), default=None),
        stopping=_stopping(jobs, active),
    )


def to_stop(before: TrainingStatus, jobs: list[Object]) -> list[Object]:
    """Jobs that are deleted now: the status says that their run is over, and they go on.

    Only what was written down is stopped. An operator that dies in between finds the run recorded with its cause.
    """
    newest = _newest_recorded(before)
    return [job for job in jobs if run_number(job) <= newest and not has_ended(job)]


def started_before(before: TrainingStatus) -> list[datetime]:
    """When the runs were started that the status tells of: what a budget begins with that was set later."""
    started = [run.started for run in before.runs]
    return [before.run.started, *started] if before.run is not None else started


def _newest_recorded(before: TrainingStatus) -> int:
    """The largest number of a run that was recorded; 0 when there is none.

    Runs come one after the other, so those with smaller numbers were recorded too, listed here or not any more.
    """
    return max((int(run.id) for run in before.runs), default=0)


def _stopping(jobs: list[Object], active: RunRecord | None) -> list[str]:
    unfinished = [job for job in jobs if finished_as(job) is None]
    return [name_of(job) for job in unfinished if is_going(job) or active is None or run_number(job) != active.run]


def _newest(*runs: PastRun) -> list[PastRun]:
    newest = sorted(runs, key=lambda run: int(run.id), reverse=True)[:KEPT_RUNS]
    return [*newest[:1], *(shortened(run) for run in newest[1:])]
