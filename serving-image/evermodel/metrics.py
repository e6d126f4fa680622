"""What a model is measured by: one definition for training, gates and monitoring. Pure, and quick to import."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evermodel_api.training import Metric, Task

Floats = NDArray[np.float64]
Scorer = Callable[[Floats | None], float]
"""Takes how often each row counts, shape (rows,), or None for once each; gives the metric, NaN where not defined."""
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)
"""Smaller probabilities count as this in log_loss, as in scikit-learn."""

DEFAULT_METRICS: dict[Task, tuple[Metric, ...]] = {
    Task.CLASSIFICATION: (Metric.ROC_AUC, Metric.F1, Metric.PRECISION, Metric.RECALL, Metric.ACCURACY),
    Task.REGRESSION: (Metric.RMSE, Metric.MAE, Metric.R2),
}
"""What is measured when the spec names nothing; the first one chooses."""


@dataclass(frozen=True)
class Answers:
    """Answers beside the truth, row by row. Classes are their numbers 0..k-1; -1 is a class the model does not know."""

    truth: Floats
    """Shape (rows,)."""
    predicted: Floats
    """Shape (rows,)."""
    probabilities: Floats | None = None
    """Shape (rows, k); classification only. roc_auc, pr_auc, log_loss and brier need them."""
    classes: int = 0
    """k; 0 for regression."""

    def take(self, rows: NDArray[np.intp]) -> "Answers":
        """These rows only, in this order; a row may come more than once."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Answers(self.truth[rows], self.predicted[rows], probabilities, self.classes)


def measure(metric: Metric, answers: Answers) -> float:
    """The metric's value; NaN where it is not defined.

    It is not without rows, with one class in the truth (roc_auc, pr_auc), without probabilities where it needs them,
    with one value in the truth (r2), and where errors are so large that their squares are no numbers.

    With two classes precision, recall, f1, roc_auc and pr_auc look at the second of the sorted classes; with more they
    are the mean over the classes (macro; roc_auc and pr_auc one class against the rest). A ratio of nothing to nothing
    is 0.
    """
    return scorer(metric, answers)(None)


def scorer(metric: Metric, answers: Answers) -> Scorer:
    """The metric as a function of how often each row counts: what does not depend on that is computed once.

    A bootstrap asks for the same metric a thousand times, and sorting scores is most of the work.
    """
    if len(answers.truth) == 0 or (metric.needs_probabilities and answers.probabilities is None):
        return lambda _: float("nan")
    if metric.task is Task.REGRESSION:
        return _of_numbers(metric, answers)
    if metric is Metric.ACCURACY:
        return _mean_of((answers.truth == answers.predicted).astype(np.float64))
    if metric in {Metric.LOG_LOSS, Metric.BRIER}:
        return _mean_of(_losses(metric, answers))
    positives = [1] if answers.classes == 2 else list(range(answers.classes))
    one_class = _ranking if metric.needs_probabilities else _deciding
    scorers = [one_class(metric, answers, positive) for positive in positives]

    def mean_over_classes(weights: Floats | None) -> float:
        values = np.array([score(weights) for score in scorers])
        defined = values[~np.isnan(values)]
        return float(defined.mean()) if len(defined) else float("nan")

    return mean_over_classes


def _mean_of(values: Floats) -> Scorer:
    def score(weights: Floats | None) -> float:
        return float(np.mean(values)) if weights is None else float(values @ weights / weights.sum())

    return score


def _losses(metric: Metric, answers: Answers) -> Floats:
    """Loss of each row. Brier: (p - y)^2 of the second of two classes, else the sum over the classes."""
    probabilities = answers.probabilities
    assert probabilities is not None  # noqa: S101  checked by the caller; tells the type checker
    truth = answers.truth.astype(np.intp)
    known = (truth >= 0) & (truth < probabilities.shape[1])
    if metric is Metric.LOG_LOSS:
        of_truth = np.where(known, probabilities[np.arange(len(truth)), np.where(known, truth, 0)], 0.0)
        return np.asarray(-np.log(np.clip(of_truth, _LEAST_PROBABILITY, 1.0)))
    if answers.classes == 2:
        return np.asarray((probabilities[:, 1] - (truth == 1)) ** 2)
    is_class = truth[:, None] == np.arange(probabilities.shape[1])
    return np.asarray(((probabilities - is_class) ** 2).sum(axis=1))


