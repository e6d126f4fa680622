"""The schedule together with runs: any sequence of clock moves, suspends, edits, deaths and ends of runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from world import World, condition, trained, training

from evermodel_api.training import Schedule
from evermodel_operator.kinds.schedule import Timetable, read_timetable

KIND, NAME = "ModelTraining", "heart"
CRONS = ["*/15 * * * *", "0 * * * *", "30 2 * * *", "0 3 * * 1"]
ZONES = ["UTC", "Europe/Berlin", "Asia/Bangkok"]


class ScheduleMachine(RuleBasedStateMachine):
    """A small model of what is right beside the real plans.

    The model: at each look, of the moments since the last one that was dealt with the latest is due. Late: it is passed
    over. A run is under way: it is passed over, or takes its place. Else exactly one run starts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.schedule: dict[str, Any] = {}
        self.suspended = False
        self.dealt_with = self.world.now
        self.moments: set[tuple[int, str]] = set()
        self.edits = 0

    @initialize(
        cron=st.sampled_from(CRONS),
        zone=st.sampled_from(ZONES),
        policy=st.sampled_from(["Forbid", "Replace"]),
        limit=st.sampled_from([None, "10m", "6h"]),
    )
    def a_training(self, cron: str, zone: str, policy: str, limit: str | None):
        self.schedule = {"cron": cron, "timeZone": zone, "concurrencyPolicy": policy}
        if limit:
            self.schedule["startingDeadline"] = limit
        self._write()
        self.world.reconcile(KIND, NAME)
        self.look()

    def _write(self) -> None:
        self.world.put(
            training(triggers={"schedule": self.schedule}, run={"suspend": self.suspended, "ttl": {"succeeded": "1h"}})
        )

    def _clock(self) -> Timetable:
        read = read_timetable(Schedule.model_validate(self.schedule))
        assert isinstance(read, Timetable)
        return read

    def _active(self) -> dict[str, Any] | None:
        run: dict[str, Any] | None = self.world.own(KIND, NAME).get("status", {}).get("run")
        return run

    def _works(self) -> bool:
        """Whether a run is under way: one whose Job has ended is recorded in the same look and holds nothing back."""
        run = self._active()
        job = self.world.get("batch/v1", "Job", run["job"]) if run else None
        return job is not None and "status" not in job

    @rule(minutes=st.integers(1, 90))
    def minutes_pass(self, minutes: int):
        self.world.pass_time(minutes=minutes)

    @rule(hours=st.integers(2, 240))
    def days_pass(self, hours: int):
        self.world.pass_time(hours=hours)

    @rule(minutes=st.integers(1, 120))
    def the_clock_is_set_back(self, minutes: int):
        self.world.now -= timedelta(minutes=minutes)

    @rule(suspended=st.booleans())
    def somebody_suspends_or_goes_on(self, suspended: bool):
        self.suspended = suspended
        self._write()

    @rule(cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES))
    def somebody_edits_the_schedule(self, cron: str, zone: str):
        changed = (cron, zone) != (self.schedule["cron"], self.schedule["timeZone"])
        self.schedule |= {"cron": cron, "timeZone": zone}
        self._write()
        if changed:
            # Seen at once, and from here on it counts.
            self.edits += 1
            self.dealt_with = self.world.now.replace(microsecond=0)
            self.look()

    @precondition(lambda self: self._works())
    @rule()
    def the_run_ends(self):
        run = self._active()
        assert run is not None
        self.world.end_job(run["job"], trained(int(run["id"])))

    @rule(dies=st.booleans())
    def the_operator_looks(self, dies: bool):
        self.look(dies=dies)

    def look(self, *, dies: bool = False) -> None:
        """One look of the operator, and what has to come of it."""
        now, clock = self.world.now, self._clock()
        active = self._works()
        before = self._job_causes()
        due = None if self.suspended else clock.latest(self.dealt_with, now)
        if dies:
            self.world.reconcile(KIND, NAME, die_before_status=True)
        self.world.settle_one(KIND, NAME)
        self.world.pods_gone()
        self.world.settle_one(KIND, NAME)
        new = [cause for name, cause in self._job_causes().items() if name not in before]
        late = due is not None and self._late(due, now)
        forbidden = active and self.schedule["concurrencyPolicy"] == "Forbid"
        if due is None or late or forbidden:
            assert [cause["reason"] for cause in new] == []
        else:
            assert [(cause["reason"], cause["request"]) for cause in new] == [("Scheduled", clock.local(due))]
            key = (self.edits, clock.local(due))
            assert key not in self.moments, "two runs for one moment"
            self.moments.add(key)
        if due is not None:
            self.dealt_with = due

    def _late(self, due: datetime, now: datetime) -> bool:
        limits = {"10m": timedelta(minutes=10), "6h": timedelta(hours=6)}
        limit = self.schedule.get("startingDeadline")
        return limit is not None and now - due > limits[limit]

    def _job_causes(self) -> dict[str, dict[str, str]]:
        """Every run that there ever was, with its cause: from Jobs, and from the status."""
        status = self.world.own(KIND, NAME).get("status", {})
        runs = [*status.get("runs", []), *([status["run"]] if status.get("run") else [])]
        return {run["id"]: run["cause"] for run in runs}


