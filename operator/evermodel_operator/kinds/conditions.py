"""Conditions by the rules of kstatus: a transition time moves only when the status does."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from evermodel_api.base import Condition
from evermodel_api.reasons import ConditionType, Reason
from evermodel_operator.plan import Object

_ABNORMAL = frozenset({ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.RETRAIN_BLOCKED})
"""Conditions that are there only while they are true."""
_MESSAGE_LIMIT = 2000


class Conditions:
    """Builds the conditions of one pass, on top of those of the last one."""

    def __init__(self, old: Iterable[Condition], generation: int | None, now: datetime) -> None:
        """`old` are the conditions in the status, `generation` that of the spec that is looked at."""
        self._old = {condition.type: condition for condition in old}
        self._generation = generation
        self._now = now
        self._new: dict[str, Condition] = {}

    def set(self, kind: ConditionType, status: bool | None, reason: Reason | str, message: str = "") -> None:
        """Answer one question; None is Unknown. A condition that is there only while true vanishes when it is not."""
        if kind in _ABNORMAL and not status:
            return
        word = "Unknown" if status is None else str(bool(status))
        before = self._old.get(kind)
        since = before.last_transition_time if before is not None and before.status == word else self._now
        self._new[kind] = Condition(
            type=str(kind),
            status=word,
            reason=str(reason),
            message=(message or _meaning(reason))[:_MESSAGE_LIMIT],
            last_transition_time=since,
            observed_generation=self._generation,
        )

    def keep(self, kind: ConditionType) -> None:
        """Leave the answer as it was."""
        if kind in self._old:
            self._new[kind] = self._old[kind]

    def result(self) -> list[Condition]:
        """All answers, in the order of the enumeration."""
        return [self._new[kind] for kind in ConditionType if kind in self._new]


def _meaning(reason: Reason | str) -> str:
    return reason.meaning if isinstance(reason, Reason) else ""


def refused(owner: Object, reason: Reason, message: str, now: datetime) -> Object:
    """The status of an object that cannot be acted on: as it was, and Stalled with the cause."""
    status: dict[str, Any] = dict(owner.get("status") or {})
    generation = owner["metadata"].get("generation")
    old = [Condition.model_validate(item) for item in status.get("conditions", [])]
    conditions = Conditions(old, generation, now)
    for kind in ConditionType:
        conditions.keep(kind)
    conditions.set(ConditionType.STALLED, True, reason, message)
    status["conditions"] = [condition.dump() for condition in conditions.result()]
    if generation is not None:
        status["observedGeneration"] = generation
    return status
