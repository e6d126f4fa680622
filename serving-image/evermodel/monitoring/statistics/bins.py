"""Where a column of numbers is divided, and how many values fall into each part. Ends are open: nothing falls outside.

Edges come from the reference alone, so that they can be kept with it.
"""

from math import log2, sqrt

import numpy as np

from evermodel.monitoring.statistics.result import Floats

_MOST = 100
"""Bins at most: more would leave too few rows in each."""


def decile_edges(reference: Floats) -> Floats:
    """The inner edges of ten bins with equally many values of a sorted reference; equal ones are one.

    Linear between neighbours (Hyndman and Fan's type 7). A value on an edge belongs to the bin below it.
    """
    places = np.linspace(0.1, 0.9, 9) * (reference.size - 1)
    below = np.floor(places).astype(np.intp)
    above = np.minimum(below + 1, reference.size - 1)
    part = places - below
    with np.errstate(invalid="ignore"):
        edges = reference[below] * (1.0 - part) + reference[above] * part
    return np.unique(edges[np.isfinite(edges)])


def width_edges(reference: Floats) -> Floats:
    """The edges of equally wide bins over the range of a sorted reference, as many as Doane's rule says.

    1 + log2 n + log2(1 + |skewness| / sd of the skewness) (Doane 1976), as `numpy.histogram_bin_edges(bins="doane")`.
    """
    finite = reference[np.isfinite(reference)]
    if finite.size == 0 or finite[0] == finite[-1]:
        centre = float(finite[0]) if finite.size else 0.0
        return np.array([centre, np.nextafter(centre, np.inf)])
    n, low, high = finite.size, float(finite[0]), float(finite[-1])
    scale = max(abs(low), abs(high))  # values such as 1e308 are numbers, and their differences are none
    scaled = finite / scale
    sd, bins = float(scaled.std()), 1.0 + log2(n)
    if n > 2 and sd > 0.0:
        skewness = abs(float(np.mean(((scaled - scaled.mean()) / sd) ** 3)))
        bins += log2(1.0 + skewness / sqrt(6.0 * (n - 2) / ((n + 1.0) * (n + 3))))
    # numpy makes a width of it first, and rounds the number of widths up.
    span = (high / scale) - (low / scale)
    return np.linspace(low / scale, high / scale, min(int(np.ceil(span / (span / bins))), _MOST) + 1) * scale


def count_between(edges: Floats, values: Floats) -> Floats:
    """Sorted values in each bin: up to the first edge, between the edges, above the last; shape (edges + 1,).

    A value on an edge belongs to the bin below it.
    """
    return np.diff(np.searchsorted(values, edges, side="right"), prepend=0, append=values.size).astype(np.float64)


def count_within(edges: Floats, values: Floats) -> Floats:
    """Sorted values in each bin of the range, and last those outside it on either side; shape (edges,).

    A value on an edge belongs to the bin above it, on the last edge to the last bin (as `numpy.histogram`).
    """
    places = np.searchsorted(values, edges, side="left")
    places[-1] = np.searchsorted(values, edges[-1], side="right")
    inside = np.diff(places).astype(np.float64)
    return np.append(inside, values.size - inside.sum())
