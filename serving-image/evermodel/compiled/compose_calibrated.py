"""Calibration: scores of a model as probabilities, by a logistic curve or a curve that only rises."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.compose import inner_model
from evermodel.compiled.links import expits
from evermodel.compiled.model import (
    Arrays,
    DamagedError,
    Floats,
    Header,
    Model,
    integer,
    nested,
    registered,
    take,
)

SIGMOID, ISOTONIC = "sigmoid", "isotonic"
_ABOVE = 1.0 + 1e-5


@dataclass(frozen=True)
class Calibrated:
    """One curve for each score. The model gives scores, or probabilities; of two the second is taken."""

    model: Model
    outputs: int
    """Classes."""
    method: str
    """`SIGMOID` or `ISOTONIC`."""
    classes: NDArray[np.int32]
    """Shape (scores,): the class of each score."""
    curves: tuple[Floats, ...]
    """For each score: sigmoid, shape (2, 1): slope and intercept; isotonic, shape (2, points): scores and shares."""

    @property
    def features(self) -> int:
        """Columns that it takes."""
        return self.model.features

    def predict(self, matrix: Floats) -> Floats:
        """As `Model.predict`."""
        scores = self.model.predict(matrix).reshape(len(matrix), -1)
        if scores.shape[1] != len(self.curves):
            scores = scores[:, 1:]
        shares = np.zeros((len(matrix), self.outputs))
        for number, (place, curve) in enumerate(zip(self.classes.tolist(), self.curves, strict=True)):
            shares[:, place] = _share(self.method, curve, scores[:, number])
        if self.outputs == 2:
            shares[:, 0] = 1.0 - shares[:, 1]
        else:
            total = shares.sum(axis=1, keepdims=True)
            empty = total == 0.0
            shares = np.where(empty, 1.0 / self.outputs, shares / np.where(empty, 1.0, total))
        shares[(shares > 1.0) & (shares <= _ABOVE)] = 1.0
        return shares

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        arrays: dict[str, NDArray[Any]] = {f"curve{number}": curve for number, curve in enumerate(self.curves)}
        arrays["classes"] = self.classes
        header = {"outputs": self.outputs, "method": self.method, "model": nested("model", self.model, arrays)}
        return {"kind": "calibrated", **header}, arrays

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Calibrated":
        """The model of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        model, outputs = inner_model(header, "model", arrays), integer(header, "outputs", 2, 1 << 16)
        method = header.get("method")
        classes = take(arrays, "classes", "i4", (None,))
        if method not in {SIGMOID, ISOTONIC} or not ((classes >= 0) & (classes < outputs)).all():
            raise DamagedError("a calibration has a method or a class that this image does not know")
        points = 1 if method == SIGMOID else None
        curves = tuple(take(arrays, f"curve{number}", "f8", (2, points)) for number in range(len(classes)))
        scores = len(curves)
        if not (model.outputs == scores or (model.outputs == 2 and scores == 1)) or scores < 1:
            raise DamagedError("a calibration has another number of curves than its model has scores")
        if any(curve.shape[1] < 1 for curve in curves):
            raise DamagedError("a calibration has a curve without points")
        return cls(model, outputs, str(method), classes, curves)


def _share(method: str, curve: Floats, scores: Floats) -> Floats:
    if method == SIGMOID:
        return expits(-(curve[0, 0] * scores + curve[1, 0]))
    shares: Floats = np.interp(scores, curve[0], curve[1])
    return shares


registered("calibrated", Calibrated.from_parts)