TestScheduleOfRuns = ScheduleMachine.TestCase
TestScheduleOfRuns.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


# One story for each promise.


def seen(world: World) -> Any:
    world.settle_one(KIND, NAME)
    return world.own(KIND, NAME)["status"]


def jobs(world: World) -> list[str]:
    return [job["metadata"]["name"] for job in world.all("batch/v1", "Job")]


def at_rest(world: World, **schedule: Any) -> None:
    """A training that ran once, at 10:00, and has a schedule for every full hour."""
    world.put(training(triggers={"schedule": {"cron": "0 * * * *", **schedule}}))
    seen(world)
    world.end_job("heart-1", trained(1))
    seen(world)


def said(world: World, reason: str) -> list[str]:
    return [event.message for _, event in world.events if event.reason == reason]


def test_the_status_tells_the_next_moment_and_the_plan_wakes_for_it(world: World):
    at_rest(world)
    world.pass_time(minutes=20)
    status = seen(world)
    assert status["nextRun"] == "2026-11-23T11:00:00Z"
    assert world.plan(KIND, NAME).requeue == timedelta(minutes=40)
    world.pass_time(minutes=40)
    status = seen(world)
    assert status["run"]["cause"] == {"by": "schedule", "reason": "Scheduled", "request": "2026-11-23T11:00:00+00:00"}
    assert (status["scheduled"], status["nextRun"]) == ("2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z")


def test_nothing_is_written_between_two_moments(world: World):
    at_rest(world)
    before = seen(world)
    for _ in range(5):
        world.pass_time(minutes=11)
        made = world.plan(KIND, NAME)
        assert (made.status, made.apply, made.events) == (before, (), ())


def test_of_what_was_missed_while_the_operator_was_away_one_run_is_made(world: World):
    at_rest(world)
    world.pass_time(hours=30, minutes=7)
    status = seen(world)
    assert jobs(world)[-1] == "heart-2"
    assert status["run"]["cause"]["request"] == "2026-11-24T16:00:00+00:00"
    world.end_job("heart-2", trained(2))
    assert "run" not in seen(world)


def test_a_moment_whose_starting_deadline_is_over_is_passed_over_and_told_once(world: World):
    at_rest(world, startingDeadline="10m")
    world.pass_time(hours=1, minutes=11)
    status = seen(world)
    assert "run" not in status
    assert status["scheduled"] == "2026-11-23T11:00:00Z"
    assert said(world, "PassedOver") == [
        "No run was started for 2026-11-23T11:00:00+00:00: startingDeadline (10m) is over."
    ]


def test_forbid_lets_a_moment_pass_while_a_run_works_and_tells_it_once(world: World):
    world.put(training(triggers={"schedule": {"cron": "0 * * * *"}}))
    seen(world)
    world.pass_time(hours=1, minutes=5)
    assert seen(world)["run"]["id"] == "1"
    (told,) = said(world, "PassedOver")
    assert "2026-11-23T11:00:00" in told
    assert "run 1 is under way" in told
    world.end_job("heart-1", trained(1))
    assert "run" not in seen(world), "the moment is not made up for"


