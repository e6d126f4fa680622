"""Asking for a retraining: a request, or a proposal that waits for a person; and what is remembered of both. Pure."""

from dataclasses import dataclass
from datetime import datetime

from evermodel_api.base import parse_duration
from evermodel_api.monitor import (
    BlockedRetraining,
    MonitorSpec,
    MonitorStatus,
    PastRetraining,
    Retraining,
    RetrainRequest,
    RetrainResult,
    RetrainStatus,
)
from evermodel_api.reasons import Reason
from evermodel_api.runs import MonitorOutcome
from evermodel_operator.kinds.reading import name_of
from evermodel_operator.kinds.watched import Evaluation, Target
from evermodel_operator.labels import NO_PREFIX, YES_PREFIX
from evermodel_operator.plan import Event, Object

_ASKED = 100
"""So many requests are remembered, as the schema says."""
_HISTORY = 10
_WHY = 256


@dataclass(frozen=True)
class Answer:
    """What a person said to a proposal."""

    yes: bool
    by: str
    why: str | None


def answer_to(monitor: Object, proposal: RetrainRequest) -> Answer | None:
    """A person's answer, from the monitor's annotations; a no outweighs every yes."""
    annotations = sorted((monitor["metadata"].get("annotations") or {}).items())
    for prefix, yes in ((NO_PREFIX, False), (YES_PREFIX, True)):
        for key, value in annotations:
            identity, _, why = str(value).strip().partition(" ")
            if key.startswith(prefix) and identity == proposal.id:
                return Answer(yes, key.removeprefix(prefix)[:63], why.strip()[:_WHY] or None)
    return None


def answered(
    monitor: Object, spec: MonitorSpec, before: MonitorStatus, frozen: str | None, now: datetime
) -> tuple[MonitorStatus, tuple[Event, ...]]:
    """The status with a person's answer in it. A yes waits while a rollout or a run is under way."""
    known = before.retrain
    proposal = known.proposal if known else None
    answer = answer_to(monitor, proposal) if proposal else None
    if known is None or proposal is None or answer is None or (answer.yes and frozen):
        return before, ()
    said = f"{answer.by}{f': {answer.why}' if answer.why else ''}"
    marked = proposal.model_copy(update={"by": answer.by, "why": answer.why})
    if not answer.yes:
        past = _past(marked, RetrainResult.DECLINED, None, now)
        update = {"proposal": None, "declined": now, "history": [past, *known.history][:_HISTORY]}
        event = Event("Normal", Reason.RETRAIN_DECLINED, f"Retraining {proposal.id} was declined by {said}")
        return before.model_copy(update={"retrain": known.model_copy(update=update)}), (event,)
    request = marked.model_copy(update={"since": now})
    status = before.model_copy(update={"retrain": known.model_copy(update={"proposal": None})})
    text = f"Asked for a retraining because of {request.cause} of {request.version}, approved by {said}"
    return with_request(status, spec, request, now), (Event("Normal", Reason.RETRAIN_REQUESTED, text),)


def proposed(monitor: Object, proposal: RetrainRequest) -> str:
    """How a person says yes or no, in one sentence."""
    command = f"kubectl annotate driftmonitor {name_of(monitor)}"
    return (
        f"Retraining {proposal.id} because of {proposal.cause} of {proposal.version} is proposed. Yes: {command} "
        f"{YES_PREFIX}YOU='{proposal.id} WHY'; no: the same with {NO_PREFIX}YOU."
    )


def with_request(status: MonitorStatus, spec: MonitorSpec, request: RetrainRequest, now: datetime) -> MonitorStatus:
    """The status with a request that the training will find."""
    known = status.retrain or RetrainStatus()
    asked = [*known.asked, request.since][-_ASKED:]
    retrain = known.model_copy(update={"asked": asked, "last": request.since, "used": used(spec, asked, now)})
    return status.model_copy(update={"request": request, "retrain": retrain})


def with_end(
    status: MonitorStatus, retraining: Retraining, result: RetrainResult, now: datetime, *, withdraw: bool
) -> MonitorStatus:
    """The status that knows what a retraining came to. `withdraw` takes back a request that nobody has acted on."""
    known = status.retrain or RetrainStatus()
    past = _past(retraining.request, result, retraining.run, now)
    update = {"retrain": known.model_copy(update={"history": [past, *known.history][:_HISTORY]})}
    return status.model_copy(update={**update, **({"request": None} if withdraw else {})})


