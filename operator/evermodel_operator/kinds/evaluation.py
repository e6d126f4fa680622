"""Evaluations of a monitor: what an ended Job says, and what the status becomes with it."""

from datetime import datetime

from evermodel_api.monitor import (
    BlockedRetraining,
    MonitorSpec,
    MonitorStatus,
    ReferenceStatus,
    Verdict,
    WindowStatus,
)
from evermodel_api.reasons import ConditionType, Reason
from evermodel_api.runs import MonitorOutcome
from evermodel_operator import labels
from evermodel_operator.kinds.asking import after_evaluation
from evermodel_operator.kinds.conditions import Conditions
from evermodel_operator.kinds.pods import answer, trouble
from evermodel_operator.kinds.reading import failure_of, finished_as, is_going, label
from evermodel_operator.kinds.watched import Evaluation, Target
from evermodel_operator.plan import Event, Object


def ended(job: Object, pods: list[Object]) -> Evaluation | None:
    """What an ended Job says; None while it works."""
    if finished_as(job) is None and not is_going(job):
        return None
    outcome = answer(pods, MonitorOutcome)
    if outcome is None:
        reason, message = failure_of(job)
        found = trouble(pods)
        text = found.message if found else message or "its pod is gone and left no message"
        outcome = MonitorOutcome(
            failed=True, message=text[:1000], reason=found.reason if found else reason or Reason.CRASHED
        )
    return Evaluation(id=str(label(job, labels.EVALUATION)), version=str(label(job, labels.VERSION)), outcome=outcome)


def recorded_status(
    monitor: Object, spec: MonitorSpec, before: MonitorStatus, evaluation: Evaluation, target: Target, now: datetime
) -> tuple[MonitorStatus, tuple[Event, ...]]:
    """The status with an evaluation in it, and what people are told."""
    outcome = evaluation.outcome
    conditions = Conditions(before.conditions, monitor["metadata"].get("generation"), now)
    generation = monitor["metadata"].get("generation")
    if outcome.failed or evaluation.version != target.live:
        # Evidence about a version that no longer answers is of no use to anybody.
        return _without_evidence(before, evaluation, conditions, generation)
    status = before.model_copy(
        update={
            "observed_generation": generation,
            "evaluated": evaluation.id,
            "verdict": _verdict(outcome, before, spec, now),
            "window": _window(outcome),
            "reference": ReferenceStatus(version=evaluation.version, rows=outcome.reference_rows),
            "memory": outcome.memory,
        }
    )
    status, events = after_evaluation(monitor, spec, status, evaluation, target, now)
    _set_conditions(conditions, spec, outcome, status.retrain.blocked if status.retrain else None)
    status = status.model_copy(update={"conditions": conditions.result()})
    return status, (*_state_events(before, outcome), *events)


def waiting_status(
    monitor: Object, spec: MonitorSpec, before: MonitorStatus, target: Target, now: datetime
) -> MonitorStatus:
    """The status while no evaluation has ended since the last pass."""
    generation = monitor["metadata"].get("generation")
    conditions = Conditions(before.conditions, generation, now)
    for kind in ConditionType:
        if kind is not ConditionType.STALLED:
            conditions.keep(kind)
    if target.live is None:
        name = spec.deployment_ref.name
        text = (
            f"ModelDeployment {name} serves no version yet."
            if target.exists
            else f"There is no ModelDeployment {name} in this namespace; create it or correct deploymentRef."
        )
        conditions.set(ConditionType.READY, False, Reason.WAITING_FOR_DEPLOYMENT, text)
    elif spec.suspend:
        conditions.set(ConditionType.READY, False, Reason.SUSPENDED, "suspend is set: no evaluation is started.")
    elif before.evaluated is None or not _evaluation_counts(before, target.live):
        conditions.set(ConditionType.READY, None, Reason.NOT_EVALUATED, f"{target.live} was not looked at yet.")
    return before.model_copy(update={"observed_generation": generation, "conditions": conditions.result()})


def _evaluation_counts(before: MonitorStatus, live: str) -> bool:
    failed = any(c.type == ConditionType.READY and c.reason == Reason.EVALUATION_FAILED for c in before.conditions)
    return failed or (before.reference is not None and before.reference.version == live)


