"""Counting the last evaluations: m of n fire, m of n calm down. Pure.

Votes belong to one version and to the limits that they were cast by. They are forgotten when nothing could be judged
for so long that they say nothing about today.
"""

import json
from datetime import datetime
from typing import Any

from evermodel.monitoring.evidence import causes
from evermodel_api.base import parse_duration
from evermodel_api.digest import digest_bytes
from evermodel_api.monitor import Decide, Found, Memory, MonitorSpec, RequestCause, State


def rules_digest(spec: MonitorSpec) -> str:
    """What votes are cast by, in short: the window and the limits, and not who is told or asked.

    Defaults that are written down change nothing, and neither does a release with new fields.
    """
    judging = {"window", "drift", "performance", "quality"}
    document = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=judging)
    return digest_bytes(json.dumps(document, sort_keys=True).encode()).removeprefix("sha256:")[:16]


def carried(spec: MonitorSpec, memory: Memory, version: str, now: datetime) -> Memory:
    """The memory as far as it still counts, with no moment in the future: clocks are set back now and then."""
    rules = rules_digest(spec)
    if memory.version != version:
        return Memory(version=version, rules=rules, unhelpful=memory.unhelpful)
    moments = {name: getattr(memory, name) for name in ("since", "voted", "calmed")}
    past = {name: min(at, now) for name, at in moments.items() if at is not None}
    votes: dict[str, Any] = {} if memory.rules == rules else {"votes": [], "voted": None, "firing": False}
    return memory.model_copy(update={**past, **votes, "rules": rules})


def counted(spec: MonitorSpec, before: Memory, vote: list[Found] | None, now: datetime) -> Memory:
    """The memory with this vote in it. `state` and `since` are not touched."""
    policy = spec.decide
    if vote is None:
        voted = before.voted
        if voted is not None and now - voted >= parse_duration(policy.forget):
            return before.model_copy(update={"votes": [], "voted": None, "firing": False})
        return before
    votes = [*before.votes, vote][-max(policy.fire.in_, policy.clear.in_) :]
    firing = _firing(policy, before, votes, now)
    calms = before.firing and not firing
    update = {"votes": votes, "voted": now, "firing": firing, "calmed": now if calms else before.calmed}
    return before.model_copy(update=update)


def _firing(policy: Decide, before: Memory, votes: list[list[Found]], now: datetime) -> bool:
    # Only an evaluation that found something can make it fire, and only one that found nothing can calm it down.
    if before.firing:
        return bool(votes[-1]) or not is_calm(policy, votes)
    muted = before.calmed is not None and now - before.calmed < parse_duration(policy.mute)
    return bool(votes[-1]) and found(policy, votes) >= policy.fire.of and not muted


def found(policy: Decide, votes: list[list[Found]]) -> int:
    """How many of the evaluations that count for firing found something."""
    return sum(bool(vote) for vote in votes[-policy.fire.in_ :])


def is_calm(policy: Decide, votes: list[list[Found]]) -> bool:
    """Whether enough of the last evaluations found nothing."""
    return sum(not vote for vote in votes[-policy.clear.in_ :]) >= policy.clear.of


def level(policy: Decide, memory: Memory) -> State:
    """Unknown, Healthy, Suspect or Firing: what the votes say."""
    if memory.firing:
        return State.FIRING
    if not memory.votes:
        return State.UNKNOWN
    return State.SUSPECT if found(policy, memory.votes) else State.HEALTHY


def retrainable(policy: Decide, votes: list[list[Found]], wanted: list[RequestCause]) -> int:
    """How many of the evaluations that count for firing found something that a wanted retraining could mend.

    They are counted by themselves: a monitor that fires for weeks because of broken data must not ask for a model
    when one single window happens to drift.
    """
    return sum(any(cause in wanted for cause in causes(vote)) for vote in votes[-policy.fire.in_ :])
