"""Rows of mixed columns as one matrix of numbers, the same at training and in monitoring. Imports numpy and no pandas.

A category becomes the place of its level among the sorted levels of its profile; one that is not there comes after
them. NaN is a missing value.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.baseline import Baseline, CategoryProfile, NumberProfile

Floats = NDArray[np.float64]

MISSING = -3e38
"""Stands for a missing value in `LossTrees`: it goes left everywhere, and single precision holds it."""


def level_places(profile: CategoryProfile, levels: Sequence[str | None]) -> Floats:
    """The number that stands for each of these levels."""
    known = {level: float(place) for place, level in enumerate(sorted(profile.counts))}
    return np.array([np.nan if v is None else known.get(v, float(len(known))) for v in levels], dtype=np.float64)


def category_columns(columns: Mapping[str, NumberProfile | CategoryProfile], names: Sequence[str]) -> list[int]:
    """Places of the columns of categories among these names."""
    return [i for i, name in enumerate(names) if isinstance(columns[name], CategoryProfile)]


def sample_of(baseline: Baseline) -> Floats | None:
    """The training rows that were kept, shape (rows, columns)."""
    if baseline.sample is None or not baseline.sample.columns:
        return None
    return baseline.sample.cells.reshape(-1, len(baseline.sample.columns))
