"""What the folds of trials say: means, who is given up, who is chosen. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from evermodel.errors import SpecError
from evermodel.training.ledger import Fold, Trial
from evermodel.training.search.plan import Plan
from evermodel_api.training import Metric, Overfit

PRUNER_NEEDS = 5
"""Complete trials that must be known before another one is given up."""


def mean_scores(folds: Sequence[Fold]) -> dict[str, float]:
    """Mean of each metric over the folds at which it is defined."""
    metrics = dict.fromkeys(metric for fold in folds for metric in fold.scores)
    return {metric: _mean([f.scores[metric] for f in folds if metric in f.scores]) for metric in metrics}


def means_so_far(folds: Sequence[Fold], metric: Metric) -> list[float]:
    """The metric's mean after the first fold, the second, and so on; NaN as long as it is not defined."""
    return [mean_scores(folds[: number + 1]).get(metric, math.nan) for number in range(len(folds))]


def merit(metric: Metric, score: float | None) -> float:
    """Larger is better, whatever the metric; the least of all where the score is not defined."""
    if score is None or math.isnan(score):
        return -math.inf
    return score if metric.larger_is_better else -score


def chosen_merit(plan: Plan, trial: Trial) -> float:
    """How good a trial is, as the search sees it: one that was not completed is worse than all that were."""
    return merit(plan.objective, trial.scores.get(plan.objective) if trial.state == "Complete" else None)


def may_be_given_up(plan: Plan, number: int, known: Mapping[int, Trial]) -> bool:
    """Whether the median of earlier trials may end this one before its last fold.

    An algorithm as it is written never is: its scores are what a user compares with.
    """
    if plan.tuning.pruner != "Median" or number < len(plan.algorithms):
        return False
    return len(_complete(plan, number, known)) >= PRUNER_NEEDS


def is_given_up(plan: Plan, number: int, folds: Sequence[Fold], known: Mapping[int, Trial]) -> bool:
    """Whether the trial is worse so far than half of the trials 0..number-lag were after as many folds."""
    if not 0 < len(folds) < plan.folds or not may_be_given_up(plan, number, known):
        return False
    metric = plan.objective
    others = [merit(metric, means_so_far(t.folds, metric)[len(folds) - 1]) for t in _complete(plan, number, known)]
    return merit(metric, means_so_far(folds, metric)[-1]) < median(others)


def _complete(plan: Plan, number: int, known: Mapping[int, Trial]) -> list[Trial]:
    earlier = (known[i] for i in range(number - plan.lag + 1))
    return [trial for trial in earlier if trial.state == "Complete" and len(trial.folds) == plan.folds]


def train_gap(guard: Overfit, trial: Trial) -> float:
    """How much better the trial is on training rows than on validation rows, mean over the folds; 0 if unknown."""
    metric = guard.metric
    both = [fold for fold in trial.folds if metric in fold.train_scores and metric in fold.scores]
    return _mean([merit(metric, fold.train_scores[metric]) - merit(metric, fold.scores[metric]) for fold in both])


def choose(plan: Plan, trials: Iterable[Trial]) -> Trial:
    """The best of the complete trials by the mean of the objective; of equals the one with the lowest number.

    One whose training rows are better than its validation rows by more than the guard allows is chosen only when
    there is no other.

    Raises:
        SpecError: `FitFailed` with the first trial's message, when no trial could be completed.
    """
    listed = sorted(trials, key=lambda trial: trial.number)
    complete = [trial for trial in listed if trial.state == "Complete"]
    if not complete:
        raise SpecError(
            "FitFailed",
            f"none of {len(listed)} trials could be fitted; the first: {''.join(listed[0].notes[-1:])}",
        )
    guard = plan.guard
    honest = [t for t in complete if guard is None or train_gap(guard, t) <= guard.max_train_test_gap]
    return max(honest or complete, key=lambda trial: (chosen_merit(plan, trial), -trial.number))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
