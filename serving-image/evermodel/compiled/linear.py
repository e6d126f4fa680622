"""Models that add up weighted features: linear regressions, logistic regressions, and classifiers that score so."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.features_apply import require_finite
from evermodel.compiled.links import LINKS, expit, linked
from evermodel.compiled.model import (
    Arrays,
    Contributions,
    DamagedError,
    Floats,
    Header,
    integer,
    registered,
    take,
)


@dataclass(frozen=True)
class Linear:
    """scores = matrix @ weights.T + intercept; the answer is what the link makes of them."""

    weights: Floats
    """Shape (scores, features)."""
    intercept: Floats
    """Shape (scores,)."""
    link: str
    """One of `LINKS`."""
    center: Floats
    """Shape (features,): the row that contributions are measured from: the mean of training rows."""
    threshold: float | None = None
    """Features are first turned to whether they are above it."""

    @property
    def features(self) -> int:
        """Columns that it takes."""
        return int(self.weights.shape[1])

    @property
    def outputs(self) -> int:
        """Classes; 1 for a number."""
        return LINKS[self.link](len(self.weights))

    @cached_property
    def _one(self) -> tuple[Floats, float] | None:
        """Weights and intercept where there is one score."""
        return (self.weights[0].copy(), float(self.intercept[0])) if len(self.weights) == 1 else None

    def scores(self, matrix: Floats) -> Floats:
        """Shape (rows, scores).

        Raises:
            ValueError: a number is missing or infinite.
        """
        taken = matrix
        if self.threshold is not None:
            require_finite(matrix)
            taken = (matrix > self.threshold).astype(np.float64)
        scores: Floats = taken @ self.weights.T
        scores += self.intercept
        if not np.isfinite(scores).all():
            require_finite(matrix)
        return scores

    def predict(self, matrix: Floats) -> Floats:
        """As `Model.predict`."""
        if len(matrix) == 1 and self.link == "logistic" and self._one is not None and self.threshold is None:
            weights, intercept = self._one
            score = float(weights @ matrix[0]) + intercept
            if not math.isfinite(score):
                require_finite(matrix)
            share = expit(score)
            return np.array([[1.0 - share, share]])
        return linked(self.link, self.scores(matrix))

    @property
    def contributions(self) -> Callable[[Floats], Contributions] | None:
        """What each feature adds; None for a model that first asks whether a feature is large: it adds up nothing."""
        return None if self.threshold is not None else self._contributions

    @property
    def scale(self) -> str:
        """Scale of the contributions."""
        return _SCALES[self.link]

    @property
    def is_answer(self) -> bool:
        """Whether the scores are the answers."""
        return self.link in {"identity", "scores"}

    @property
    def work(self) -> int:
        """Multiplications for the contributions to one row."""
        return int(self.weights.size)

    def _contributions(self, matrix: Floats) -> Contributions:
        values = (matrix - self.center)[:, :, None] * self.weights.T[None, :, :]
        return Contributions(values, self.weights @ self.center + self.intercept, self.scale)

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        header: Header = {"kind": "linear", "link": self.link, "threshold": self.threshold}
        return header, {"weights": self.weights, "intercept": self.intercept, "center": self.center}

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Linear":
        """The model of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        link, threshold = header.get("link"), header.get("threshold")
        weights = take(arrays, "weights", "f8", (None, None))
        count, width = weights.shape
        if not isinstance(link, str) or link not in LINKS or not (threshold is None or isinstance(threshold, float)):
            raise DamagedError("a linear model has a link that this image does not know")
        if count < 1 or (link in {"logistic", "identity", "exp"} and count != 1) or (link == "softmax" and count < 2):
            raise DamagedError("a linear model has another number of scores than its link takes")
        intercept = take(arrays, "intercept", "f8", (count,))
        return cls(weights, intercept, link, take(arrays, "center", "f8", (width,)), threshold)


_SCALES = {
    "identity": "value",
    "scores": "score",
    "logistic": "log-odds",
    "ovr": "log-odds",
    "softmax": "log-odds",
    "modified-huber": "score",
    "exp": "log of a value",
}


@dataclass(frozen=True)
class Constant:
    """The same answer to every row: dummies, and a class that was the only one."""

    features: int
    answer: Floats
    """Shape (outputs,)."""

    @property
    def outputs(self) -> int:
        """Classes; 1 for a number."""
        return len(self.answer)

    def predict(self, matrix: Floats) -> Floats:
        """As `Model.predict`."""
        if len(self.answer) == 1:
            return np.full(len(matrix), self.answer[0])
        return np.tile(self.answer, (len(matrix), 1))

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        return {"kind": "constant", "features": self.features}, {"answer": self.answer}

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Constant":
        """The model of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        answer = take(arrays, "answer", "f8", (None,))
        if len(answer) < 1:
            raise DamagedError("a constant model has no answer")
        return cls(integer(header, "features", 0, 1 << 31), answer)


registered("linear", Linear.from_parts)
registered("constant", Constant.from_parts)