def _without_evidence(
    before: MonitorStatus, evaluation: Evaluation, conditions: Conditions, generation: int | None
) -> tuple[MonitorStatus, tuple[Event, ...]]:
    for kind in ConditionType:
        if kind is not ConditionType.STALLED:
            conditions.keep(kind)
    events: tuple[Event, ...] = ()
    if evaluation.outcome.failed:
        outcome = evaluation.outcome
        text = f"{outcome.reason}: {outcome.message}" if outcome.reason else outcome.message
        conditions.set(ConditionType.READY, False, Reason.EVALUATION_FAILED, text)
        events = (Event("Warning", Reason.EVALUATION_FAILED, text),)
    update = {"observed_generation": generation, "evaluated": evaluation.id, "conditions": conditions.result()}
    return before.model_copy(update=update), events


def _verdict(outcome: MonitorOutcome, before: MonitorStatus, spec: MonitorSpec, now: datetime) -> Verdict:
    same = before.verdict is not None and before.verdict.state == outcome.state
    votes = outcome.memory.votes[-spec.decide.fire.in_ :] if outcome.memory else []
    found = sum(map(bool, votes))
    return Verdict(
        state=outcome.state,
        since=before.verdict.since if same and before.verdict else now,
        at=now,
        votes=f"{found}/{spec.decide.fire.in_}",
        top=outcome.top[:5],
        message=outcome.message[:1000],
        report=outcome.report,
        report_digest=outcome.report_digest,
    )


def _window(outcome: MonitorOutcome) -> WindowStatus | None:
    if outcome.window_from is None or outcome.window_to is None:
        return None
    return WindowStatus(
        from_=outcome.window_from,
        to=outcome.window_to,
        rows=outcome.rows,
        label_coverage=f"{outcome.label_coverage:.2f}",
    )


def _set_conditions(
    conditions: Conditions, spec: MonitorSpec, outcome: MonitorOutcome, blocked: BlockedRetraining | None
) -> None:
    conditions.set(ConditionType.READY, True, Reason.EVALUATED, outcome.message)
    rows = f"{outcome.rows} rows, {outcome.label_coverage:.0%} with labels; window.minRows is {spec.window.min_rows}"
    if outcome.rows == 0:
        conditions.set(ConditionType.DATA_FRESH, False, Reason.NOTHING_LOGGED, outcome.message)
    else:
        enough = outcome.rows >= spec.window.min_rows
        reason = Reason.ENOUGH_ROWS if enough else Reason.TOO_FEW_ROWS
        conditions.set(ConditionType.DATA_FRESH, enough, reason, rows)
    _judge(conditions, ConditionType.DATA_HEALTHY, outcome.healthy_data, good=True)
    _judge(conditions, ConditionType.DRIFTED, outcome.drifted, good=False)
    if _lacks_labels(spec, outcome):
        share = f"{outcome.label_coverage:.0%} of the rows have a label, and labels.minCoverage is"
        text = f"{share} {spec.performance.labels.min_coverage:.0%}" if spec.performance else share
        conditions.set(ConditionType.PERFORMANCE_DEGRADED, None, Reason.TOO_FEW_LABELS, text)
    else:
        _judge(conditions, ConditionType.PERFORMANCE_DEGRADED, outcome.degraded, good=False)
    if blocked is not None:
        conditions.set(ConditionType.RETRAIN_BLOCKED, True, blocked.reason, blocked.message)


def _lacks_labels(spec: MonitorSpec, outcome: MonitorOutcome) -> bool:
    """Whether performance is asked for, there are rows, and they have too few labels to tell."""
    asked = spec.performance is not None and bool(spec.performance.metrics)
    enough_rows = outcome.rows >= spec.window.min_rows
    return asked and enough_rows and outcome.degraded is None


def _judge(conditions: Conditions, kind: ConditionType, value: bool | None, *, good: bool) -> None:
    if value is None:
        conditions.set(kind, None, Reason.NOT_JUDGED)
    else:
        conditions.set(kind, value, Reason.WITHIN_LIMITS if value is good else Reason.BEYOND_LIMITS)


def _state_events(before: MonitorStatus, outcome: MonitorOutcome) -> tuple[Event, ...]:
    after, was = outcome.memory, before.memory
    if after is None:
        return ()
    was_firing = was is not None and was.firing and was.version == after.version
    if after.firing and not was_firing:
        return (Event("Warning", Reason.FIRING, outcome.message),)
    if was_firing and not after.firing:
        return (Event("Normal", Reason.CALM, outcome.message),)
    return ()
