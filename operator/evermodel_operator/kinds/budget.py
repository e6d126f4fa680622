"""How many runs may start (triggers.budget): counted over the time that it is for, in a bounded list. Pure."""

from collections.abc import Iterable
from datetime import datetime

from evermodel_api.base import parse_duration
from evermodel_api.training import Budget, Starts

KEPT_STARTS = 32


def counted(before: Iterable[Starts], started: Iterable[datetime], budget: Budget, now: datetime) -> list[Starts]:
    """The starts that the budget still counts, oldest first; `started` are those that `before` does not hold.

    When there are more than are kept, the two oldest become one with the later time: that may hold a run back for
    longer than the budget says, and never lets one too many through.
    """
    per = parse_duration(budget.per)
    everything = [*before, *(Starts(at=moment.replace(microsecond=0)) for moment in started)]
    starts = sorted((each for each in everything if each.at + per > now), key=lambda each: each.at)
    while len(starts) > KEPT_STARTS:
        first, second, *rest = starts
        starts = [Starts(at=second.at, runs=first.runs + second.runs), *rest]
    return starts


def free_at(starts: Iterable[Starts], budget: Budget, now: datetime) -> datetime | None:
    """When the next run may start; None: now. `starts` are those of `counted`."""
    per = parse_duration(budget.per)
    left = sum(each.runs for each in starts)
    free = None
    for each in sorted(starts, key=lambda each: each.at):
        if left < budget.runs:
            break
        left -= each.runs
        free = each.at + per
    return free if free is not None and free > now else None
