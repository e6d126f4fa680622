"""The probability from which on the second of two classes is answered. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evermodel.errors import DataError
from evermodel.metrics import Floats
from evermodel_api.training import Metric, Threshold


@dataclass(frozen=True)
class Decisions:
    """What each threshold leads to; one element for each candidate, thresholds ascending."""

    thresholds: Floats
    precision: Floats
    recall: Floats
    f1: Floats
    accuracy: Floats


def decisions(is_positive: NDArray[np.bool_], probabilities: Floats) -> Decisions:
    """Precision, recall, f1 and accuracy at each probability that occurs. The class is answered at or above it."""
    order = np.argsort(-probabilities, kind="stable")
    ranked, positive = probabilities[order], is_positive[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # equal probabilities are answered alike
    hits = np.cumsum(positive)[ends].astype(np.float64)
    answered = ends + 1.0
    there = float(is_positive.sum())
    precision = hits / answered
    recall = hits / there if there else np.zeros_like(hits)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    accuracy = (hits + (len(ranked) - there) - (answered - hits)) / len(ranked)
    taken = slice(None, None, -1)
    return Decisions(ranked[ends][taken], precision[taken], recall[taken], f1[taken], accuracy[taken])


def best_threshold(is_positive: NDArray[np.bool_], probabilities: Floats, wanted: Threshold) -> float:
    """The threshold that makes the wanted metric as good as it can be, midway to the next probability below it.

    Args:
        is_positive: which rows are of the second class, shape (rows,).
        probabilities: of the second class, for rows that the model was not fitted on, shape (rows,).
        wanted: the metric, and the least precision and recall. Of equals the threshold nearest to 0.5 is taken.

    Raises:
        DataError: `ThresholdImpossible` when no threshold has the least precision and recall.
    """
    found = decisions(is_positive, probabilities)
    allowed = np.ones(len(found.thresholds), dtype=bool)
    if wanted.min_precision is not None:
        allowed &= found.precision >= wanted.min_precision
    if wanted.min_recall is not None:
        allowed &= found.recall >= wanted.min_recall
    if not allowed.any():
        raise DataError(
            "ThresholdImpossible",
            f"validation.threshold: no threshold reaches minPrecision {wanted.min_precision} and minRecall "
            f"{wanted.min_recall} on rows that the model was not fitted on; ask for less, or give better features",
        )
    merits = np.where(allowed, _values(found, wanted.metric), -np.inf)
    best = np.flatnonzero(merits == merits.max())
    edges = _midways(found.thresholds)
    return float(min(edges[best].tolist(), key=lambda edge: (abs(edge - 0.5), edge)))


def _values(found: Decisions, metric: Metric) -> Floats:
    values: dict[Metric, Floats] = {
        Metric.PRECISION: found.precision,
        Metric.RECALL: found.recall,
        Metric.F1: found.f1,
        Metric.ACCURACY: found.accuracy,
    }
    return values[metric]


def _midways(thresholds: Floats) -> Floats:
    """Between a probability and the next one below it every threshold decides alike; the middle is the safest."""
    below = np.append(0.0, thresholds[:-1])
    return np.asarray((thresholds + below) / 2)
