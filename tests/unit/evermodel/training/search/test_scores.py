import math

import pytest

from evermodel.errors import SpecError
from evermodel.training.ledger import Fold
from evermodel.training.search.scores import choose, is_given_up, mean_scores, means_so_far, train_gap
from evermodel_api.training import Metric, Overfit
from tests.unit.evermodel.training.search.bench import plan_of, trial


def fold(score, **others):
    return Fold(scores={"roc_auc": score, **others}, seconds=1, cpu_seconds=1)


def test_means_are_over_the_folds_at_which_a_metric_is_defined():
    folds = [fold(0.5, f1=0.2), fold(0.7), fold(0.9, f1=0.4)]
    assert mean_scores(folds) == pytest.approx({"roc_auc": 0.7, "f1": 0.3})
    assert means_so_far(folds, Metric.ROC_AUC) == pytest.approx([0.5, 0.6, 0.7])
    assert math.isnan(means_so_far(folds, Metric.R2)[0])


# lag 8: trial 20 looks at the trials 0..12
EARLIER = {number: trial(number, 0.5 + number / 100, 0.7, 0.9) for number in range(13)}


def test_a_trial_is_given_up_when_half_of_the_earlier_ones_were_better_at_that_fold():
    plan = plan_of(30)
    # the median of 0.50, 0.51 .. 0.62 is 0.56
    assert is_given_up(plan, 20, [fold(0.559)], EARLIER)
    assert not is_given_up(plan, 20, [fold(0.56)], EARLIER)
    # after two folds the means count: the median is 0.63
    assert is_given_up(plan, 20, [fold(0.9), fold(0.35)], EARLIER)
    assert not is_given_up(plan, 20, [fold(0.1), fold(1.17)], EARLIER)


def test_a_loss_is_worse_when_it_is_larger():
    plan = plan_of(30, objective=Metric.RMSE)
    known = {n: t.model_copy(update={"folds": [fold(0, rmse=n)] * 3}) for n, t in EARLIER.items()}
    assert is_given_up(plan, 20, [fold(0, rmse=7)], known)
    assert not is_given_up(plan, 20, [fold(0, rmse=6)], known)


def test_an_undefined_score_is_the_worst():
    assert is_given_up(plan_of(30), 20, [Fold(scores={}, seconds=1, cpu_seconds=1)], EARLIER)


@pytest.mark.parametrize(
    ("why", "number", "folds", "known", "pruner"),
    [
        ("there is no pruner", 20, [fold(0)], EARLIER, "None"),
        ("nothing is left to be saved", 20, [fold(0)] * 3, EARLIER, "Median"),
        ("an algorithm as it is written is what others are compared with", 2, [fold(0)], EARLIER, "Median"),
        ("too few are known", 11, [fold(0)], EARLIER, "Median"),
        ("those that were given up say nothing", 20, [fold(0)],
         {n: t.model_copy(update={"state": "Pruned"}) if n > 3 else t for n, t in EARLIER.items()}, "Median"),
    ],
)  # fmt: skip
def test_a_trial_is_not_given_up_when(why, number, folds, known, pruner):
    assert not is_given_up(plan_of(30, pruner=pruner), number, folds, known), why


def test_trials_that_came_later_than_the_lag_do_not_count():
    later = {n: trial(n, 0.99, 0.99, 0.99) for n in range(13, 30)}
    assert not is_given_up(plan_of(30), 20, [fold(0.57)], {**EARLIER, **later})


def test_the_best_complete_trial_is_chosen_and_the_first_of_equals():
    trials = [trial(0, 0.5), trial(3, 0.8), trial(1, 0.8), trial(2, 0.9, state="Pruned"), trial(4, state="Failed")]
    assert choose(plan_of(), trials).number == 1


def test_a_loss_is_chosen_when_it_is_smallest():
    trials = [trial(n, 0.5, scores={"rmse": rmse}) for n, rmse in enumerate([3, 1, 2])]
    assert choose(plan_of(objective=Metric.RMSE), trials).number == 1


def test_an_undefined_score_is_chosen_only_when_there_is_no_other():
    assert choose(plan_of(), [trial(0), trial(1, 0.1)]).number == 1
    assert choose(plan_of(), [trial(0), trial(1)]).number == 0


def test_a_trial_that_learnt_by_heart_is_chosen_only_when_all_did():
    # given a trial that is better, and much better on its training rows
    guard = Overfit(metric=Metric.ROC_AUC, max_train_test_gap=0.1)
    by_heart, honest = (
        trial(n, score).model_copy(
            update={"folds": [fold(score).model_copy(update={"train_scores": {"roc_auc": on_training}})]}
        )
        for n, (score, on_training) in enumerate([(0.8, 0.95), (0.7, 0.75)])
    )
    assert train_gap(guard, by_heart) == pytest.approx(0.15)
    # then the guard decides
    assert choose(plan_of(), [by_heart, honest]).number == 0
    assert choose(plan_of(guard=guard), [by_heart, honest]).number == 1
    assert choose(plan_of(guard=guard), [by_heart]).number == 0


def test_the_gap_of_a_loss_is_turned_around():
    guard = Overfit(metric=Metric.RMSE, max_train_test_gap=0.1)
    one = Fold(scores={"rmse": 3}, train_scores={"rmse": 1}, seconds=1, cpu_seconds=1)
    assert train_gap(guard, trial(0).model_copy(update={"folds": [one]})) == 2


def test_when_nothing_could_be_fitted_the_first_reason_is_told():
    failed = [trial(n, state="Failed", notes=["converged badly", f"no {n}"]) for n in (1, 0)]
    with pytest.raises(SpecError, match="none of 2 trials could be fitted; the first: no 0") as caught:
        choose(plan_of(), failed)
    assert caught.value.reason == "FitFailed"
