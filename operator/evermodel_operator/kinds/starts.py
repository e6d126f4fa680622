"""Whether a run starts now, waits, is passed over, or takes the place of another one. Pure."""

from dataclasses import dataclass
from datetime import datetime

from evermodel_api.training import Cause, Starts, TrainingSpec, TrainingStatus
from evermodel_operator.kinds.budget import counted, free_at
from evermodel_operator.kinds.history import History, started_before
from evermodel_operator.kinds.requests import next_cause, repetition, scheduled
from evermodel_operator.kinds.schedule import Due, Timetable, deadline, due


@dataclass(frozen=True)
class Situation:
    """What a decision is made from."""

    spec: TrainingSpec
    before: TrainingStatus
    history: History
    waiting: dict[str, Cause]
    """Requests of monitors and people that no run has acted on."""
    timetable: Timetable | None
    since: datetime | None
    """With a timetable: its moments up to this one were acted on or passed over."""
    now: datetime


@dataclass(frozen=True)
class Decision:
    """What starts now, and what is remembered of the schedule and the budget."""

    cause: Cause | None = None
    """Why a run starts now."""
    replace: str | None = None
    """The moment of the schedule for which the run under way is stopped."""
    held: Cause | None = None
    """Why a run would start now if the budget had one left, or if the run before it were quite gone."""
    until: datetime | None = None
    """When the budget has one left, if it is the budget that holds a run back."""
    scheduled: datetime | None = None
    """The last moment of the schedule that was acted on or passed over."""
    passed: str | None = None
    """One sentence on the moment that was passed over."""
    next_run: datetime | None = None
    """The next moment of the schedule."""
    starts: tuple[Starts, ...] = ()
    """What the budget counts, without the run that starts now."""
    wake: datetime | None = None
    """When to look again, though nothing may happen in the cluster."""


def decide(there: Situation) -> Decision:
    """Decide, from everything that asks for a run and everything that holds one back.

    Only the schedule lets a moment pass, or stops a run; requests of monitors and people wait.
    """
    spec, history, now = there.spec, there.history, there.now
    starts = _starts(there)
    free = free_at(starts, spec.triggers.budget, now) if spec.triggers.budget else None
    moment = _moment(there)
    passed = _passed(there, moment)
    acted = moment.at if moment is not None and passed else there.since
    wish = scheduled(there.timetable, moment.at) if there.timetable and moment and not passed else None
    if wish is not None and moment is not None and _replaces(there) and free is None:
        next_run = _next(there, moment.at)
        return Decision(
            replace=wish.request, scheduled=moment.at, next_run=next_run, starts=tuple(starts), wake=next_run
        )
    cause = next_cause(
        spec,
        history.runs,
        there.waiting,
        due=wish,
        owed=repetition(spec, history.runs, there.timetable, there.since),
    )
    if history.active is not None or spec.run.suspend:
        cause = None
    held = cause if free is not None or history.stopping else None
    if cause is not None and held is None and moment is not None:
        acted = moment.at
    next_run = _next(there, acted)
    late = deadline(there.timetable, moment.at) if there.timetable and moment and wish else None
    return Decision(
        cause=None if held else cause,
        held=held,
        until=free if held else None,
        scheduled=acted,
        passed=passed,
        next_run=next_run,
        starts=tuple(starts),
        wake=min((each for each in (free if held or wish else None, next_run, late) if each is not None), default=None),
    )


def _starts(there: Situation) -> list[Starts]:
    budget = there.spec.triggers.budget
    if budget is None:
        return []
    before = there.before.starts
    # A budget that was just set counts the runs that are still known.
    earlier = [] if before else started_before(there.before)
    return counted(before, [*earlier, *there.history.started], budget, there.now)


def _moment(there: Situation) -> Due | None:
    """The moment that is due. A training that is suspended lets its moments come and looks at them afterwards."""
    if there.timetable is None or there.since is None or there.spec.run.suspend:
        return None
    return due(there.timetable, there.since, there.now)


def _passed(there: Situation, moment: Due | None) -> str | None:
    if moment is None or there.timetable is None:
        return None
    at = there.timetable.local(moment.at)
    if moment.late:
        limit = there.timetable.schedule.starting_deadline
        return f"No run was started for {at}: startingDeadline ({limit}) is over."
    active = there.history.active
    if active is not None and there.timetable.schedule.concurrency_policy == "Forbid":
        return f"No run was started for {at}: run {active.run} is under way, and concurrencyPolicy is Forbid."
    return None


def _replaces(there: Situation) -> bool:
    timetable = there.timetable
    policy = timetable.schedule.concurrency_policy if timetable else None
    return policy == "Replace" and there.history.active is not None


def _next(there: Situation, acted: datetime | None) -> datetime | None:
    if there.timetable is None or there.spec.run.suspend:
        return None
    return there.timetable.after(max(there.now, acted or there.now))
