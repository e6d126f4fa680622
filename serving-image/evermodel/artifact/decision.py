"""From probabilities to the class that is answered, in one place. Imports numpy and nothing heavy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.signature import ClassLabel, Signature


def class_numbers(probabilities: NDArray[np.float64], threshold: float | None) -> NDArray[np.int64]:
    """The class of each row: the most probable one, or, where there is a threshold, the second at or above it.

    Args:
        probabilities: shape (rows, classes).
        threshold: of the signature; None for none.

    Returns:
        Shape (rows,): numbers of classes in the order of `signature.classes`.
    """
    if threshold is not None:
        reached: NDArray[np.bool_] = probabilities[:, 1] >= threshold
        return reached.astype(np.int64)
    most: NDArray[np.int64] = probabilities.argmax(axis=1)
    return most


def labels_of(signature: Signature, numbers: NDArray[Any]) -> list[ClassLabel]:
    """Class numbers as the classes that they stand for; the numbers of a regression as they are.

    Args:
        signature: of the model.
        numbers: shape (rows,).
    """
    classes = signature.classes
    if not classes:
        values: list[ClassLabel] = numbers.tolist()
        return values
    return [classes[int(number)] for number in numbers.tolist()]
