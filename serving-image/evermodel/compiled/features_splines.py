"""B-splines by de Boor's recursion."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def spline_basis(values: Floats, knots: Floats, degree: int, ends: Floats, *, linear: bool) -> Floats:
    """The value of each spline at each point.

    Args:
        values: shape (rows,), finite.
        knots: shape (splines + degree + 1,), ascending.
        degree: of the polynomials.
        ends: shape (4, splines): the splines at both ends of the range of training, and their slopes there.
        linear: beyond the range they go on with their slope; else they stay as they are at its end.

    Returns:
        Shape (rows, splines).
    """
    splines = len(knots) - degree - 1
    low, high = knots[degree], knots[splines]
    inside = np.clip(values, low, high)
    basis = _inside(inside, knots, degree, splines)
    for outside, end, slope, edge in ((values < low, 0, 2, low), (values > high, 1, 3, high)):
        if outside.any():
            basis[outside] = ends[end]
            if linear:
                basis[outside] += (values[outside] - edge)[:, None] * ends[slope]
    return basis


def _inside(values: Floats, knots: Floats, degree: int, splines: int) -> Floats:
    """Values of the splines within the range of the knots."""
    interval = np.clip(np.searchsorted(knots, values, side="right") - 1, degree, splines - 1)
    rows = np.arange(len(values))
    local = np.zeros((len(values), degree + 1))
    local[:, 0] = 1.0
    for order in range(1, degree + 1):
        saved = np.zeros(len(values))
        for place in range(order):
            right, left = knots[interval + place + 1], knots[interval + 1 - order + place]
            width = right - left
            share = np.divide(local[:, place], width, out=np.zeros(len(values)), where=width > 0.0)
            local[:, place] = saved + (right - values) * share
            saved = (values - left) * share
        local[:, order] = saved
    basis = np.zeros((len(values), splines))
    for place in range(degree + 1):
        basis[rows, interval - degree + place] = local[:, place]
    return basis
