"""What people ask of a deployment, by annotation. Pure.

`rollback`, `promote` and `retry` are acted on once for each new value; what they were last acted on for is kept in the
status, in the same write as what followed. A status that is not there yet, or was lost, answers to nothing old.
"""

from dataclasses import dataclass

from evermodel_api.deployment import Answered, DeploymentStatus
from evermodel_operator import labels
from evermodel_operator.kinds.reading import annotation
from evermodel_operator.plan import Object

_LIMIT = 256
_NO = frozenset({"", "no", "false"})


@dataclass(frozen=True)
class Wishes:
    """What people ask for now."""

    paused: bool = False
    pin: str | None = None
    """The version that shall be live."""
    rollback: bool = False
    promote: bool = False
    retry: str | None = None
    """The version that shall be tried again."""
    answered: Answered | None = None
    """What the status remembers once these wishes were acted on."""


def wishes(deployment: Object, before: DeploymentStatus) -> Wishes:
    """Read them."""
    values = {
        name: (annotation(deployment, key) or "")[:_LIMIT] or None
        for name, key in (("rollback", labels.ROLLBACK), ("promote", labels.PROMOTE), ("retry", labels.RETRY))
    }
    known = before.answered or Answered()
    looked = before.observed_generation is not None
    fresh = {name: looked and value is not None and value != getattr(known, name) for name, value in values.items()}
    retry = (values["retry"] or "").split()
    return Wishes(
        paused=(annotation(deployment, labels.PAUSE) or "").lower() not in _NO,
        pin=annotation(deployment, labels.PIN) or None,
        rollback=fresh["rollback"],
        promote=fresh["promote"],
        retry=retry[0] if fresh["retry"] and retry else None,
        answered=Answered(**values) if any(values.values()) else None,
    )
