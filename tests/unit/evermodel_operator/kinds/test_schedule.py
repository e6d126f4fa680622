"""The clock by itself: moments, time zones, what is due. (Together with runs: test_schedule_of_runs.py)"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel_api.training import Schedule, TrainingStatus
from evermodel_operator.kinds.schedule import Timetable, counted_since, deadline, due, read_timetable

CRONS = ["* * * * *", "*/10 * * * *", "0 * * * *", "0 3 * * 1", "30 2 * * *", "15,45 1,2 * * *", "0 0 1 * *"]
ZONES = ["UTC", "Europe/Berlin", "Asia/Bangkok", "Australia/Lord_Howe", "America/St_Johns"]
moments = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 the zone is given beside it


def timetable(cron: str, zone: str = "UTC", **more: Any) -> Timetable:
    read = read_timetable(Schedule.model_validate({"cron": cron, "timeZone": zone, **more}))
    assert isinstance(read, Timetable), read
    return read


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def between(clock: Timetable, since: datetime, until: datetime) -> list[datetime]:
    found = []
    moment = clock.after(since)
    while moment is not None and moment <= until:
        found.append(moment)
        moment = clock.after(moment)
    return found


def test_a_moment_is_told_by_the_clocks_of_its_zone():
    clock = timetable("0 3 * * 1", "Asia/Bangkok")
    assert clock.after(at("2026-11-24T00:00:00Z")) == at("2026-11-30T03:00:00+07:00")
    assert clock.local(at("2026-11-29T20:00:00Z")) == "2026-11-30T03:00:00+07:00"


def test_what_falls_into_the_gap_when_clocks_go_forward_comes_at_its_end_once():
    # 28 March 2027: Berlin's clocks go from 02:00 to 03:00.
    clock = timetable("30 2 * * *", "Europe/Berlin")
    day = between(clock, at("2027-03-28T00:00:00+01:00"), at("2027-03-29T00:00:00+02:00"))
    assert day == [at("2027-03-28T03:00:00+02:00")]


def test_what_falls_into_the_repeated_hour_when_clocks_go_back_comes_once():
    # 25 October 2026: Berlin's clocks go from 03:00 to 02:00.
    clock = timetable("30 2 * * *", "Europe/Berlin")
    day = between(clock, at("2026-10-25T00:00:00+02:00"), at("2026-10-26T00:00:00+01:00"))
    assert day == [at("2026-10-25T02:30:00+02:00")]
    in_the_second = at("2026-10-25T02:10:00+01:00")
    assert clock.after(in_the_second) == at("2026-10-26T02:30:00+01:00")
    assert clock.latest(at("2026-10-24T12:00:00Z"), in_the_second) == at("2026-10-25T02:30:00+02:00")


def test_every_hour_goes_on_by_real_time_when_clocks_change():
    clock = timetable("0 * * * *", "Europe/Berlin")
    long_day = between(clock, at("2026-10-24T23:30:00+02:00"), at("2026-10-25T23:30:00+01:00"))
    short_day = between(clock, at("2027-03-27T23:30:00+01:00"), at("2027-03-28T23:30:00+02:00"))
    assert (len(long_day), len(short_day)) == (25, 23)


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), moments, st.timedeltas(timedelta(0), timedelta(days=3)))
@settings(max_examples=150, deadline=None)
def test_the_latest_moment_is_the_last_of_all_moments(cron: str, zone: str, since: datetime, span: timedelta):
    clock = timetable(cron, zone)
    if cron.startswith("*"):
        span /= 20
    everything = between(clock, since, since + span)
    assert clock.latest(since, since + span) == (everything[-1] if everything else None)
    assert all(moment.second == moment.microsecond == 0 for moment in everything)
    assert everything == sorted(set(everything))


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), moments, moments)
@settings(max_examples=100, deadline=None)
def test_which_moments_there_are_does_not_depend_on_when_one_asks(
    cron: str, zone: str, one: datetime, another: datetime
):
    clock = timetable(cron, zone)
    earlier, later = sorted((one, another))
    following = clock.after(later)
    assert following is not None
    assert clock.latest(earlier, following) == following
    assert following > later


def test_a_year_of_missed_minutes_is_one_moment_found_at_once():
    clock = timetable("* * * * *")
    asked: list[datetime] = []

    class Counting(Timetable):
        def after(self, moment: datetime) -> datetime | None:
            asked.append(moment)
            return super().after(moment)

    counting = Counting(clock.schedule, clock.zone)
    assert counting.latest(at("2025-01-01T00:00:00Z"), at("2026-01-01T00:00:30Z")) == at("2026-01-01T00:00:00Z")
    assert len(asked) < 30


@pytest.mark.parametrize(
    ("cron", "zone", "word"),
    [
        ("0 25 * * *", "UTC", "cron"),
        ("0 3 * *  ", "UTC", "five fields"),
        ("0 0 3 * * 1", "UTC", "five fields"),
        ("0 0 31 2 *", "UTC", "cron"),
        ("0 0 30 2 *", "UTC", "cron"),
        ("mornings!", "UTC", "five fields"),
        ("0 3 * * 1", "Mars/Olympus", "timeZone"),
        ("0 3 * * 1", "Europe", "timeZone"),
    ],
)
def test_a_schedule_that_cannot_be_read_says_where_and_what_to_write(cron: str, zone: str, word: str):
    said = read_timetable(Schedule(cron=cron, time_zone=zone))
    assert isinstance(said, str)
    assert said.startswith("spec.triggers.schedule.")
    assert word in said
    assert "write" in said


@given(
    st.one_of(
        st.text("0123456789*/,-#LW ", min_size=9, max_size=40),
        st.lists(st.text("0123456789*/,-#LWMONSUJAFEB", min_size=1, max_size=8), min_size=5, max_size=5).map(" ".join),
    ).filter(lambda text: 9 <= len(text) <= 128),
    st.one_of(st.sampled_from(["UTC", "Europe/Berlin", "America", "Etc"]), st.from_regex(r"\A[A-Za-z0-9_+-]{1,20}\Z")),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_is_a_timetable_or_a_sentence(cron: str, zone: str):
    read = read_timetable(Schedule(cron=cron, time_zone=zone))
    if isinstance(read, Timetable):
        assert read.after(at("2026-11-24T00:00:00Z")) is None or read.schedule.cron == cron
    else:
        assert read.endswith(".")


def test_of_several_missed_moments_the_latest_is_due():
    clock = timetable("0 * * * *")
    found = due(clock, at("2026-11-23T10:00:00Z"), at("2026-11-23T13:20:00Z"))
    assert found is not None
    assert (found.at, found.late) == (at("2026-11-23T13:00:00Z"), False)
    assert due(clock, at("2026-11-23T13:00:00Z"), at("2026-11-23T13:20:00Z")) is None


def test_a_moment_is_late_when_its_starting_deadline_is_over():
    clock = timetable("0 * * * *", startingDeadline="10m")
    since = at("2026-11-23T12:30:00Z")
    in_time, late = due(clock, since, at("2026-11-23T13:10:00Z")), due(clock, since, at("2026-11-23T13:10:01Z"))
    assert in_time is not None
    assert late is not None
    assert (in_time.late, late.late) == (False, True)
    assert deadline(clock, in_time.at) == at("2026-11-23T13:10:00Z")


CREATED, NOW = at("2026-11-23T08:00:00Z"), at("2026-11-23T10:30:12.5Z")
CLOCK = timetable("0 * * * *")


@pytest.mark.parametrize(
    ("before", "told", "created", "since"),
    [
        pytest.param({}, None, CREATED, CREATED, id="never looked at: nothing before its creation"),
        pytest.param({}, at("2026-11-23T09:00:00Z"), None, at("2026-11-23T09:00:00Z"), id="the status is lost"),
        pytest.param({}, None, None, NOW.replace(microsecond=0), id="the status is lost, and no Job tells"),
        pytest.param(
            {"timetable": CLOCK.text, "scheduled": "2026-11-23T09:00:00Z"},
            at("2026-11-23T10:00:00Z"),
            None,
            at("2026-11-23T10:00:00Z"),
            id="the operator died before it wrote the status",
        ),
        pytest.param(
            {"timetable": CLOCK.text, "scheduled": "2026-11-23T11:00:00Z"},
            None,
            None,
            at("2026-11-23T11:00:00Z"),
            id="the clock was set back",
        ),
        pytest.param(
            {"timetable": "5 * * * * UTC", "scheduled": "2026-11-23T09:05:00Z", "observedGeneration": 1},
            None,
            None,
            NOW.replace(microsecond=0),
            id="another cron counts from now",
        ),
        pytest.param({"observedGeneration": 1}, None, None, NOW.replace(microsecond=0), id="a schedule that is new"),
    ],
)
def test_moments_are_counted_from_where_it_is_right(
    before: dict[str, Any], told: datetime | None, created: datetime | None, since: datetime
):
    status = TrainingStatus.model_validate(before)
    assert counted_since(CLOCK, status, told, created, NOW) == since
