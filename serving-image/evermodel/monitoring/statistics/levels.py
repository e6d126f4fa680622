"""Counts of two columns of categories, level by level."""

from collections.abc import Mapping

import numpy as np

from evermodel.monitoring.statistics.result import Floats

RARE = 5.0
"""Levels with a smaller expected count are pooled: the chi-squared law does not hold below it (Cochran's rule)."""


def table(reference: Mapping[str, int], current: Mapping[str, int]) -> tuple[Floats, Floats]:
    """Counts of both sides in the levels' order; a level unseen on one side has 0 there."""
    levels = sorted(reference.keys() | current.keys())
    ref = np.array([reference.get(level, 0) for level in levels], dtype=np.float64)
    return ref, np.array([current.get(level, 0) for level in levels], dtype=np.float64)


def pooled(ref: Floats, cur: Floats) -> tuple[Floats, Floats]:
    """Counts with the rare ones in one at the end: a million levels, or one new row, are no drift by themselves."""
    total = ref.sum() + cur.sum()
    if total == 0:
        return ref, cur
    rare = (ref + cur) * min(ref.sum(), cur.sum()) / total < RARE
    if rare.sum() < 2:
        return ref, cur
    return np.append(ref[~rare], ref[rare].sum()), np.append(cur[~rare], cur[rare].sum())
