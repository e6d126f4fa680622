"""The steps of a strategy: how many pods the candidate has, whether they take traffic, how long it lasts. Pure."""

import math
from dataclasses import dataclass
from datetime import timedelta

from evermodel_api.base import parse_duration
from evermodel_api.deployment import DeploymentSpec


@dataclass(frozen=True)
class Step:
    """One step on the way from ready to live."""

    replicas: int
    """Pods of the candidate."""
    traffic: bool
    """Whether they take traffic."""
    pause: timedelta | None
    """How long it lasts once the pods are ready; None: until a person promotes."""


def steps_of(spec: DeploymentSpec) -> tuple[Step, ...]:
    """All of them; after the last the candidate gets all its pods and the Service moves."""
    if spec.strategy.preview is not None:
        return (Step(spec.replicas, traffic=False, pause=_span(spec.strategy.preview.pause)),)
    return tuple(
        Step(pods_for(step.weight, spec.replicas), traffic=True, pause=_span(step.pause))
        for step in spec.strategy.steps
    )


def _span(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)


def pods_for(weight: int, replicas: int) -> int:
    """Pods that give a candidate this percentage beside `replicas` of the live version, which keeps them all.

    >>> [pods_for(weight, 10) for weight in (1, 10, 33, 50)]
    [1, 2, 5, 10]
    """
    return min(replicas, max(1, math.ceil(replicas * weight / (100 - weight))))


def percent(part: int, rest: int) -> int:
    """What share of the ready pods is `part`.

    >>> percent(1, 2), percent(0, 0)
    (33, 0)
    """
    return round(100 * part / (part + rest)) if part + rest else 0
