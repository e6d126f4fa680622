"""Rows of one request after they were read and checked: one matrix, so that no later step touches single cells."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.cells import UNSEEN

__all__ = ["UNSEEN", "Batch"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as engines, the prediction log and the reasons take them."""

    values: NDArray[np.float64]
    """Shape (rows, columns), in the signature's order, C-contiguous. A number is itself, a category the place of its
    text among the levels of its column in the signature, or `UNSEEN`; NaN is missing. A column of dates is all NaN: its
    text says more."""
    texts: dict[int, list[str | None]] = field(default_factory=dict)
    """For each column of categories or dates, by its place: the text of each row, None where it is missing."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.values)
