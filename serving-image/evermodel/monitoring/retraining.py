"""Whether a retraining may be asked for, and what the one that was asked for came to. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from evermodel.monitoring.evidence import causes
from evermodel.monitoring.votes import is_calm, retrainable
from evermodel_api.base import parse_duration
from evermodel_api.monitor import (
    Found,
    Memory,
    MonitorSpec,
    RequestCause,
    Retrain,
    Retraining,
    RetrainResult,
    Situation,
    State,
)
from evermodel_api.reasons import Reason

MEMORY_OF_REQUESTS = 100
"""So many requests are remembered at most: the largest budget."""
LARGEST_BACKOFF = 32
"""The cooldown is multiplied by no more than this, however many retrainings did not help."""
HARMLESS = frozenset({RetrainResult.HELPED, RetrainResult.UNDECIDED, RetrainResult.SUPERSEDED, RetrainResult.DECLINED})
"""Results that do not lengthen the cooldown."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where the retraining that was asked for stands."""

    phase: State | None = None
    """Retraining or Settling; None when there is none, or when it has ended."""
    ended: RetrainResult | None = None
    """What it came to, when that is known with this evaluation."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why no retraining is asked for."""

    reason: Reason
    message: str
    until: datetime | None = None
    """When it may be asked for, where only time is in the way."""


def follow(spec: MonitorSpec, retraining: Retraining | None, before: Memory, after: Memory, now: datetime) -> Course:
    """Where the retraining stands. `before` and `after` are the memory without and with this evaluation's vote.

    Every phase ends: with what the cluster says, with what the votes say, or with the deadline.
    """
    if retraining is None:
        return Course()
    deadline = parse_duration(spec.actions.retrain.deadline) if spec.actions.retrain else timedelta(0)
    asked = retraining.request
    if retraining.run is not None and after.version == retraining.run:
        return _settle(spec, before, after, now, deadline)
    if retraining.result is not None:
        return Course(ended=retraining.result)
    if after.version != asked.version:
        return Course(ended=RetrainResult.SUPERSEDED)
    # A request from the future was made before the clock was set back; its time begins again.
    began = asked.since if asked.since <= now else (before.since or now)
    return Course(ended=RetrainResult.EXPIRED) if now - began >= deadline else Course(State.RETRAINING)


def _settle(spec: MonitorSpec, before: Memory, after: Memory, now: datetime, deadline: timedelta) -> Course:
    if after.firing:
        return Course(ended=RetrainResult.NOT_HELPED)
    if after.votes and is_calm(spec.decide, after.votes):
        return Course(ended=RetrainResult.HELPED)
    began = before.since if before.state is State.SETTLING and before.since is not None else now
    return Course(ended=RetrainResult.UNDECIDED) if now - began >= deadline else Course(State.SETTLING)


def unhelpful(before: int, ended: RetrainResult | None, *, calms: bool) -> int:
    """Retrainings in a row that did not help. What calmed down by itself begins anew."""
    if ended is RetrainResult.HELPED or calms:
        return 0
    return before if ended is None or ended in HARMLESS else before + 1


def may_ask(
    spec: MonitorSpec, memory: Memory, vote: list[Found], situation: Situation, now: datetime
) -> RequestCause | Blocked | None:
    """The cause to ask a retraining for, or why none is asked for; None without a policy.

    The monitor fires. `vote` is what this evaluation itself found: what it could not judge is no reason.
    """
    policy = spec.actions.retrain
    if policy is None:
        return None
    allowed = [cause for cause in causes(vote) if cause in policy.on]
    if not allowed:
        return _no_cause(vote)
    enough, need = retrainable(spec.decide, memory.votes, policy.on), spec.decide.fire.of
    if enough < need:
        return Blocked(
            Reason.TOO_FEW_VOTES,
            f"{enough} of the last evaluations found something that a new model could mend, and {need} are needed.",
        )
    if situation.proposal:
        return Blocked(
            Reason.APPROVAL_NEEDED,
            f"Retraining {situation.proposal} is proposed and waits for a person's yes or no (approval: Manual).",
        )
    if situation.frozen:
        return Blocked(Reason.FROZEN, situation.frozen)
    return _cooling(policy, memory, situation, now) or _spent(policy, situation.asked, now) or allowed[0]


def _no_cause(vote: list[Found]) -> Blocked:
    found = causes(vote)
    if found:
        text = f"{found[0]} is not among actions.retrain.on: add it to have retrainings asked for."
        return Blocked(Reason.CAUSE_NOT_WANTED, text)
    if Found.DATA in vote:
        text = "The data failed its quality checks, and bad data never trains a model: mend the data first."
        return Blocked(Reason.DATA_BROKEN, text)
    if vote:
        text = "Performance was only estimated, without labels: set performance.estimate.allowRetrain, or send labels."
        return Blocked(Reason.CAUSE_NOT_WANTED, text)
    return Blocked(Reason.NOTHING_FOUND, "The last evaluation found no degradation to retrain for.")


def cooldown(policy: Retrain, unhelpful_in_a_row: int) -> timedelta:
    """Time from one request to the next: doubled for each retraining in a row that did not help."""
    times: int = min(2**unhelpful_in_a_row, LARGEST_BACKOFF)
    return parse_duration(policy.cooldown) * times


def _cooling(policy: Retrain, memory: Memory, situation: Situation, now: datetime) -> Blocked | None:
    moments = [*situation.asked[-1:], *([situation.declined] if situation.declined else [])]
    if not moments:
        return None
    last, span = max(moments), cooldown(policy, memory.unhelpful)
    if now - last >= span:
        return None
    asked = f"A retraining was {'declined' if last == situation.declined else 'asked for'} at {moment(last)}"
    if memory.unhelpful:
        times = f"the last {memory.unhelpful} did not help" if memory.unhelpful > 1 else "the last one did not help"
        text = f"{asked} and {times}, so the cooldown is longer: the next one may be asked for from"
        return Blocked(Reason.BACKING_OFF, f"{text} {moment(last + span)} on.", last + span)
    text = f"{asked}; the next one may be asked for from {moment(last + span)} on."
    return Blocked(Reason.COOLING_DOWN, text, last + span)


def _spent(policy: Retrain, asked: list[datetime], now: datetime) -> Blocked | None:
    runs, span = policy.budget.runs, parse_duration(policy.budget.per)
    if used_budget(asked, now, span) < runs:
        return None
    free = asked[-runs] + span
    text = f"The budget of {runs} retrainings in {policy.budget.per} is spent"
    return Blocked(Reason.BUDGET_SPENT, f"{text}; it allows the next one from {moment(free)} on.", free)


def used_budget(requests: list[datetime], now: datetime, span: timedelta) -> int:
    """Requests in the span of this length that ends now; one made exactly a span ago has left it."""
    return sum(now - at < span for at in requests)


def moment(at: datetime) -> str:
    """A moment as people read it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
