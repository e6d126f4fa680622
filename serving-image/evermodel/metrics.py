"""What a model is measured by: one definition for training, gates and monitoring. Pure, and quick to import."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evermodel_api.training import Metric, Task

Floats = NDArray[np.float64]

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
    """Shape (rows, k); classification only, and only roc_auc needs them."""
    classes: int = 0
    """k; 0 for regression."""

    def take(self, rows: NDArray[np.intp]) -> "Answers":
        """These rows only, in this order; a row may come more than once."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Answers(self.truth[rows], self.predicted[rows], probabilities, self.classes)


def measure(metric: Metric, answers: Answers) -> float:
    """The metric's value; NaN where it is not defined.

    It is not without rows, with one class in the truth (roc_auc), with one value in the truth (r2), and where errors
    are so large that their squares are no numbers.

    With two classes precision, recall, f1 and roc_auc look at the second of the sorted classes; with more they are the
    mean over the classes (macro; roc_auc one class against the rest). A ratio of nothing to nothing is 0.
    """
    if len(answers.truth) == 0:
        return float("nan")
    if metric.task is Task.REGRESSION:
        with np.errstate(over="ignore", invalid="ignore"):
            value = _regression(metric, answers)
        return value if np.isfinite(value) else float("nan")
    if metric is Metric.ACCURACY:
        return float(np.mean(answers.truth == answers.predicted))
    positives = [1] if answers.classes == 2 else list(range(answers.classes))
    values = np.array([_one_class(metric, answers, positive) for positive in positives])
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _regression(metric: Metric, answers: Answers) -> float:
    errors = answers.predicted - answers.truth
    if metric is Metric.RMSE:
        return float(np.sqrt(np.mean(errors**2)))
    if metric is Metric.MAE:
        return float(np.mean(np.abs(errors)))
    spread = float(np.sum((answers.truth - answers.truth.mean()) ** 2))
    if spread == 0.0:
        return float("nan")
    return 1.0 - float(np.sum(errors**2)) / spread


def _one_class(metric: Metric, answers: Answers, positive: int) -> float:
    is_positive = answers.truth == positive
    if metric is Metric.ROC_AUC:
        if answers.probabilities is None:
            return float("nan")
        return roc_auc(is_positive, answers.probabilities[:, positive])
    said = answers.predicted == positive
    hits = float(np.sum(is_positive & said))
    precision = hits / max(float(said.sum()), 1.0)
    recall = hits / max(float(is_positive.sum()), 1.0)
    if metric is Metric.PRECISION:
        return precision
    if metric is Metric.RECALL:
        return recall
    return 0.0 if hits == 0.0 else 2 * precision * recall / (precision + recall)


def roc_auc(is_positive: NDArray[np.bool_], scores: Floats) -> float:
    """Probability that a positive row scores above a negative one, ties counting half (Mann-Whitney U / (n+ n-)).

    NaN where one side is empty.
    """
    positives = int(is_positive.sum())
    negatives = len(is_positive) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mid_ranks = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(mid_ranks[inverse][is_positive].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
