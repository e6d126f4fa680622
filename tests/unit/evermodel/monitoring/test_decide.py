"""The state machine: examples, and properties that hold for every history."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.monitoring.decide import decide
from evermodel.monitoring.evidence import Evidence
from evermodel_api.base import parse_duration
from evermodel_api.monitor import (
    Found,
    Memory,
    MonitorSpec,
    RequestCause,
    Retraining,
    RetrainRequest,
    RetrainResult,
    Situation,
    State,
)

START = datetime(2026, 11, 24, tzinfo=UTC)
ORDER = [State.UNKNOWN, State.HEALTHY, State.SUSPECT, State.FIRING]
HOUR = timedelta(hours=1)


def monitor(policy=None, *, retrain=True, decide=None, **parts):
    document = {"deploymentRef": {"name": "heart"}, "drift": {}, **parts}
    if retrain:
        document["actions"] = {"retrain": {"trainingRef": {"name": "heart"}, **(policy or {})}}
    if decide:
        document["decide"] = decide
    return MonitorSpec.model_validate(document)


def seen(drifted=None, degraded=None, healthy_data=None, version="heart-1"):
    return Evidence(version, drifted, degraded, healthy_data)


BAD, GOOD, NOTHING = seen(drifted=True), seen(drifted=False), seen()


def run(spec, history, every=HOUR, frozen=None):
    """The decision of each step, an hour apart; what is asked for is remembered, and nobody acts on it."""
    memory, decisions, asked = Memory(), [], []
    for step, evidence in enumerate(history):
        now = START + step * every
        decisions.append(decide(spec, memory, evidence, now, Situation(asked=asked[-100:], frozen=frozen)))
        memory = decisions[-1].memory
        if decisions[-1].retrain:
            asked.append(now)
    return decisions


def asked_for(version="heart-1", run=None, result=None, since=START):
    request = RetrainRequest(id="1", cause="Drift", since=since, version=version)
    return Retraining(request=request, run=run, result=result, stage="run 2 of heart is Training")


def blocked(decision):
    return decision.blocked.message if decision.blocked else None


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
        assert decisions[-1].memory.votes == [[Found.DRIFT], [Found.DRIFT]]

    def test_since_tells_when_the_state_began(self):
        decisions = run(monitor(), [BAD, BAD, BAD])
        assert [d.memory.since for d in decisions] == [START, START + timedelta(hours=1), START + timedelta(hours=1)]

    def test_another_version_is_judged_anew(self):
        fired = run(monitor(), [BAD, BAD])[-1]
        other = decide(monitor(), fired.memory, seen(drifted=False, version="heart-2"), START + 2 * HOUR)
        assert other.memory.votes == [[]]
        assert (other.state, other.memory.since) == (State.HEALTHY, START + 2 * HOUR)

    def test_votes_by_other_limits_do_not_count(self):
        suspect = run(monitor(), [BAD])[-1]
        stricter = monitor(drift={"alpha": 0.001})
        assert decide(stricter, suspect.memory, BAD, START + HOUR).state is State.SUSPECT
        same = monitor({"cooldown": "1h"}, drift={"alpha": 0.01}, decide={"fire": {"of": 2, "in": 3}})
        assert decide(same, suspect.memory, BAD, START + HOUR).state is State.FIRING

    def test_votes_are_forgotten_when_nothing_can_be_judged_for_long(self):
        spec = monitor(decide={"forget": "3h"})
        decisions = run(spec, [BAD, BAD, NOTHING, NOTHING, NOTHING, BAD])
        assert [d.state for d in decisions[1:]] == [*[State.FIRING] * 3, State.UNKNOWN, State.SUSPECT]

    def test_muted_after_it_calmed_down(self):
        spec = monitor(decide={"fire": {"of": 1, "in": 1}, "clear": {"of": 1, "in": 1}, "mute": "2h"})
        decisions = run(spec, [BAD, GOOD, BAD, BAD])
        assert [d.state for d in decisions] == [State.FIRING, State.HEALTHY, State.SUSPECT, State.FIRING]
        assert [d.alert for d in decisions] == [True, False, False, True]


class TestRequests:
    def test_performance_is_the_weightier_cause(self):
        both = seen(drifted=True, degraded=True)
        assert run(monitor(), [both, both])[-1].retrain is RequestCause.PERFORMANCE

    def test_a_cause_that_is_not_wanted_is_passed_over(self):
        both = seen(drifted=True, degraded=True)
        assert run(monitor({"on": ["Drift"]}), [both, both])[-1].retrain is RequestCause.DRIFT
        last = run(monitor({"on": ["Performance"]}), [BAD, BAD])[-1]
        assert last.retrain is None
        assert blocked(last) == "Drift is not among actions.retrain.on: add it to have retrainings asked for."

    def test_bad_data_alerts_and_never_retrains(self):
        bad_data = seen(drifted=True, degraded=True, healthy_data=False)
        last = run(monitor(), [bad_data, bad_data])[-1]
        assert (last.state, last.alert, last.retrain) == (State.FIRING, True, None)
        assert "bad data never trains a model" in blocked(last)

    def test_nothing_is_asked_for_during_a_rollout(self):
        last = run(monitor(), [BAD, BAD], frozen="heart-2 is being rolled out.")[-1]
        assert (last.retrain, blocked(last)) == (None, "heart-2 is being rolled out.")

    def test_a_request_that_was_frozen_is_made_when_the_rollout_is_over(self):
        spec = monitor()
        frozen = run(spec, [BAD, BAD], frozen="A run is under way.")[-1]
        later = decide(spec, frozen.memory, BAD, START + timedelta(hours=2))
        assert (later.retrain, later.alert) == (RequestCause.DRIFT, False)

    def test_the_cooldown_is_told_with_its_end(self):
        last = run(monitor({"cooldown": "6h"}), [BAD, BAD, BAD])[-1]
        assert last.retrain is None
        assert blocked(last) == (
            "A retraining was asked for at 2026-11-24T01:00:00Z; the next one may be asked for from 2026-11-24T07:00:00Z on."
        )
        decisions = run(monitor({"cooldown": "6h"}), [BAD] * 9)
        assert [d.retrain is not None for d in decisions] == [False, True, *[False] * 5, True, False]

    def test_the_budget_is_told_with_its_end(self):
        decisions = run(monitor({"cooldown": "1h", "budget": {"runs": 2, "per": "1d"}}), [BAD] * 5)
        assert [d.retrain is not None for d in decisions] == [False, True, True, False, False]
        assert blocked(decisions[-1]) == (
            "The budget of 2 retrainings in 1d is spent; it allows the next one from 2026-11-25T01:00:00Z on."
        )

    def test_without_a_policy_it_only_alerts(self):
        last = run(monitor(retrain=False), [BAD, BAD])[-1]
        assert (last.alert, last.retrain, last.blocked) == (True, None, None)

    def test_a_firing_monitor_asks_for_nothing_when_the_last_window_was_good(self):
        last = run(monitor({"cooldown": "1s"}), [BAD, BAD, GOOD])[-1]
        assert (last.state, last.retrain) == (State.FIRING, None)
        assert blocked(last) == "The last evaluation found no degradation to retrain for."

    def test_concept_drift_is_a_cause(self):
        moved = Evidence("heart-1", drifted=False, concept=True)
        assert run(monitor(), [moved, moved])[-1].retrain is RequestCause.CONCEPT

    def test_an_estimate_alerts_and_asks_only_where_it_counts(self):
        guessed = Evidence("heart-1", drifted=False, estimated=True)
        last = run(monitor(), [guessed, guessed])[-1]
        assert (last.alert, last.retrain, last.blocked.reason) == (True, None, "CauseNotWanted")
        counts = Evidence("heart-1", drifted=False, estimated=True, estimate_counts=True)
        assert run(monitor(), [counts, counts])[-1].retrain is RequestCause.PERFORMANCE

    def test_a_window_that_shows_nothing_asks_for_nothing(self):
        spec = monitor({"cooldown": "1s"})
        fired = run(spec, [BAD, BAD])[-1]
        later = decide(spec, fired.memory, NOTHING, START + 9 * HOUR)
        assert (later.state, later.retrain, later.blocked.reason) == (State.FIRING, None, "NothingFound")

    def test_one_drifting_window_is_not_enough_when_broken_data_made_it_fire(self):
        broken = seen(drifted=False, healthy_data=False)
        decisions = run(monitor(), [broken] * 5 + [seen(drifted=True, healthy_data=True)] * 2)
        assert [d.retrain for d in decisions] == [None] * 6 + [RequestCause.DRIFT]
        assert decisions[5].blocked.reason == "TooFewVotes"

    def test_a_proposal_waits_for_a_person(self):
        fired = run(monitor({"approval": "Manual"}), [BAD, BAD])[-1]
        assert "a retraining is proposed, because of Drift" in fired.reason
        later = decide(monitor(), fired.memory, BAD, START + 9 * HOUR, Situation(proposal="1"))
        assert (later.retrain, later.blocked.reason) == (None, "ApprovalNeeded")

    def test_a_no_counts_for_the_cooldown(self):
        fired = run(monitor(), [BAD, BAD])[-1]
        later = decide(monitor(), fired.memory, BAD, START + 2 * HOUR, Situation(declined=START + HOUR))
        assert blocked(later) == (
            "A retraining was declined at 2026-11-24T01:00:00Z; the next one may be asked for from 2026-11-24T07:00:00Z on."
        )


class TestRetraining:
    """From the request to what came of it."""

    @pytest.fixture
    def fired(self):
        return run(monitor(), [BAD, BAD])[-1].memory

    def step(self, memory, evidence, hours, retraining):
        return decide(monitor(), memory, evidence, START + hours * HOUR, Situation(retraining=retraining))

    def test_while_it_is_under_way_nothing_more_is_asked_for(self, fired):
        step = self.step(fired, BAD, 3, asked_for())
        assert (step.state, step.retrain, step.blocked, step.ended) == (State.RETRAINING, None, None, None)
        assert step.memory.firing
        assert "Request 1 for a retraining is under way: run 2 of heart is Training." in step.reason

    @pytest.mark.parametrize("result", ["Failed", "Rejected", "Unchanged"])
    def test_what_came_to_nothing_makes_it_back_off(self, fired, result):
        step = self.step(fired, BAD, 3, asked_for(run="heart-2", result=result))
        assert (step.state, step.ended, step.memory.unhelpful) == (State.FIRING, result, 1)
        asked = Situation(asked=[START + HOUR])
        assert decide(monitor(), step.memory, BAD, START + 8 * HOUR, asked).blocked.reason == "BackingOff"
        assert decide(monitor(), step.memory, BAD, START + 13 * HOUR, asked).retrain is RequestCause.DRIFT

    def test_the_new_version_settles_and_helped(self, fired):
        new, good = asked_for(run="heart-2"), seen(drifted=False, version="heart-2")
        memory, states = fired, []
        for hour in (3, 4, 5):
            step = self.step(memory, good, hour, new)
            memory = step.memory
            states.append((step.state, step.ended))
        assert states == [(State.SETTLING, None), (State.SETTLING, None), (State.HEALTHY, RetrainResult.HELPED)]

    def test_the_new_version_fires_and_did_not_help(self, fired):
        new, bad = asked_for(run="heart-2"), seen(drifted=True, version="heart-2")
        settling = self.step(fired, bad, 3, new)
        step = self.step(settling.memory, bad, 4, new)
        assert (settling.state, step.state, step.ended) == (State.SETTLING, State.FIRING, RetrainResult.NOT_HELPED)
        assert (step.alert, step.memory.unhelpful) == (True, 1)

    def test_nothing_lasts_longer_than_the_deadline(self, fired):
        assert self.step(fired, BAD, 23, asked_for()).ended is None
        assert self.step(fired, BAD, 24, asked_for()).ended is RetrainResult.EXPIRED
        new, nothing = asked_for(run="heart-2"), seen(version="heart-2")
        settling = self.step(fired, nothing, 3, new)
        assert self.step(settling.memory, nothing, 26, new).state is State.SETTLING
        step = self.step(settling.memory, nothing, 27, new)
        assert (step.state, step.ended, step.memory.unhelpful) == (State.UNKNOWN, RetrainResult.UNDECIDED, 0)

    def test_another_version_went_live_meanwhile(self, fired):
        step = self.step(fired, seen(drifted=False, version="heart-0"), 3, asked_for())
        assert (step.state, step.ended) == (State.HEALTHY, RetrainResult.SUPERSEDED)

    def test_what_calmed_down_by_itself_begins_anew(self, fired):
        failed = self.step(fired, BAD, 3, asked_for(result="Failed"))
        memory = failed.memory
        for hour in (4, 5, 6):
            memory = self.step(memory, GOOD, hour, None).memory
        assert (memory.state, memory.unhelpful) == (State.HEALTHY, 0)


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
    early = decide(spec, fired.memory, BAD, START - timedelta(days=1), Situation(asked=[START + HOUR]))
    assert early.retrain is None
    assert early.memory.since == START - timedelta(days=1)


@pytest.mark.parametrize("span", ["1h", "7d"])
def test_no_more_than_a_hundred_requests_are_remembered(span):
    spec = monitor({"cooldown": "1s", "budget": {"runs": 100, "per": span}})
    decisions = run(spec, [BAD] * 150, every=timedelta(seconds=2))
    assert sum(d.retrain is not None for d in decisions) == 100
    assert parse_duration(span) > timedelta(seconds=300)
