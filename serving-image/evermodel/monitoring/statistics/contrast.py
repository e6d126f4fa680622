"""Two sorted samples side by side: how far their distribution functions lie apart, and where.

The reference may be evenly spaced quantiles that stand for a larger sample. The window may have a million values and
the reference has a few thousand, so only the points of the reference are searched for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evermodel.monitoring.statistics.result import Floats


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two samples, both sorted ascending, neither empty, without NaN; infinities stand at the ends."""

    reference: Floats
    current: Floats
    below: NDArray[np.intp]
    """Values of the window that are smaller than each value of the reference."""
    upto: NDArray[np.intp]
    """Values of the window that are no larger than each value of the reference."""


def contrast(reference: Floats, current: Floats) -> Contrast:
    """Lay them side by side."""
    below = np.searchsorted(current, reference, side="left")
    return Contrast(reference, current, below, np.searchsorted(current, reference, side="right"))


def largest_gap(samples: Contrast) -> float:
    """The largest |F - G|.

    Between two values of the reference F is constant and G rises, so the largest gap is at one of them, or just below.
    """
    reference, m = samples.reference, samples.current.size
    f_below = np.searchsorted(reference, reference, side="left") / reference.size
    f_upto = np.searchsorted(reference, reference, side="right") / reference.size
    just_below = float(np.abs(f_below - samples.below / m).max())
    return max(just_below, float(np.abs(f_upto - samples.upto / m).max()))


def gaps_between(samples: Contrast) -> tuple[Floats, Floats]:
    """|F - G| between neighbouring points of both samples, and how far apart these lie; each of shape (n + m - 1,).

    An infinite value counts as the farthest finite one.
    """
    reference, current = samples.reference, samples.current
    is_reference = np.zeros(reference.size + current.size, dtype=np.bool_)
    is_reference[samples.below + np.arange(reference.size)] = True
    points = np.empty(is_reference.size)
    points[is_reference] = reference
    points[~is_reference] = current
    finite = np.isfinite(points)
    if not finite.all():
        ends = points[finite]
        points = np.clip(points, ends[0], ends[-1]) if ends.size else np.zeros_like(points)
    seen = np.cumsum(is_reference[:-1])
    heights = seen / reference.size - (np.arange(1, is_reference.size) - seen) / current.size
    with np.errstate(over="ignore"):
        widths = np.diff(points)
    return np.abs(heights, out=heights), widths
