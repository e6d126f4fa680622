"""Performance without labels, estimated from the answers alone. Pure.

Classes: confidence-based estimation (CBPE). A calibrated probability says how likely an answer is right; the expected
confusion matrix follows, and from it the metrics. Numbers: direct loss estimation (DLE). Trees that learnt at training
how large the error of such a row is say how large it is now.

Both see that rows moved to where the model is weaker. Neither sees that the world changed at the same rows (concept
drift): only labels show that. The band is 3 standard errors: of the window's rows, and of the test rows behind it.
"""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.baseline import AnswersProfile, Calibration, LossTrees
from evermodel.artifact.matrix import MISSING
from evermodel.monitoring.statistics.result import Floats
from evermodel_api.training import Metric

BAND = 3.0
"""Standard errors on either side."""
_DRAWS = 40
_SEED = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric as it is expected to be."""

    metric: str
    value: float
    """NaN when it cannot be estimated."""
    error: float
    """Standard error."""

    @property
    def low(self) -> float:
        """Lower end of the band."""
        return self.value - BAND * self.error

    @property
    def high(self) -> float:
        """Upper end of the band."""
        return self.value + BAND * self.error


def calibrated(profile: AnswersProfile, probabilities: Floats) -> Floats:
    """Probabilities as often true as they say, shape (rows, classes); each row adds up to 1."""
    if not profile.calibration:
        return probabilities
    columns = [_through(points, probabilities[:, k]) for k, points in enumerate(profile.calibration)]
    given = np.stack(columns, axis=1)
    sums = given.sum(axis=1, keepdims=True)
    return np.where(sums > 0.0, given / np.where(sums > 0.0, sums, 1.0), probabilities)


def _through(points: Calibration, given: Floats) -> Floats:
    return np.interp(given, points.given, points.true)


def estimate_classes(
    metric: Metric, profile: AnswersProfile, probabilities: Floats, predicted: NDArray[np.intp]
) -> Estimate:
    """Estimate accuracy, precision, recall, f1, roc_auc, log_loss or brier; another metric is NaN.

    Args:
        metric: which.
        profile: of the test rows.
        probabilities: as the model gave them, shape (rows, classes).
        predicted: classes that were answered, by number.
    """
    sure = calibrated(profile, probabilities)
    value = expected(metric, sure, probabilities, predicted)
    random = np.random.default_rng(_SEED)
    drawn = []
    for _ in range(_DRAWS):
        truth = _drawn(sure, random)
        drawn.append(expected(metric, truth, probabilities, predicted))
    spread = float(np.std(drawn)) if np.isfinite(drawn).all() else nan
    return Estimate(metric.value, value, sqrt(spread**2 + profile.errors.get(metric.value, 0.0) ** 2))


def _drawn(sure: Floats, random: np.random.Generator) -> Floats:
    """One truth for each row, by chance, as an indicator of shape (rows, classes)."""
    places = (random.random(len(sure))[:, None] > np.cumsum(sure, axis=1)[:, :-1]).sum(axis=1)
    truth = np.zeros_like(sure)
    truth[np.arange(len(sure)), places] = 1.0
    return truth


def expected(metric: Metric, sure: Floats, given: Floats, predicted: NDArray[np.intp]) -> float:
    """The metric when row i is of class k with the chance sure[i, k]."""
    if metric is Metric.ACCURACY:
        return float(sure[np.arange(len(sure)), predicted].mean())
    if metric is Metric.LOG_LOSS:
        return float(-(sure * np.log(np.clip(given, np.finfo(np.float64).eps, 1.0))).sum(axis=1).mean())
    if metric is Metric.BRIER:
        squares = sure * (1.0 - given) ** 2 + (1.0 - sure) * given**2
        return float(squares[:, 1].mean() if sure.shape[1] == 2 else squares.sum(axis=1).mean())
    classes = [1] if sure.shape[1] == 2 else range(sure.shape[1])
    if metric is Metric.ROC_AUC:
        return _mean([_roc_auc(sure[:, k], given[:, k]) for k in classes])
    if metric in {Metric.PRECISION, Metric.RECALL, Metric.F1}:
        return _mean([_deciding(metric, sure[:, k], predicted == k) for k in classes])
    return nan


def _mean(values: list[float]) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else nan


def _deciding(metric: Metric, chance: Floats, said: NDArray[np.bool_]) -> float:
    hits, answered, there = float(chance[said].sum()), float(said.sum()), float(chance.sum())
    if metric is Metric.PRECISION:
        return hits / answered if answered else 0.0
    if metric is Metric.RECALL:
        return hits / there if there else 0.0
    return 2.0 * hits / (answered + there) if answered + there else 0.0


def _roc_auc(chance: Floats, given: Floats) -> float:
    _, place = np.unique(given, return_inverse=True)
    positives = np.bincount(place.reshape(-1), weights=chance)
    negatives = np.bincount(place.reshape(-1), weights=1.0 - chance)
    if positives.sum() <= 0.0 or negatives.sum() <= 0.0:
        return nan
    below = np.cumsum(negatives) - negatives / 2.0
    return float((positives * below).sum() / (positives.sum() * negatives.sum()))


def estimate_numbers(metric: Metric, profile: AnswersProfile, rows: Floats) -> Estimate:
    """Estimate mae or rmse; another metric is NaN.

    Args:
        metric: which.
        profile: of the test rows.
        rows: the columns of `LossTrees` and last the answer, shape (rows, columns + 1); NaN is missing.
    """
    trees = profile.losses.get({Metric.MAE: "absolute", Metric.RMSE: "squared"}.get(metric, ""))
    if trees is None:
        return Estimate(metric.value, nan, nan)
    losses = np.maximum(expected_losses(trees, rows), 0.0)
    value, error = float(losses.mean()), float(losses.std()) / sqrt(len(losses))
    if metric is Metric.RMSE:
        value = sqrt(value)
        error = error / (2.0 * value) if value > 0.0 else 0.0
    return Estimate(metric.value, value, sqrt(error**2 + profile.errors.get(metric.value, 0.0) ** 2))


def expected_losses(trees: LossTrees, rows: Floats) -> Floats:
    """The loss that the trees expect of each row; shape (rows,)."""
    with np.errstate(over="ignore"):
        cells = np.nan_to_num(rows, nan=MISSING).astype(np.float32)  # scikit-learn's trees compare single precision
    feature, left, right = (np.array(part, dtype=np.intp) for part in (trees.feature, trees.left, trees.right))
    total, every = np.full(len(rows), trees.base), np.arange(len(rows))
    for root in trees.roots:
        nodes = np.full(len(rows), root)
        for _ in range(trees.depth):
            goes_left = cells[every, feature[nodes]] <= trees.threshold[nodes]
            nodes = np.where(goes_left, left[nodes], right[nodes])
        total += trees.value[nodes]
    return total
