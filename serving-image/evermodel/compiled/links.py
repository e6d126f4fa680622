"""From scores to answers, as scikit-learn computes them."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LINKS: dict[str, Callable[[int], int]] = {
    "identity": lambda _: 1,
    "scores": lambda scores: scores,
    "logistic": lambda _: 2,
    "ovr": lambda scores: scores,
    "softmax": lambda scores: scores,
    "modified-huber": lambda scores: max(scores, 2),
    "exp": lambda _: 1,
}
"""How many numbers a link makes of how many scores. `scores` leaves them as they are, as a table."""
_LOWEST = -709.0
"""exp of what is beyond is too large for a double, and the probability is 0 up to 1e-308."""


def expit(score: float) -> float:
    """The logistic function of one number."""
    return 1.0 / (1.0 + math.exp(-score)) if score > _LOWEST else math.exp(score)


def expits(scores: Floats) -> Floats:
    """The logistic function."""
    shares: Floats = 1.0 / (1.0 + np.exp(-np.maximum(scores, _LOWEST)))
    return shares


def softmax(scores: Floats) -> Floats:
    """Shares of shape (rows, classes) that add up to 1."""
    shares: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def shared(shares: Floats) -> Floats:
    """Shares of one class against the rest, made to add up to 1; all alike where all are 0."""
    total = shares.sum(axis=1, keepdims=True)
    empty = total == 0.0
    return np.where(empty, 1.0 / shares.shape[1], shares / np.where(empty, 1.0, total))


def linked(link: str, scores: Floats) -> Floats:
    """Answers from scores of shape (rows, scores)."""
    if link == "identity":
        return scores[:, 0]
    if link == "scores":
        return scores
    if link == "exp":
        with np.errstate(over="ignore"):
            return np.exp(scores[:, 0])
    if link == "softmax":
        return softmax(scores)
    if link == "ovr":
        return shared(expits(scores))
    shares = expits(scores) if link == "logistic" else (np.clip(scores, -1.0, 1.0) + 1.0) / 2.0
    if scores.shape[1] > 1:
        return shared(shares)
    return np.hstack([1.0 - shares, shares])
