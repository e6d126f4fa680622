import pytest

from evermodel.training.search.plan import plan_search, planned_trials
from evermodel_api.training import Algorithm, TrainingSpec
from tests.unit.evermodel.training.search.bench import ALGORITHMS, plan_of

FEW = Algorithm.model_validate(
    {"name": "few", "estimator": "SVC", "search": {"C": {"choices": [1, 2]}, "degree": {"int": {"min": 2, "max": 4}}}}
)


def test_without_a_search_each_algorithm_is_tried_once():
    assert planned_trials(plan_of(60, algorithms=(ALGORITHMS[2],))) == 1


def test_max_trials_counts_the_algorithms_as_written():
    assert planned_trials(plan_of(60)) == 60


def test_each_algorithm_is_tried_even_when_max_trials_is_smaller():
    assert planned_trials(plan_of(1)) == 3


@pytest.mark.parametrize("sampler", ["TPE", "Random", "Grid"])
def test_a_search_ends_early_when_everything_was_tried(sampler):
    # 2 x 3 combinations, and the algorithm as it is written
    assert planned_trials(plan_of(60, algorithms=(FEW,), sampler=sampler)) == 7
    assert planned_trials(plan_of(5, algorithms=(FEW,), sampler=sampler)) == 5


def test_a_grid_looks_at_five_places_of_a_range():
    # 5 x 2 of knn, 4 x 5 x 5 of xgb, and the three as they are written
    assert planned_trials(plan_of(10000, sampler="Grid")) == 5 * 2 + 4 * 5 * 5 + 3
    assert planned_trials(plan_of(50, sampler="Grid")) == 50


@pytest.mark.parametrize(("trials", "lag"), [(1, 8), (30, 8), (60, 12), (1000, 200), (10000, 256)])
def test_the_lag_follows_from_the_spec_alone(trials, lag):
    assert plan_of(trials).lag == plan_of(trials, workers=64, timeout="1h").lag == lag


def spec_of(**parts):
    document = {
        "task": "Regression",
        "target": "y",
        "data": {"sources": [{"name": "s", "file": {"uri": "rows.csv"}}]},
        "algorithms": [{"name": "a", "estimator": "Ridge"}],
    }
    return TrainingSpec.model_validate({**document, **parts})


def test_the_objective_is_what_tuning_says_or_the_first_metric():
    assert plan_search(spec_of()).objective == "rmse"
    assert plan_search(spec_of(validation={"metrics": ["mae", "r2"]})).objective == "mae"
    assert plan_search(spec_of(validation={"metrics": ["mae"]}, tuning={"objective": "r2"})).objective == "r2"


def test_what_else_the_spec_says_is_in_the_plan():
    overfit = {"metric": "r2", "maxTrainTestGap": 0.1}
    plan = plan_search(spec_of(validation={"cv": {"folds": 3}, "overfit": overfit}, run={"seed": 42}))
    assert (plan.folds, plan.seed, plan.guard.max_train_test_gap) == (3, 42, 0.1)
    assert plan_search(spec_of()).folds == 5