def _of_numbers(metric: Metric, answers: Answers) -> Scorer:
    errors = answers.predicted - answers.truth
    with np.errstate(over="ignore", invalid="ignore"):
        if metric is Metric.MAPE:
            losses = np.abs(errors) / np.maximum(np.abs(answers.truth), np.finfo(np.float64).eps)
        else:
            losses = np.abs(errors) if metric is Metric.MAE else errors**2

    def score(weights: Floats | None) -> float:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value = float(np.average(losses, weights=weights))
            if metric is Metric.RMSE:
                value = float(np.sqrt(value))
            if metric is Metric.R2:
                mean = np.average(answers.truth, weights=weights)
                spread = float(np.average((answers.truth - mean) ** 2, weights=weights))
                value = 1.0 - value / spread if spread > 0.0 else float("nan")
        return value if np.isfinite(value) else float("nan")

    return score


def _deciding(metric: Metric, answers: Answers, positive: int) -> Scorer:
    """precision, recall or f1 of one class."""
    is_positive = (answers.truth == positive).astype(np.float64)
    said = (answers.predicted == positive).astype(np.float64)
    both = is_positive * said

    def score(weights: Floats | None) -> float:
        hits, answered, there = (
            float(counted.sum() if weights is None else counted @ weights) for counted in (both, said, is_positive)
        )
        precision = hits / answered if answered else 0.0
        recall = hits / there if there else 0.0
        if metric is Metric.PRECISION:
            return precision
        if metric is Metric.RECALL:
            return recall
        return 0.0 if hits == 0.0 else 2 * precision * recall / (precision + recall)

    return score


def _ranking(metric: Metric, answers: Answers, positive: int) -> Scorer:
    """roc_auc or pr_auc of one class."""
    assert answers.probabilities is not None  # noqa: S101  checked by the caller; tells the type checker
    is_positive = answers.truth == positive
    _, place = np.unique(answers.probabilities[:, positive], return_inverse=True)
    return ranking_scorer(metric, is_positive, place.reshape(-1))


def ranking_scorer(metric: Metric, is_positive: NDArray[np.bool_], place: NDArray[np.intp]) -> Scorer:
    """roc_auc or pr_auc, NaN where one side is empty.

    Args:
        metric: which one. roc_auc is the probability that a positive row scores above a negative one, ties counting
            half (Mann-Whitney U / (n+ n-)); pr_auc is the average precision, sum over k of (R_k - R_(k-1)) P_k.
        is_positive: shape (rows,).
        place: rank of each row's score among the distinct scores, ascending from 0; shape (rows,).
    """
    places = int(place.max()) + 1

    def score(weights: Floats | None) -> float:
        each = np.ones(len(place)) if weights is None else weights
        positives = np.bincount(place, weights=each * is_positive, minlength=places)
        negatives = np.bincount(place, weights=each * ~is_positive, minlength=places)
        all_positive, all_negative = positives.sum(), negatives.sum()
        if all_positive == 0 or all_negative == 0:
            return float("nan")
        if metric is Metric.ROC_AUC:
            below = np.cumsum(negatives) - negatives / 2
            return float(positives @ below / (all_positive * all_negative))
        hits, answered = np.cumsum(positives[::-1]), np.cumsum((positives + negatives)[::-1])
        precision = np.divide(hits, answered, out=np.zeros_like(hits), where=answered > 0)
        return float(positives[::-1] @ precision / all_positive)

    return score


def roc_auc(is_positive: NDArray[np.bool_], scores: Floats) -> float:
    """Area under the ROC curve, as `ranking_scorer` has it; NaN where one side is empty."""
    if len(scores) == 0:
        return float("nan")
    _, place = np.unique(scores, return_inverse=True)
    return ranking_scorer(Metric.ROC_AUC, is_positive, place.reshape(-1))(None)
