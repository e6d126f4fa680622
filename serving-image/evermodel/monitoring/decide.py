"""What an evaluation leads to: the state, an alert, a request for a retraining. Pure: one call is one step.

A vote is cast by each evaluation that could judge something. `fire` and `clear` count the last votes, so that one odd
window neither fires nor calms down. Votes belong to one version; requests are remembered across versions, because
cooldown and budget protect the cluster and not a model.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from evermodel_api.base import parse_duration
from evermodel_api.monitor import Decide, Fire, Memory, MonitorSpec, RequestCause, Retrain, State

MEMORY_OF_REQUESTS = 100
"""So many requests are remembered at most; a larger budget is held to this."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one evaluation found about one version; None is what it could not judge, or was not asked to."""

    version: str
    drifted: bool | None = None
    degraded: bool | None = None
    healthy_data: bool | None = None
    concept: bool | None = None
    """Whether errors became more within the window."""
    estimated: bool | None = None
    """Whether the answers degraded as far as can be told without labels."""
    estimate_counts: bool = False
    """Whether a retraining may be asked for because of that."""

    @property
    def vote(self) -> bool | None:
        """Whether degradation was found; None casts no vote."""
        judged = (self.drifted, self.degraded, self.concept, self.estimated, self.healthy_data)
        if all(finding is None for finding in judged):
            return None
        return any(judged[:-1]) or self.healthy_data is False

    @property
    def causes(self) -> list[RequestCause]:
        """What a retraining could be asked for, the weightier one first. Bad data is a reason for none."""
        found = {
            RequestCause.PERFORMANCE: self.degraded or (self.estimated and self.estimate_counts),
            RequestCause.CONCEPT: self.concept,
            RequestCause.DRIFT: self.drifted,
        }
        return [cause for cause, holds in found.items() if holds]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the monitor stands after an evaluation, and what is to be done."""

    state: State
    memory: Memory
    alert: bool
    """It began to fire with this evaluation."""
    retrain: RequestCause | None
    """What a retraining is asked for."""
    blocked: str | None
    """Why none is asked for although it fires."""
    reason: str
    """One sentence for people."""


def decide(spec: MonitorSpec, memory: Memory, evidence: Evidence, now: datetime, frozen: str | None = None) -> Decision:
    """One step of the state machine.

    `memory` is what the last step returned, `now` the moment of this evaluation, `frozen` why no retraining may be
    asked for now.
    """
    new_version = Memory(version=evidence.version, requests=memory.requests)
    before = memory if memory.version == evidence.version else new_version
    votes, state = _count(spec.decide, before, evidence.vote)
    retrain, blocked = None, None
    if state is State.FIRING and spec.actions.retrain is not None:
        retrain, blocked = _request(spec.actions.retrain, before.requests, evidence, now, frozen)
    after = Memory(
        version=evidence.version,
        votes=votes,
        state=state,
        since=now if before.since is None or state is not before.state else before.since,
        requests=[*before.requests, *([now] if retrain else [])][-MEMORY_OF_REQUESTS:],
    )
    alert = state is State.FIRING and before.state is not State.FIRING
    return Decision(state, after, alert, retrain, blocked, _reason(spec, after, evidence.vote, retrain, blocked))


def _count(policy: Decide, before: Memory, vote: bool | None) -> tuple[list[bool], State]:
    """The votes with this one, and the state that they lead to."""
    if vote is None:
        return before.votes, before.state
    votes = [*before.votes, vote][-max(policy.fire.in_, policy.clear.in_) :]
    found, none = _found(votes, policy.fire), sum(not v for v in votes[-policy.clear.in_ :])
    # Only an evaluation that found something can make it fire, and only one that found nothing can calm it down.
    fires = vote and found >= policy.fire.of
    stays = before.state is State.FIRING and (vote or none < policy.clear.of)
    if fires or stays:
        return votes, State.FIRING
    return votes, State.SUSPECT if found else State.HEALTHY


def _found(votes: list[bool], rule: Fire) -> int:
    return sum(votes[-rule.in_ :])


def _request(
    policy: Retrain, requests: list[datetime], evidence: Evidence, now: datetime, frozen: str | None
) -> tuple[RequestCause | None, str | None]:
    """The cause to ask for, or why there is none."""
    allowed = [cause for cause in evidence.causes if cause in policy.on]
    if evidence.healthy_data is False:
        return None, "The data failed its quality checks, and bad data never trains a model: mend the data first."
    if not evidence.causes:
        return None, "The last evaluation found no degradation to retrain for."
    if not allowed:
        return None, f"{evidence.causes[0]} is not among actions.retrain.on: add it to have retrainings asked for."
    if frozen:
        return None, frozen
    blocked = _cooling(policy, requests, now) or _spent(policy, requests, now)
    return (None, blocked) if blocked else (allowed[0], None)


def _cooling(policy: Retrain, requests: list[datetime], now: datetime) -> str | None:
    if not requests or now - requests[-1] >= parse_duration(policy.cooldown):
        return None
    until = _moment(requests[-1] + parse_duration(policy.cooldown))
    return f"A retraining was asked for at {_moment(requests[-1])}; the next one may be asked for from {until} on."


def _spent(policy: Retrain, requests: list[datetime], now: datetime) -> str | None:
    runs, span = min(policy.budget.runs, MEMORY_OF_REQUESTS), parse_duration(policy.budget.per)
    used = used_budget(requests, now, span)
    if used < runs:
        return None
    free = _moment(requests[-runs] + span)
    return f"The budget of {runs} retrainings in {policy.budget.per} is spent; it allows the next one from {free} on."


def used_budget(requests: list[datetime], now: datetime, span: timedelta) -> int:
    """Requests in the span of this length that ends now; one made exactly a span ago has left it."""
    return sum(now - moment < span for moment in requests)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _reason(
    spec: MonitorSpec, memory: Memory, vote: bool | None, retrain: RequestCause | None, blocked: str | None
) -> str:
    if vote is None:
        return f"Nothing could be judged, so no vote was cast and the state stays {memory.state}."
    fire, clear = spec.decide.fire, spec.decide.clear
    last = memory.votes[-fire.in_ :]
    if memory.state is not State.FIRING:
        return f"{sum(last)} of the last {len(last)} evaluations found degradation; {fire.of} of {fire.in_} would fire."
    none = sum(not v for v in memory.votes[-clear.in_ :])
    counts = f"{sum(last)} of the last {len(last)} evaluations found degradation"
    if retrain:
        return f"{counts}: a retraining is asked for, because of {retrain}."
    if not vote:
        return f"{counts}; the monitor fires until {clear.of} of {clear.in_} find none ({none} so far)."
    return f"{counts}; no retraining is asked for: {blocked}" if blocked else f"{counts}: the monitor fires."
