"""Naive Bayes with normal features, and quadratic discriminants: scores that are sums of squares for each class."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.features_apply import require_finite
from evermodel.compiled.links import softmax
from evermodel.compiled.model import Arrays, DamagedError, Floats, Header, registered, take


@dataclass(frozen=True)
class Gaussian:
    """Naive Bayes: each feature is normal in each class."""

    means: Floats
    """Shape (classes, features)."""
    variances: Floats
    """Shape (classes, features)."""
    constants: Floats
    """Shape (classes,): what follows from the class alone."""

    @property
    def features(self) -> int:
        """Columns that it takes."""
        return int(self.means.shape[1])

    @property
    def outputs(self) -> int:
        """Classes."""
        return len(self.means)

    def predict(self, matrix: Floats) -> Floats:
        """As `Model.predict`."""
        require_finite(matrix)
        with np.errstate(all="ignore"):
            pairs = zip(self.means, self.variances, strict=True)
            squares = [((matrix - mean) ** 2 / variance).sum(axis=1) for mean, variance in pairs]
            return softmax(self.constants - 0.5 * np.stack(squares, axis=1))

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        arrays = {"means": self.means, "variances": self.variances, "constants": self.constants}
        return {"kind": "gaussian"}, arrays

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Gaussian":
        """The model of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        del header
        means = take(arrays, "means", "f8", (None, None))
        _check_classes(len(means))
        return cls(
            means, take(arrays, "variances", "f8", means.shape), take(arrays, "constants", "f8", means.shape[:1])
        )


@dataclass(frozen=True)
class Quadratic:
    """Quadratic discriminants: the features are normal together in each class."""

    means: Floats
    """Shape (classes, features)."""
    turns: tuple[Floats, ...]
    """For each class shape (features, any): turned and scaled so that the squares add up to a distance."""
    constants: Floats
    """Shape (classes,)."""

    @property
    def features(self) -> int:
        """Columns that it takes."""
        return int(self.means.shape[1])

    @property
    def outputs(self) -> int:
        """Classes."""
        return len(self.means)

    def predict(self, matrix: Floats) -> Floats:
        """As `Model.predict`."""
        require_finite(matrix)
        with np.errstate(all="ignore"):
            pairs = zip(self.means, self.turns, strict=True)
            squares = [(((matrix - mean) @ turn) ** 2).sum(axis=1) for mean, turn in pairs]
            return softmax(self.constants - 0.5 * np.stack(squares, axis=1))

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        arrays = {f"turn{number}": turn for number, turn in enumerate(self.turns)}
        return {"kind": "quadratic"}, {"means": self.means, "constants": self.constants, **arrays}

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Quadratic":
        """The model of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        del header
        means = take(arrays, "means", "f8", (None, None))
        _check_classes(len(means))
        turns = tuple(take(arrays, f"turn{number}", "f8", (means.shape[1], None)) for number in range(len(means)))
        return cls(means, turns, take(arrays, "constants", "f8", means.shape[:1]))


def _check_classes(count: int) -> None:
    if count < 2:
        raise DamagedError("a model of classes has less than two")


registered("gaussian", Gaussian.from_parts)
registered("quadratic", Quadratic.from_parts)
