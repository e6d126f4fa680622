import itertools
import random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.training.search.propose import Proposer, propose, shuffled
from evermodel.training.search.space import holds
from evermodel_api.training import Algorithm
from tests.unit.evermodel.training.search.bench import ALGORITHMS, one_after_the_other, plan_of

SAMPLERS = ["TPE", "Random", "Grid"]


@pytest.fixture(scope="module")
def searches():
    """For each sampler a whole search."""
    plans = {sampler: plan_of(30, sampler=sampler) for sampler in SAMPLERS}
    return {sampler: (plan, one_after_the_other(plan, 30)) for sampler, plan in plans.items()}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_first_trials_are_the_algorithms_as_written(searches, sampler):
    _, trials = searches[sampler]
    assert [trials[n].algorithm for n in range(3)] == ["knn", "xgb", "mlp"]
    assert trials[1].params == {"max_depth": 4, "n_estimators": 10}
    assert [trials[n].searched for n in range(3)] == [{}, {}, {}]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_then_come_values_of_the_search_beside_what_is_written(searches, sampler):
    _, trials = searches[sampler]
    for number in range(3, 30):
        trial = trials[number]
        algorithm = next(a for a in ALGORITHMS if a.name == trial.algorithm)
        assert trial.searched.keys() == algorithm.search.keys() != set()
        assert all(holds(algorithm.search[name], value) for name, value in trial.searched.items())
        assert trial.params == {**algorithm.params, **trial.searched}


@pytest.mark.parametrize("sampler", SAMPLERS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_proposal_follows_from_the_trials_up_to_the_lag_alone(searches, sampler, data):
    # given all results that a trial may look at, and any of those that came later
    plan, trials = searches[sampler]
    number = data.draw(st.integers(3, 29))
    must = max(number - plan.lag + 1, 0)
    others = data.draw(st.sets(st.integers(must, 29)))
    known = {i: trials[i] for i in (*range(must), *others)}
    # when it is proposed by somebody who remembers nothing
    proposal = propose(plan, number, known)
    # then it is the same
    assert proposal.searched == trials[number].searched
    assert ALGORITHMS[proposal.algorithm].name == trials[number].algorithm


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_a_proposer_remembers_changes_nothing(searches, sampler):
    plan, trials = searches[sampler]
    one = Proposer(plan)
    for number in random.Random(1).sample(range(30), 12):
        known = {i: trials[i] for i in range(max(number - plan.lag + 1, 0))}
        assert one.propose(number, known).searched == trials[number].searched


def test_another_seed_proposes_other_trials(searches):
    _, trials = searches["TPE"]
    others = one_after_the_other(plan_of(30, seed=8), 10)
    assert [others[n].searched for n in range(3, 10)] != [trials[n].searched for n in range(3, 10)]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nothing_is_tried_twice(searches, sampler):
    _, trials = searches[sampler]
    tried = [(trials[n].algorithm, str(trials[n].searched)) for n in range(3, 30)]
    assert len(set(tried)) == len(tried)


def test_a_small_space_is_gone_through_whole_whatever_the_sampler():
    search = {"C": {"choices": [0.1, 1, 10]}, "kernel": {"choices": ["rbf", "linear"]}}
    only = Algorithm.model_validate({"name": "svc", "estimator": "SVC", "search": search})
    for sampler in SAMPLERS:
        trials = one_after_the_other(plan_of(50, algorithms=(only,), sampler=sampler), 7)
        tried = {(trials[n].searched["C"], trials[n].searched["kernel"]) for n in range(1, 7)}
        assert tried == set(itertools.product([0.1, 1, 10], ["rbf", "linear"]))


def test_a_grid_that_is_cut_takes_turns_between_the_algorithms():
    trials = one_after_the_other(plan_of(11, sampler="Grid"), 11)
    assert [trials[n].algorithm for n in range(3, 11)] == ["knn", "xgb"] * 4


def test_tpe_learns_where_chance_does_not():
    # given a space with one good place
    late = {}
    for sampler in ("TPE", "Random"):
        plan = plan_of(50, sampler=sampler, pruner="None")
        late[sampler] = fmean(t.scores.get("roc_auc", 0) for n, t in one_after_the_other(plan, 50).items() if n >= 30)
    # then TPE spends its last trials there: the best is 0.884, an average place 0.84
    assert late["TPE"] > late["Random"] + 0.01


def test_an_algorithm_with_choices_that_are_no_numbers_is_searched_by_tpe():
    search = {
        "estimator": {"choices": [{"Ridge": {"alpha": 1}}, None, True, 1, [1, 2]]},
        "C": {"float": {"min": 0, "max": 1}},
    }
    only = Algorithm.model_validate({"name": "a", "estimator": "SVC", "search": search})
    trials = one_after_the_other(plan_of(40, algorithms=(only,)), 40)
    assert {str(t.searched["estimator"]) for n, t in trials.items() if n} == {
        "{'Ridge': {'alpha': 1}}",
        "None",
        "True",
        "1",
        "[1, 2]",
    }


@given(st.integers(1, 10**40), st.integers(0, 30), st.integers())
def test_a_shuffle_gives_different_numbers_of_any_range(total, count, seed):
    numbers = shuffled(total, count, random.Random(seed))
    assert len(set(numbers)) == len(numbers) == min(total, count)
    assert all(0 <= number < total for number in numbers)
