"""Answers of a model to the rows of one request, before they are put into one of the protocols."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.signature import ClassLabel
from evermodel.serving.check import Columns
from evermodel.serving.protocol.reasons import Reason


@dataclass(frozen=True, slots=True)
class Question:
    """Rows that were read and checked."""

    columns: Columns | NDArray[np.float64]
    """Clean values, one list for each column of the signature; or all of them, shape (rows, columns), where they are
    numbers and NaN stands for missing."""
    outputs: tuple[str, ...] | None = None
    """Names of the outputs that were asked for; None for all but reasons."""
    binary: frozenset[str] = frozenset()
    """Names of the outputs that are wanted as bytes."""
    coverages: Mapping[str, float] = field(default_factory=dict)
    """Coverage of each reason that takes one."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns) if isinstance(self.columns, np.ndarray) else len(self.columns[0])


@dataclass(frozen=True, slots=True)
class Answers:
    """What the model answered, and who it was."""

    labels: list[ClassLabel]
    """Classes as they are in the data, or numbers; one for each row."""
    probabilities: NDArray[np.float64] | None
    """Shape (rows, classes), for classifiers."""
    id: str
    """The request id."""
    model: str
    """Name of the model."""
    version: str
    """Name of the version."""
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    """Those that were asked for, by name."""
