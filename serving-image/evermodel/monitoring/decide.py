"""What an evaluation leads to: the state, an alert, a request for a retraining. Pure: one call is one step.

The state is made of two things that are kept apart: what the votes say (Unknown, Healthy, Suspect, Firing), and where
the retraining that was asked for stands (Retraining, Settling), which hides the first while it lasts. Cooldown and
budget are counted across versions, because they protect the cluster and not a model. The table of all transitions is
in docs/monitoring.md.
"""

from dataclasses import dataclass
from datetime import datetime

from evermodel.monitoring.evidence import Evidence
from evermodel.monitoring.retraining import Blocked, follow, may_ask, unhelpful
from evermodel.monitoring.votes import carried, counted, level
from evermodel_api.monitor import Found, Memory, MonitorSpec, RequestCause, RetrainResult, Situation, State

HIDDEN = frozenset({State.RETRAINING, State.SETTLING})
"""States in which no retraining is asked for: there is one already."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the monitor stands after an evaluation, and what is to be done."""

    state: State
    memory: Memory
    alert: bool
    """It began to fire with this evaluation."""
    retrain: RequestCause | None
    """What a retraining is asked for."""
    blocked: Blocked | None
    """Why none is asked for although it fires."""
    ended: RetrainResult | None
    """What the retraining that was asked for came to, if that is known now."""
    reason: str
    """One sentence for people."""


def decide(
    spec: MonitorSpec, memory: Memory, evidence: Evidence, now: datetime, situation: Situation | None = None
) -> Decision:
    """One step of the state machine.

    Args:
        spec: the policy.
        memory: what the last step returned.
        evidence: what this evaluation found.
        now: the moment of this evaluation.
        situation: what the cluster shows; nothing was asked for and nothing is under way when not given.
    """
    situation = situation or Situation()
    before = carried(spec, memory, evidence.version, now)
    after = counted(spec, before, evidence.vote, now)
    course = follow(spec, situation.retraining, before, after, now)
    state = course.phase or level(spec.decide, after)
    after = after.model_copy(
        update={
            "state": state,
            "since": now if before.since is None or state is not before.state else before.since,
            "unhelpful": unhelpful(before.unhelpful, course.ended, calms=before.firing and not after.firing),
        }
    )
    verdict: RequestCause | Blocked | None = None
    if state is State.FIRING:
        verdict = may_ask(spec, after, evidence.vote or [], situation, now)
    retrain = verdict if isinstance(verdict, RequestCause) else None
    blocked = verdict if isinstance(verdict, Blocked) else None
    alert = after.firing and not before.firing
    reason = _reason(spec, after, evidence.vote, situation, retrain, blocked)
    return Decision(state, after, alert, retrain, blocked, course.ended, reason)


def _reason(
    spec: MonitorSpec,
    memory: Memory,
    vote: list[Found] | None,
    situation: Situation,
    retrain: RequestCause | None,
    blocked: Blocked | None,
) -> str:
    if memory.state in HIDDEN and situation.retraining is not None:
        return f"{_counts(spec, memory)}. {_course(memory.state, situation)}"
    if vote is None:
        return f"Nothing could be judged, so no vote was cast and the state is {memory.state}."
    fire, clear = spec.decide.fire, spec.decide.clear
    if memory.state is not State.FIRING:
        return f"{_counts(spec, memory)}; {fire.of} of {fire.in_} would fire."
    none = sum(not v for v in memory.votes[-clear.in_ :])
    counts = _counts(spec, memory)
    if retrain:
        word = "proposed" if spec.actions.retrain and spec.actions.retrain.approval == "Manual" else "asked for"
        return f"{counts}: a retraining is {word}, because of {retrain}."
    if not vote:
        return f"{counts}; the monitor fires until {clear.of} of {clear.in_} find none ({none} so far)."
    return f"{counts}; no retraining is asked for: {blocked.message}" if blocked else f"{counts}: the monitor fires."


def _counts(spec: MonitorSpec, memory: Memory) -> str:
    last = memory.votes[-spec.decide.fire.in_ :]
    return f"{sum(map(bool, last))} of the last {len(last)} evaluations found degradation"


def _course(state: State, situation: Situation) -> str:
    retraining = situation.retraining
    assert retraining is not None  # noqa: S101  the caller has looked
    if state is State.SETTLING:
        return f"{retraining.run} is live because of request {retraining.request.id}, and is judged anew."
    return f"Request {retraining.request.id} for a retraining is under way: {retraining.stage}."
