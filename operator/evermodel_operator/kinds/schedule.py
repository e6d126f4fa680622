"""The clock: which moment of a schedule is due, whether it is still in time, and which one is next. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from evermodel_api.base import parse_duration
from evermodel_api.training import Schedule, TrainingStatus

_MINUTE = timedelta(minutes=1)
_REPEATED = 200
"""When clocks are set back, moments before the one that is asked from may come first: at most those of some hours."""


@dataclass(frozen=True)
class Timetable:
    """A schedule that was read; moments are whole minutes, in UTC.

    Clocks that are set forward: what falls into the gap comes at its end, once. Clocks that are set back: what falls
    into the repeated hour comes once, the first time. A minute or an hour that begins with * goes on by real time.
    """

    schedule: Schedule
    zone: tzinfo

    @property
    def text(self) -> str:
        """Cron and time zone: another text is another timetable."""
        return f"{self.schedule.cron} {self.schedule.time_zone}"

    def after(self, moment: datetime) -> datetime | None:
        """The first moment after `moment`; None when there is none for 50 years."""
        for found in islice(CronSim(self.schedule.cron, moment.astimezone(self.zone)), _REPEATED):
            at = found.astimezone(UTC)
            if at > moment:
                return at
        return None

    def latest(self, since: datetime, now: datetime) -> datetime | None:
        """The last moment after `since` and not after `now`, or None.

        Found by halving, so that a year of minutes costs some twenty steps.
        """
        last = self.after(since)
        if last is None or last > now:
            return None
        end = now
        while end - last >= _MINUTE:
            middle = last + (end - last) / 2
            found = self.after(middle)
            if found is not None and found <= now:
                last = found
            else:
                end = middle
        return last

    def local(self, moment: datetime) -> str:
        """A moment as the zone's clocks show it (RFC 3339)."""
        return moment.astimezone(self.zone).isoformat()


def read_timetable(schedule: Schedule) -> Timetable | str:
    """The timetable, or one sentence that says what is wrong with the schedule and what to write."""
    where = "spec.triggers.schedule"
    try:
        zone = UTC if schedule.time_zone == "UTC" else ZoneInfo(schedule.time_zone)
    except (KeyError, ValueError, OSError):
        name = schedule.time_zone
        return f"{where}.timeZone: {name} is not in the IANA time zone database; write a name such as Asia/Bangkok."
    timetable = Timetable(schedule, zone)
    hint = "write minute, hour, day of the month, month and day of the week, such as 0 3 * * 1"
    if len(schedule.cron.split()) != len(("minute", "hour", "day", "month", "weekday")):
        return f"{where}.cron: {schedule.cron!r} has not five fields; {hint}."
    try:
        first = timetable.after(datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        return f"{where}.cron: {schedule.cron!r} cannot be read ({error}); {hint}."
    if first is None:
        return f"{where}.cron: {schedule.cron!r} names no day that exists; {hint}."
    return timetable


@dataclass(frozen=True)
class Due:
    """A moment that has come and was not acted on."""

    at: datetime
    late: bool
    """Whether startingDeadline is over: it is passed over."""


def due(timetable: Timetable, since: datetime, now: datetime) -> Due | None:
    """The moment that a run has to start for: of those after `since` the latest, so that one run makes up for all."""
    at = timetable.latest(since, now)
    if at is None:
        return None
    return Due(at, late=(until := deadline(timetable, at)) is not None and now > until)


def deadline(timetable: Timetable, at: datetime) -> datetime | None:
    """When the moment `at` is passed over; None: never."""
    limit = timetable.schedule.starting_deadline
    return None if limit is None else at + parse_duration(limit)


def counted_since(
    timetable: Timetable, before: TrainingStatus, told: datetime | None, created: datetime | None, now: datetime
) -> datetime:
    """Moments after this one may be due.

    Args:
        timetable: The present one.
        before: The status as it was.
        told: What a Job says was acted on that the status does not know of, since it was not written any more.
        created: When the training was made, where it has never been looked at; else None.
        now: The present moment.

    Another timetable counts from now: nothing is made up for that nobody had asked for at the time.
    """
    if before.timetable == timetable.text and before.scheduled is not None:
        return max(before.scheduled, told or before.scheduled)
    if before.timetable is None and before.observed_generation is None:
        return told or created or now.replace(microsecond=0)
    return now.replace(microsecond=0)