def used(spec: MonitorSpec, asked: list[datetime], now: datetime) -> str:
    """How much of the budget is used, for example 1/3."""
    if spec.actions.retrain is None:
        return ""
    budget = spec.actions.retrain.budget
    span = parse_duration(budget.per)
    return f"{sum(now - at < span for at in asked)}/{budget.runs}"


def _past(request: RetrainRequest, result: RetrainResult, run: str | None, now: datetime) -> PastRetraining:
    return PastRetraining(
        id=request.id,
        cause=request.cause,
        version=request.version,
        since=request.since,
        until=now,
        result=result,
        run=run,
        by=request.by,
        why=request.why,
    )


def after_evaluation(
    monitor: Object,
    spec: MonitorSpec,
    before: MonitorStatus,
    evaluation: Evaluation,
    target: Target,
    now: datetime,
) -> tuple[MonitorStatus, tuple[Event, ...]]:
    """The status with what an evaluation led to: an end, a request, a proposal, or why there is none."""
    status, events = _ended(before, evaluation.outcome, target.retraining, now)
    if spec.actions.retrain is None and status.retrain is None:
        return status, events
    request, blocked = _wish(evaluation, target, now)
    known = status.retrain or RetrainStatus()
    manual = spec.actions.retrain is not None and spec.actions.retrain.approval == "Manual"
    memory = evaluation.outcome.memory
    stands = manual and memory is not None and memory.firing and memory.version == evaluation.version
    proposal = known.proposal if stands else None
    if request is not None and manual:
        proposal, request = proposal or request, None
        blocked = BlockedRetraining(reason=Reason.APPROVAL_NEEDED, message=proposed(monitor, proposal))
    elif proposal is not None and blocked is not None and blocked.reason == Reason.APPROVAL_NEEDED:
        blocked = blocked.model_copy(update={"message": proposed(monitor, proposal)})
    update = {"proposal": proposal, "blocked": blocked, "next": evaluation.outcome.next}
    status = status.model_copy(
        update={"retrain": known.model_copy(update={**update, "used": used(spec, known.asked, now)})}
    )
    if request is not None:
        status = with_request(status, spec, request, now)
    return status, (*events, *_asking_events(before, status, evaluation.outcome))


def _ended(
    before: MonitorStatus, outcome: MonitorOutcome, retraining: Retraining | None, now: datetime
) -> tuple[MonitorStatus, tuple[Event, ...]]:
    result = outcome.ended
    if result is None or retraining is None:
        return before, ()
    withdraw = result is RetrainResult.EXPIRED and retraining.run is None
    text = f"Retraining {retraining.request.id} of {retraining.request.version} ended as {result}. {outcome.message}"
    event = Event("Normal" if result is RetrainResult.HELPED else "Warning", Reason.RETRAIN_ENDED, text)
    return with_end(before, retraining, result, now, withdraw=withdraw), (event,)


def _wish(
    evaluation: Evaluation, target: Target, now: datetime
) -> tuple[RetrainRequest | None, BlockedRetraining | None]:
    """What the evaluation asks for, unless a rollout or a run began meanwhile."""
    cause = evaluation.outcome.retrain
    if cause is None:
        return None, evaluation.outcome.blocked
    still = target.retraining if evaluation.outcome.ended is None else None
    frozen = target.frozen or (still.stage if still is not None else None)
    if frozen is not None:
        return None, BlockedRetraining(reason=Reason.FROZEN, message=frozen)
    return RetrainRequest(id=evaluation.id, cause=cause, since=now, version=evaluation.version), None


def _asking_events(before: MonitorStatus, after: MonitorStatus, outcome: MonitorOutcome) -> tuple[Event, ...]:
    was, now = before.retrain or RetrainStatus(), after.retrain or RetrainStatus()
    if after.request is not None and after.request != before.request:
        asked = f"Asked for a retraining because of {after.request.cause} of {after.request.version}"
        return (Event("Normal", Reason.RETRAIN_REQUESTED, f"{asked}: {outcome.message}"),)
    if now.proposal is not None and now.proposal != was.proposal and now.blocked is not None:
        return (Event("Warning", Reason.RETRAIN_PROPOSED, now.blocked.message),)
    if now.blocked is not None and (was.blocked is None or was.blocked.reason != now.blocked.reason):
        return (Event("Warning", now.blocked.reason, f"No retraining is asked for. {now.blocked.message}"),)
    return ()
