"""Whether a version's pods hold to the strategy's checks, by what they have counted. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from evermodel_api.base import Schema, parse_duration
from evermodel_api.deployment import Checks
from evermodel_operator.plan import Object

_TAIL = 0.99


class Counted(Schema):
    """Predictions that one pod answered in some time."""

    requests: int
    errors: int
    """Those with a status of 5xx."""
    seconds: dict[str, int]
    """How many took at most so many seconds (cumulative; the bounds are those of the pod's histogram)."""


@dataclass(frozen=True)
class Sight:
    """What the pods of one version counted together."""

    recent: Counted
    """Over the last minute."""
    total: Counted
    """Since they were started."""


def sight(observations: Iterable[Object]) -> Sight:
    """Add up what the pods said; what cannot be read counts for nothing."""
    recent, total = [], []
    for each in observations:
        try:
            recent.append(Counted.model_validate(each["recent"]))
            total.append(Counted.model_validate(each["total"]))
        except (KeyError, ValidationError):
            continue
    return Sight(added(recent), added(total))


def added(parts: Iterable[Counted]) -> Counted:
    """The sum of several counts."""
    requests = errors = 0
    seconds: dict[str, int] = {}
    for part in parts:
        requests, errors = requests + part.requests, errors + part.errors
        for bound, count in part.seconds.items():
            seconds[bound] = seconds.get(bound, 0) + count
    return Counted(requests=requests, errors=errors, seconds=seconds)


def failure(seen: Sight, checks: Checks | None) -> str | None:
    """One sentence with the numbers when a check fails, else None. Too few predictions are not judged."""
    if checks is None:
        return None
    for counted, when in ((seen.recent, "in the last minute"), (seen.total, "since its pods were started")):
        if counted.requests >= checks.min_requests and (found := _failure(counted, checks)):
            return f"{found} {when} ({counted.requests} predictions)"
    return None


def _failure(counted: Counted, checks: Checks) -> str | None:
    rate = counted.errors / counted.requests
    if checks.error_rate is not None and rate > checks.error_rate.max:
        return (
            f"check errorRate failed: {rate:.4g} of the predictions failed, and at most {checks.error_rate.max:g} may"
        )
    if checks.latency_p99 is None:
        return None
    limit = parse_duration(checks.latency_p99.max).total_seconds()
    share = within(counted, limit)
    if share is None or share >= _TAIL:
        return None
    return (
        f"check latencyP99 failed: {100 * share:.4g} % of the predictions took at most {checks.latency_p99.max}, "
        "and 99 % have to"
    )


def within(counted: Counted, limit: float) -> float | None:
    """Largest share that may have been answered within `limit` seconds; None where nothing was measured.

    The pods count in classes, so requests of the class that `limit` lies in are taken to be in time: a check never
    fails on what was not measured.
    """
    bounds = sorted((float(bound), count) for bound, count in counted.seconds.items())
    if not bounds or not bounds[-1][1]:
        return None
    fitting = next((count for bound, count in bounds if bound >= limit), bounds[-1][1])
    return fitting / bounds[-1][1]