@pytest.mark.parametrize("dies", [False, True])
def test_replace_stops_the_run_that_works_and_starts_the_next_when_its_pods_are_gone(world: World, dies: bool):
    world.put(training(triggers={"schedule": {"cron": "0 * * * *", "concurrencyPolicy": "Replace"}}))
    seen(world)
    world.pass_time(hours=1)

    made = world.reconcile(KIND, NAME, die_before_status=dies)
    assert made.delete == (), "it is written down before it is stopped"
    status = seen(world)

    (past,) = status["runs"]
    assert (past["id"], past["outcome"], past["reason"]) == ("1", "Failed", "Replaced")
    assert "deletionTimestamp" in world.get("batch/v1", "Job", "heart-1")["metadata"]  # type: ignore[index]
    assert jobs(world) == ["heart-1"], "never two at a time"
    assert world.get("v1", "ConfigMap", "heart-1") is None
    thing = world.own(KIND, NAME)
    assert condition(thing, "Running")["message"].endswith("starts when the pods of heart-1 are gone.")  # type: ignore[index]
    assert condition(thing, "Failed")["status"] == "False"  # type: ignore[index]
    assert condition(thing, "Stalled") is None

    world.pods_gone()
    world.pass_time(seconds=31)
    status = seen(world)
    assert jobs(world) == ["heart-2"]
    assert status["run"]["cause"]["request"] == "2026-11-23T11:00:00+00:00"
    assert len(said(world, "Replaced")) == 1


def test_a_request_never_stops_a_run(world: World):
    thing = world.put(training(triggers={"schedule": {"cron": "0 3 * * *", "concurrencyPolicy": "Replace"}}))
    seen(world)
    thing["metadata"]["annotations"] = {"retrain.evermodel.dev/me": "1"}
    world.put({**thing, "status": world.own(KIND, NAME)["status"]})
    assert seen(world)["run"]["id"] == "1"
    assert jobs(world) == ["heart-1"]


def test_one_run_serves_the_schedule_and_whoever_asked_before_it_began(world: World):
    at_rest(world)
    thing = world.own(KIND, NAME)
    asking = {**thing["metadata"], "annotations": {"retrain.evermodel.dev/me": "1"}}
    world.put({**thing, "metadata": asking})
    world.pass_time(hours=1)
    status = seen(world)
    assert (status["run"]["cause"]["by"], status["scheduled"]) == ("person/me", "2026-11-23T11:00:00Z")
    world.end_job("heart-2", trained(2))
    assert "run" not in seen(world)


def test_going_on_after_a_suspension_makes_up_for_one_moment(world: World):
    at_rest(world)
    spec = {"triggers": {"schedule": {"cron": "0 * * * *"}}}
    world.put(training(**spec, run={"suspend": True}))
    world.pass_time(hours=50)
    status = seen(world)
    assert "nextRun" not in status
    assert jobs(world) == [] or "run" not in status
    world.put(training(**spec))
    assert seen(world)["run"]["cause"]["reason"] == "Scheduled"
    world.end_job("heart-2", trained(2))
    assert "run" not in seen(world)


def test_a_schedule_that_cannot_be_read_stalls_and_says_why_and_what_ended_is_still_recorded(world: World):
    world.put(training())
    seen(world)
    world.put(training(triggers={"schedule": {"cron": "0 25 * * *", "timeZone": "Europe/Berlin"}}))
    world.end_job("heart-1", trained(1))
    status = seen(world)
    stalled = condition(world.own(KIND, NAME), "Stalled")
    assert stalled is not None
    assert stalled["reason"] == "InvalidSpec"
    assert "spec.triggers.schedule.cron: '0 25 * * *'" in stalled["message"]
    assert status["runs"][0]["outcome"] == "Succeeded"
    assert world.get("evermodel.dev/v1alpha1", "ModelVersion", "heart-1") is not None

    world.put(training(triggers={"schedule": {"cron": "0 23 * * *", "timeZone": "Europe/Berlin"}}))
    assert seen(world)["nextRun"] == "2026-11-23T22:00:00Z"
    assert condition(world.own(KIND, NAME), "Stalled") is None


def test_a_schedule_that_is_taken_away_leaves_no_trace(world: World):
    at_rest(world)
    world.put(training())
    status = seen(world)
    assert not {"scheduled", "timetable", "nextRun"} & set(status)
