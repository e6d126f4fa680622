"""Which values of a request lie outside what training saw."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.baseline import Baseline, CategoryProfile, NumberProfile
from evermodel.artifact.signature import Signature
from evermodel.serving.batch import Batch


class Seen:
    """What the training rows held, column by column. Dates are only told missing: every new one is outside."""

    def __init__(self, signature: Signature, baseline: Baseline) -> None:
        self._columns = [(column, baseline.columns.get(column.name)) for column in signature.columns]

    def out_of_range(self, batch: Batch) -> NDArray[np.bool_]:
        """Whether each value is unlike those of the training rows.

        It is a number below their smallest or above their largest, a category that none of them has, or missing where
        none of theirs is.

        Returns:
            Shape (rows, columns).
        """
        out = np.zeros(batch.values.shape, dtype=bool)
        for place, (column, profile) in enumerate(self._columns):
            if isinstance(profile, NumberProfile):
                out[:, place] = _numbers(batch.values[:, place], profile)
            elif isinstance(profile, CategoryProfile):
                out[:, place] = [_category(text, profile) for text in batch.texts[place]]
            elif not column.missing:
                out[:, place] = [text is None for text in batch.texts[place]]
        return out


def _numbers(values: NDArray[np.float64], profile: NumberProfile) -> NDArray[Any]:
    missing = np.isnan(values)
    outside = (values < profile.min) | (values > profile.max) if profile.n else ~missing
    return np.where(missing, profile.missing == 0, outside)


def _category(text: str | None, profile: CategoryProfile) -> bool:
    return profile.missing == 0 if text is None else text not in profile.counts
