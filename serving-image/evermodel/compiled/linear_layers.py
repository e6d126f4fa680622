"""Networks of layers: multilayer perceptrons."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.features_apply import require_finite
from evermodel.compiled.links import expits, softmax
from evermodel.compiled.model import Arrays, DamagedError, Floats, Header, integer, registered, take

ACTIVATIONS = ("identity", "relu", "tanh", "logistic", "softmax", "exp")


@dataclass(frozen=True)
class Layers:
    """Each layer's numbers times weights plus intercepts, then an activation."""

    weights: tuple[Floats, ...]
    """Of each layer, shape (before, after)."""
    intercepts: tuple[Floats, ...]
    hidden: str
    """Activation between layers."""
    last: str
    """Activation of the last layer: identity or exp for a number, logistic for two classes, softmax for more."""

    @property
    def features(self) -> int:
        """Columns that it takes."""
        return len(self.weights[0])

    @property
    def outputs(self) -> int:
        """Classes; 1 for a number."""
        return 2 if self.last == "logistic" else self.weights[-1].shape[1]

    def predict(self, matrix: Floats) -> Floats:
        """As `Model.predict`."""
        require_finite(matrix)
        values = matrix
        with np.errstate(over="ignore", invalid="ignore"):
            for number, (weights, intercepts) in enumerate(zip(self.weights, self.intercepts, strict=True)):
                values = values @ weights
                values += intercepts
                values = _activated(self.hidden if number < len(self.weights) - 1 else self.last, values)
        if self.last == "logistic":
            return np.hstack([1.0 - values, values])
        return values[:, 0] if values.shape[1] == 1 else values

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        arrays = {f"weights{number}": weights for number, weights in enumerate(self.weights)}
        arrays |= {f"intercepts{number}": values for number, values in enumerate(self.intercepts)}
        return {"kind": "layers", "layers": len(self.weights), "hidden": self.hidden, "last": self.last}, arrays

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Layers":
        """The model of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        count = integer(header, "layers", 1, 1000)
        hidden, last = header.get("hidden"), header.get("last")
        if hidden not in ACTIVATIONS or last not in ACTIVATIONS:
            raise DamagedError("a network has an activation that this image does not know")
        weights = [take(arrays, "weights0", "f8", (None, None))]
        for number in range(1, count):
            weights.append(take(arrays, f"weights{number}", "f8", (weights[-1].shape[1], None)))
        intercepts = [take(arrays, f"intercepts{n}", "f8", (w.shape[1],)) for n, w in enumerate(weights)]
        if (weights[-1].shape[1] == 1) == (last == "softmax"):
            raise DamagedError("a network ends with another number of values than its activation takes")
        return cls(tuple(weights), tuple(intercepts), hidden, last)


def _activated(name: str, values: Floats) -> Floats:
    if name == "relu":
        return np.maximum(values, 0.0)
    if name == "tanh":
        return np.tanh(values)
    if name == "logistic":
        return expits(values)
    if name == "softmax":
        return softmax(values)
    return np.exp(values) if name == "exp" else values


registered("layers", Layers.from_parts)
