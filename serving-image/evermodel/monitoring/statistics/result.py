"""What a comparison of two samples gives."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALPHA = 0.01
"""Level of a limit where none is given."""


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison. Everything is NaN where one side is empty: nothing was compared."""

    value: float
    """The statistic: 0 for equal samples, larger the farther they lie apart."""
    p: float
    """Chance of such a value, or a larger one, when both samples come from one distribution."""
    limit: float
    """The value that is exceeded with the chance alpha when nothing changed; it shrinks as the samples grow."""
    n_ref: int
    """Values of the reference."""
    n_cur: int
    """Values of the window."""


def nothing(n_ref: int, n_cur: int) -> Result:
    """The comparison with an empty side."""
    return Result(nan, nan, nan, n_ref, n_cur)
