"""Golden rows: rows with the answers that the model gave when it was made. A server that differs must not serve."""

from evermodel.artifact.signature import ClassLabel
from evermodel_api.base import Schema

Cell = bool | int | float | str | None
"""One value of a row; None is a missing value."""


class Golden(Schema):
    """Up to 20 test rows with their answers."""

    rows: list[list[Cell]]
    """Rows, in the signature's column order."""
    predictions: list[ClassLabel]
    """The answer to each row: a class or a number."""
    probabilities: list[list[float]] = []
    """Classification: the probability of each class, for each row."""
    tolerance: float = 1e-9
    """Largest difference of a number that counts as equal (absolute, and relative for numbers above 1)."""
