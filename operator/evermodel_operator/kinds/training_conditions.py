"""The conditions of a ModelTraining: Job semantics, so that whoever waits for it sees an end. Pure."""

from dataclasses import dataclass
from datetime import datetime

from evermodel_api.base import Condition
from evermodel_api.reasons import ConditionType, Reason
from evermodel_api.runs import Outcome
from evermodel_api.training import PastRun, TrainingSpec, TrainingStatus
from evermodel_operator.kinds.conditions import Conditions
from evermodel_operator.kinds.current import Sight, phase_of
from evermodel_operator.kinds.failures import trouble_of
from evermodel_operator.kinds.history import History
from evermodel_operator.kinds.runs import RunRecord
from evermodel_operator.kinds.starts import Decision
from evermodel_operator.kinds.training_events import asked_by, waits

_MADE = frozenset({Outcome.SUCCEEDED, Outcome.REFUSED})
"""Outcomes of runs that made a version."""


@dataclass(frozen=True)
class Facts:
    """What the conditions tell of."""

    spec: TrainingSpec
    generation: int | None
    before: TrainingStatus
    history: History
    decision: Decision
    active: tuple[RunRecord, Sight] | None
    """The run under way, this pass's included."""
    wrong: str | None
    """What is wrong with the spec beyond what the API server sees."""


def conditions_of(facts: Facts, now: datetime) -> list[Condition]:
    """All conditions of this pass."""
    conditions = Conditions(facts.before.conditions, facts.generation, now)
    _set_running(conditions, facts)
    last = facts.history.runs[0] if facts.history.runs else None
    if last is not None:
        _set_last(conditions, facts, last)
    if facts.wrong is not None:
        conditions.set(ConditionType.STALLED, True, Reason.INVALID_SPEC, facts.wrong)
    measured = next((run for run in facts.history.runs if run.outcome in _MADE), None)
    if measured is not None:
        passed = measured.outcome == Outcome.SUCCEEDED
        reason = Reason.GATES_PASSED if passed else Reason.GATE_REFUSED
        conditions.set(ConditionType.GATE_PASSED, passed, reason, f"Run {measured.id}: {measured.message}")
    return conditions.result()


def _set_last(conditions: Conditions, facts: Facts, last: PastRun) -> None:
    failed, skipped = last.outcome == Outcome.FAILED, last.outcome == Outcome.SKIPPED
    made = Reason.RUN_FAILED if failed else Reason.UNCHANGED if skipped else Reason.RUN_SUCCEEDED
    over = facts.active is None and not facts.history.stopping
    conditions.set(ConditionType.COMPLETE, over and not failed, made, last.message)
    conditions.set(ConditionType.FAILED, over and failed, made, last.message)
    # A failed run is not repeated by itself, but where a repetition is owed: somebody has to change something, or ask.
    conditions.set(ConditionType.STALLED, over and failed and facts.decision.held is None, made, last.message)
    if skipped or facts.spec.triggers.skip_if_unchanged:
        conditions.set(ConditionType.SKIPPED, skipped, made, last.message)


def _set_running(conditions: Conditions, facts: Facts) -> None:
    if facts.active is None:
        reason, message = _why_not(facts)
        conditions.set(ConditionType.RUNNING, False, reason, message)
        return
    active, there = facts.active
    found, phase = trouble_of(there.pods), phase_of(there)
    text = f"Run {active.run} ({asked_by(active.cause)})"
    if phase == "Queued":
        queue = f" {facts.spec.run.queue_name}" if facts.spec.run.queue_name else ""
        conditions.set(ConditionType.RUNNING, True, Reason.QUEUED, f"{text} waits in its queue{queue}.")
    elif found is not None:
        conditions.set(ConditionType.RUNNING, True, found.reason, f"{text} has trouble: {found.message}")
    elif phase == "Starting":
        conditions.set(ConditionType.RUNNING, True, Reason.STARTING, f"{text} is being started.")
    else:
        conditions.set(ConditionType.RUNNING, True, Reason.TRAINING, f"{text} works.")


def _why_not(facts: Facts) -> tuple[Reason, str]:
    held, until = facts.decision.held, facts.decision.until
    if facts.spec.run.suspend:
        return Reason.SUSPENDED, ""
    if held is not None and facts.history.stopping:
        going = ", ".join(facts.history.stopping)
        return Reason.STARTING, f"A run ({asked_by(held)}) starts when the pods of {going} are gone."
    if held is not None and until is not None and facts.spec.triggers.budget is not None:
        return Reason.BUDGET_SPENT, waits(held, facts.spec.triggers.budget, until)
    return Reason.NO_RUN, ""
