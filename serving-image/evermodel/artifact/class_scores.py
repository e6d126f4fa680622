"""Scores for classifiers that answer a class and nothing else, so that they can be calibrated to probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone


class AnswerScores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier whose score for a class is 1 where the estimator inside answers it and 0 elsewhere.

    Calibrated, the probability of a class is how often it was true when the estimator gave this answer.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, rows: Any, truth: NDArray[Any]) -> "AnswerScores":
        """Fit a copy of the estimator."""
        self.estimator_ = clone(self.estimator).fit(rows, truth)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, rows: Any) -> Any:
        """The estimator's own answers."""
        return self.estimator_.predict(rows)

    def decision_function(self, rows: Any) -> NDArray[np.float64]:
        """Shape (rows, classes), or (rows,) with -1 and 1 for two classes, as scikit-learn has it."""
        answered = np.asarray(self.predict(rows))[:, None] == self.classes_[None, :]
        scores: NDArray[np.float64] = answered.astype(np.float64)
        return np.asarray(scores[:, 1] * 2.0 - 1.0) if len(self.classes_) == 2 else scores
