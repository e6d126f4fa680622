"""A compiled model as a whole: rows become features, features become answers. Imports numpy and nothing heavy."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from evermodel.compiled.features import Features
from evermodel.compiled.model import Arrays, DamagedError, Floats, Header, Model, below, from_parts, under
from evermodel.compiled.rows import Texts


@dataclass(frozen=True)
class Program:
    """A fitted pipeline, compiled. Safe to ask from several threads at once."""

    features: Features
    model: Model

    @property
    def columns(self) -> int:
        """Number of columns of the signature."""
        return self.features.columns

    def predict(self, values: Floats, texts: Texts) -> Floats:
        """Answers to rows.

        Args:
            values: shape (rows, columns), at least one row, as `Batch.values`.
            texts: as `Batch.texts`.

        Returns:
            Shape (rows,) for a regression, (rows, classes) probabilities for a classifier.

        Raises:
            ValueError: the model refuses such rows, as scikit-learn does: a value is missing, or is too large.
        """
        return self.model.predict(self.features.matrix(values, texts))

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        features, own = self.features.describe()
        model, more = self.model.describe()
        return {"features": features, "model": model}, {**under("features", own), **under("model", more)}

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Program":
        """The program of a header and its arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        told, model = header.get("features"), header.get("model")
        if not isinstance(told, dict) or not isinstance(model, dict):
            raise DamagedError("it has no features or no model")
        made = cls(Features.from_parts(told, below("features", arrays)), from_parts(model, below("model", arrays)))
        if made.features.width != made.model.features:
            raise DamagedError(f"its features are {made.features.width} and its model takes {made.model.features}")
        return made
