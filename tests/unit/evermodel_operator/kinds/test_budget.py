from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World, condition, trained, training

from evermodel_api.training import Budget, Starts
from evermodel_operator.kinds.budget import KEPT_STARTS, counted, free_at

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
BUDGET = Budget(runs=2, per="1h")


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def test_a_budget_that_is_not_spent_holds_nobody_back():
    starts = counted([], [ago(minutes=10), ago(hours=2)], BUDGET, NOW)
    assert [start.at for start in starts] == [ago(minutes=10)]
    assert free_at(starts, BUDGET, NOW) is None


def test_a_spent_budget_is_free_when_the_oldest_start_is_as_old_as_its_time():
    starts = counted([], [ago(minutes=50), ago(minutes=10)], BUDGET, NOW)
    assert free_at(starts, BUDGET, NOW) == ago(minutes=50) + timedelta(hours=1)
    smaller = Budget(runs=1, per="1h")
    assert free_at(starts, smaller, NOW) == ago(minutes=10) + timedelta(hours=1)


@given(
    st.lists(st.integers(0, 7200), max_size=150),
    st.integers(1, 60),
    st.lists(st.integers(0, 900), min_size=1, max_size=120),
)
def test_there_are_never_more_runs_than_the_budget_in_its_time_and_the_list_stays_short(
    history: list[int], runs: int, gaps: list[int]
):
    budget = Budget(runs=runs, per="1h")
    now = NOW
    starts = counted([], [now - timedelta(seconds=each) for each in history], budget, now)
    real = [now - timedelta(seconds=each) for each in history if each < 3600]
    begun: list[datetime] = []
    for gap in gaps:
        now += timedelta(seconds=gap)
        starts = counted(starts, [], budget, now)
        free = free_at(starts, budget, now)
        if free is None:
            starts = counted(starts, [now], budget, now)
            begun.append(now)
            window = [each for each in (*real, *begun) if each > now - timedelta(hours=1)]
            assert len(window) <= runs
        else:
            assert free > now
            assert free_at(counted(starts, [], budget, free), budget, free) is None, "it says when"
        assert len(starts) <= KEPT_STARTS
        assert sum(start.runs for start in starts) >= sum(each > now - timedelta(hours=1) for each in begun)


def test_up_to_the_kept_starts_nothing_is_held_back_for_longer_than_it_must():
    starts = [Starts(at=ago(minutes=59 - each)) for each in range(KEPT_STARTS)]
    assert counted(starts, [], Budget(runs=100, per="1h"), NOW) == starts
    more = counted(starts, [NOW], Budget(runs=100, per="1h"), NOW)
    assert len(more) == KEPT_STARTS
    assert (more[0].at, more[0].runs) == (starts[1].at, 2)


def ask(world: World, value: str) -> None:
    thing = world.own("ModelTraining", "heart")
    world.put({**thing, "metadata": {**thing["metadata"], "annotations": {"retrain.evermodel.dev/me": value}}})


def look(world: World) -> Any:
    world.settle_one("ModelTraining", "heart")
    return world.own("ModelTraining", "heart")["status"]


@pytest.mark.parametrize("dies", [False, True])
def test_a_request_waits_for_the_budget_and_is_not_lost(world: World, dies: bool):
    world.put(training(triggers={"budget": {"runs": 2, "per": "1d"}}))
    for run in (1, 2):
        world.reconcile("ModelTraining", "heart", die_before_status=dies)
        look(world)
        world.pass_time(minutes=30)
        world.end_job(f"heart-{run}", trained(run))
        look(world)
        ask(world, str(run))

    status = look(world)

    assert "run" not in status
    assert status["acknowledged"] == {"person/me": "1"}, "it is not forgotten: what was acted on is the one before"
    running = condition(world.own("ModelTraining", "heart"), "Running")
    assert running is not None
    assert (running["status"], running["reason"]) == ("False", "BudgetSpent")
    assert "2 runs in 1d" in running["message"]
    assert "2026-11-24T10:00:00+00:00" in running["message"]
    assert world.plan("ModelTraining", "heart").requeue == timedelta(hours=23)
    assert [event.message for _, event in world.events if event.reason == "BudgetSpent"] == [running["message"]]

    world.pass_time(hours=23)
    assert look(world)["run"]["cause"]["by"] == "person/me"


def test_a_budget_that_is_set_later_counts_the_runs_that_are_known(world: World):
    world.put(training())
    look(world)
    world.end_job("heart-1", trained(1))
    look(world)
    world.put(training(triggers={"budget": {"runs": 1, "per": "1d"}}))
    ask(world, "1")
    status = look(world)
    assert "run" not in status
    assert status["starts"] == [{"at": "2026-11-23T10:00:00Z", "runs": 1}]


def test_replace_stops_no_run_when_there_is_no_budget_for_the_next(world: World):
    schedule = {"cron": "0 * * * *", "concurrencyPolicy": "Replace"}
    world.put(training(triggers={"schedule": schedule, "budget": {"runs": 1, "per": "90m"}}, run={"deadline": "9h"}))
    look(world)
    world.pass_time(hours=1, minutes=10)
    assert look(world)["run"]["id"] == "1"
    assert world.plan("ModelTraining", "heart").requeue == timedelta(minutes=20)
    world.pass_time(minutes=20)
    assert look(world)["runs"][0]["reason"] == "Replaced"
