"""The state machine: examples, and properties that hold for every history."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.monitoring.decide import Evidence, decide
from evermodel_api.base import parse_duration
from evermodel_api.monitor import Memory, MonitorSpec, RequestCause, State

START = datetime(2026, 11, 24, tzinfo=UTC)
ORDER = [State.UNKNOWN, State.HEALTHY, State.SUSPECT, State.FIRING]


def monitor(policy=None, *, retrain=True, decide=None):
    document = {"deploymentRef": {"name": "heart"}, "drift": {}}
    if retrain:
        document["actions"] = {"retrain": {"trainingRef": {"name": "heart"}, **(policy or {})}}
    if decide:
        document["decide"] = decide
    return MonitorSpec.model_validate(document)


def seen(drifted=None, degraded=None, healthy_data=None, version="heart-1"):
    return Evidence(version, drifted, degraded, healthy_data)


BAD, GOOD, NOTHING = seen(drifted=True), seen(drifted=False), seen()


def run(spec, history, every=timedelta(hours=1), frozen=None):
    """The decision of each step, an hour apart."""
    memory, decisions = Memory(), []
    for step, evidence in enumerate(history):
        decisions.append(decide(spec, memory, evidence, START + step * every, frozen))
        memory = decisions[-1].memory
    return decisions


class TestStates:
    def test_healthy_after_a_window_without_findings(self):
        assert run(monitor(), [GOOD])[-1].state is State.HEALTHY

    def test_one_odd_window_is_only_suspect(self):
        last = run(monitor(), [GOOD, BAD])[-1]
        assert (last.state, last.alert, last.retrain) == (State.SUSPECT, False, None)

    def test_two_of_three_fire_once_and_ask_for_a_retraining(self):
        decisions = run(monitor(), [BAD, GOOD, BAD, BAD])
        assert [d.state for d in decisions] == [State.SUSPECT, State.SUSPECT, State.FIRING, State.FIRING]
        assert [d.alert for d in decisions] == [False, False, True, False]
        assert [d.retrain for d in decisions] == [None, None, RequestCause.DRIFT, None]

    def test_it_calms_down_after_three_windows_without_findings(self):
        decisions = run(monitor(), [BAD, BAD, GOOD, GOOD, GOOD])
        assert [d.state for d in decisions[1:]] == [State.FIRING] * 3 + [State.HEALTHY]

    def test_one_bad_window_starts_the_calming_down_anew(self):
        decisions = run(monitor(), [BAD, BAD, GOOD, GOOD, BAD, GOOD, GOOD])
        assert decisions[-1].state is State.FIRING

    def test_a_window_that_shows_nothing_keeps_the_state_and_casts_no_vote(self):
        decisions = run(monitor(), [NOTHING, BAD, NOTHING, BAD])
        assert [d.state for d in decisions] == [State.UNKNOWN, State.SUSPECT, State.SUSPECT, State.FIRING]
        assert decisions[-1].memory.votes == [True, True]

    def test_since_tells_when_the_state_began(self):
        decisions = run(monitor(), [BAD, BAD, BAD])
        assert [d.memory.since for d in decisions] == [START, START + timedelta(hours=1), START + timedelta(hours=1)]

    def test_another_version_is_judged_anew_but_the_requests_are_remembered(self):
        spec = monitor({"cooldown": "6h"})
        fired = run(spec, [BAD, BAD])[-1]
        other = decide(spec, fired.memory, seen(drifted=False, version="heart-2"), START + timedelta(hours=2))
        assert other.memory.votes == [False]
        assert other.state is State.HEALTHY
        assert other.memory.requests == fired.memory.requests


class TestRequests:
    def test_performance_is_the_weightier_cause(self):
        both = seen(drifted=True, degraded=True)
        assert run(monitor(), [both, both])[-1].retrain is RequestCause.PERFORMANCE

    def test_a_cause_that_is_not_wanted_is_passed_over(self):
        both = seen(drifted=True, degraded=True)
        assert run(monitor({"on": ["Drift"]}), [both, both])[-1].retrain is RequestCause.DRIFT
        last = run(monitor({"on": ["Performance"]}), [BAD, BAD])[-1]
        assert last.retrain is None
        assert last.blocked == "Drift is not among actions.retrain.on: add it to have retrainings asked for."

    def test_bad_data_alerts_and_never_retrains(self):
        bad_data = seen(drifted=True, degraded=True, healthy_data=False)
        last = run(monitor(), [bad_data, bad_data])[-1]
        assert (last.state, last.alert, last.retrain) == (State.FIRING, True, None)
        assert "bad data never trains a model" in last.blocked

    def test_nothing_is_asked_for_during_a_rollout(self):
        last = run(monitor(), [BAD, BAD], frozen="heart-2 is being rolled out.")[-1]
        assert (last.retrain, last.blocked) == (None, "heart-2 is being rolled out.")

    def test_a_request_that_was_frozen_is_made_when_the_rollout_is_over(self):
        spec = monitor()
        frozen = run(spec, [BAD, BAD], frozen="A run is under way.")[-1]
        later = decide(spec, frozen.memory, BAD, START + timedelta(hours=2))
        assert (later.retrain, later.alert) == (RequestCause.DRIFT, False)

    def test_the_cooldown_is_told_with_its_end(self):
        last = run(monitor({"cooldown": "6h"}), [BAD, BAD, BAD])[-1]
        assert last.retrain is None
        assert last.blocked == (
            "A retraining was asked for at 2026-11-24T01:00:00Z; the next one may be asked for from 2026-11-24T07:00:00Z on."
        )
        decisions = run(monitor({"cooldown": "6h"}), [BAD] * 9)
        assert [d.retrain is not None for d in decisions] == [False, True, *[False] * 5, True, False]

    def test_the_budget_is_told_with_its_end(self):
        decisions = run(monitor({"cooldown": "1h", "budget": {"runs": 2, "per": "1d"}}), [BAD] * 5)
        assert [d.retrain is not None for d in decisions] == [False, True, True, False, False]
        assert decisions[-1].blocked == (
            "The budget of 2 retrainings in 1d is spent; it allows the next one from 2026-11-25T01:00:00Z on."
        )

    def test_without_a_policy_it_only_alerts(self):
        last = run(monitor(retrain=False), [BAD, BAD])[-1]
        assert (last.alert, last.retrain, last.blocked) == (True, None, None)

    def test_a_firing_monitor_asks_for_nothing_when_the_last_window_was_good(self):
        last = run(monitor({"cooldown": "1s"}), [BAD, BAD, GOOD])[-1]
        assert (last.state, last.retrain) == (State.FIRING, None)
        assert last.blocked == "The last evaluation found no degradation to retrain for."


verdicts = st.sampled_from([None, False, True])
histories = st.lists(
    st.builds(seen, verdicts, verdicts, verdicts, st.sampled_from(["heart-1", "heart-2"])), max_size=40
)
fires = st.integers(1, 6).flatmap(lambda m: st.fixed_dictionaries({"of": st.integers(1, m), "in": st.just(m)}))
policies = st.fixed_dictionaries({"fire": fires, "clear": fires})


@given(histories, policies, st.integers(1, 8), st.integers(1, 4), st.integers(1, 12))
def test_never_two_requests_within_the_cooldown_nor_more_than_the_budget_in_any_span(history, rule, cool, runs, per):
    spec = monitor({"cooldown": f"{cool}h", "budget": {"runs": runs, "per": f"{per}h"}}, decide=rule)
    decisions = run(spec, history)
    asked = [START + step * timedelta(hours=1) for step, d in enumerate(decisions) if d.retrain]
    assert all(b - a >= timedelta(hours=cool) for a, b in itertools.pairwise(asked))
    for moment in asked:
        assert sum(moment <= other < moment + timedelta(hours=per) for other in asked) <= runs
    assert all(
        d.retrain is None or evidence.healthy_data is not False for d, evidence in zip(decisions, history, strict=True)
    )


@given(histories, policies)
def test_only_a_firing_monitor_asks_and_it_says_why_when_it_does_not(history, rule):
    for decision in run(monitor(decide=rule), history):
        firing = decision.state is State.FIRING
        assert (decision.retrain is not None) + (decision.blocked is not None) == firing
        assert len(decision.memory.votes) <= 20


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.data(), policies)
def test_more_degradation_never_leads_to_a_better_state(votes, data, rule):
    worse = [vote or data.draw(st.booleans()) for vote in votes]
    spec = monitor(decide=rule)
    calm = run(spec, [seen(drifted=vote) for vote in votes])
    sick = run(spec, [seen(drifted=vote) for vote in worse])
    assert all(ORDER.index(s.state) >= ORDER.index(c.state) for s, c in zip(sick, calm, strict=True))


@given(st.lists(st.booleans(), max_size=30), policies)
def test_firing_begins_with_a_bad_window_and_ends_with_a_good_one(votes, rule):
    decisions = run(monitor(decide=rule), [seen(drifted=vote) for vote in votes])
    states = [State.UNKNOWN, *(d.state for d in decisions)]
    for before, after, vote in zip(states, states[1:], votes, strict=False):
        if before is not State.FIRING and after is State.FIRING:
            assert vote
        if before is State.FIRING and after is not State.FIRING:
            assert not vote


@given(histories)
def test_memory_that_was_written_and_read_again_is_the_same(history):
    for decision in run(monitor(), history):
        assert Memory.model_validate(decision.memory.dump()) == decision.memory


def test_a_clock_that_went_back_allows_nothing():
    spec = monitor({"cooldown": "1h"})
    fired = run(spec, [BAD, BAD])[-1]
    early = decide(spec, fired.memory, BAD, START - timedelta(days=1))
    assert early.retrain is None


@pytest.mark.parametrize("span", ["1h", "7d"])
def test_no_more_than_a_hundred_requests_are_remembered(span):
    spec = monitor({"cooldown": "1s", "budget": {"runs": 1000, "per": span}})
    decisions = run(spec, [BAD] * 150, every=timedelta(seconds=2))
    assert len(decisions[-1].memory.requests) == 100
    assert sum(d.retrain is not None for d in decisions) == 100
    assert parse_duration(span) > timedelta(seconds=300)
