"""What fitted steps do to a matrix of numbers, computed in scikit-learn's own order of operations."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.features_splines import spline_basis
from evermodel.compiled.model import Floats, Header

Apply = Callable[[Floats], Floats]
"""`matrix -> matrix`; the one it is given is not written to."""


class Parts(Protocol):
    """What a function is made of: `features_steps.Step`."""

    @property
    def before(self) -> int:
        """Columns that it takes."""

    @property
    def width(self) -> int:
        """Columns that it gives."""

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Its arrays, as `features_steps` lists them for each kind."""

    @property
    def header(self) -> Header:
        """Its small values."""


def require_finite(matrix: Floats) -> None:
    """Refuse what scikit-learn refuses where a step or model takes no missing value.

    Raises:
        ValueError: a number is missing or infinite.
    """
    if not np.isfinite(matrix).all():
        raise ValueError("the model takes no missing or infinite number where it computes with it")


def fill(parts: Parts) -> Apply:
    """Gaps are filled; then, for some columns, whether there was one."""
    fill, gaps = parts.arrays["fill"], parts.arrays["gaps"]

    def apply(matrix: Floats) -> Floats:
        missing = np.isnan(matrix)
        filled = np.where(missing, fill, matrix)
        return np.hstack([filled, missing[:, gaps].astype(np.float64)]) if len(gaps) else filled

    return apply


def gaps(parts: Parts) -> Apply:
    """Whether a value is missing, for some columns."""
    columns = parts.arrays["columns"]
    return lambda matrix: np.isnan(matrix[:, columns]).astype(np.float64)


def take(parts: Parts) -> Apply:
    """Some of the columns."""
    columns = parts.arrays["columns"].astype(np.intp)
    return lambda matrix: np.take(matrix, columns, axis=1)


def affine(parts: Parts) -> Apply:
    """Subtract, divide, multiply, add, clip: those of them that do anything."""
    named = ("subtract", "divide", "multiply", "add", "low", "high")
    subtract, divide, multiply, add, low, high = (parts.arrays[name] for name in named)
    functions: list[tuple[Any, Floats]] = []
    for function, operand, neutral in (
        (np.subtract, subtract, 0.0),
        (np.divide, divide, 1.0),
        (np.multiply, multiply, 1.0),
        (np.add, add, 0.0),
        (np.maximum, low, -np.inf),
        (np.minimum, high, np.inf),
    ):
        if not (operand == neutral).all():
            functions.append((function, operand))

    def apply(matrix: Floats) -> Floats:
        for function, operand in functions:
            matrix = function(matrix, operand)
        return matrix

    return apply


def project(parts: Parts) -> Apply:
    """Rows times components, moved and scaled."""
    components, before, after, scale = (parts.arrays[n] for n in ("components", "shift", "after", "scale"))
    turned = components.T

    def apply(matrix: Floats) -> Floats:
        require_finite(matrix)
        projected: Floats = (matrix - before) @ turned
        projected -= after
        projected /= scale
        return projected

    return apply


def normalize(parts: Parts) -> Apply:
    """Each row divided by its length."""
    norm = parts.header["norm"]

    def apply(matrix: Floats) -> Floats:
        require_finite(matrix)
        if norm == "l1":
            lengths = np.abs(matrix).sum(axis=1)
        elif norm == "l2":
            lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
        else:
            lengths = np.abs(matrix).max(axis=1)
        lengths[lengths < 10.0 * np.finfo(np.float64).eps] = 1.0
        normal: Floats = matrix / lengths[:, None]
        return normal

    return apply


def binarize(parts: Parts) -> Apply:
    """Whether a number is above a threshold."""
    threshold = parts.arrays["threshold"]

    def apply(matrix: Floats) -> Floats:
        require_finite(matrix)
        return (matrix > threshold).astype(np.float64)

    return apply


def bins(parts: Parts) -> Apply:
    """The bin of each number, as it is or as one column for each bin."""
    starts, edges, one_hot = parts.arrays["starts"], parts.arrays["edges"], parts.header["one_hot"]
    inner = [edges[starts[i] : starts[i + 1]] for i in range(parts.before)]
    firsts = np.concatenate([[0], np.cumsum([len(own) + 1 for own in inner])])

    def apply(matrix: Floats) -> Floats:
        require_finite(matrix)
        found = np.empty(matrix.shape, dtype=np.intp)
        for column, own in enumerate(inner):
            found[:, column] = np.searchsorted(own, matrix[:, column], side="right")
        if not one_hot:
            return found.astype(np.float64)
        out = np.zeros((len(matrix), parts.width))
        np.put_along_axis(out, found + firsts[:-1], 1.0, axis=1)
        return out

    return apply


def polynomial(parts: Parts) -> Apply:
    """Products of columns; each row of `factors` names them, and `before` stands for 1."""
    factors = parts.arrays["factors"].astype(np.intp)

    def apply(matrix: Floats) -> Floats:
        require_finite(matrix)
        padded = np.empty((len(matrix), parts.before + 1))
        padded[:, :-1] = matrix
        padded[:, -1] = 1.0
        product = padded[:, factors[:, -1]]
        for place in range(factors.shape[1] - 2, -1, -1):
            product *= padded[:, factors[:, place]]
        return product

    return apply


def yeo_johnson(parts: Parts) -> Apply:
    """Powers by Yeo and Johnson."""
    powers = parts.arrays["powers"]

    def apply(matrix: Floats) -> Floats:
        out = np.empty_like(matrix)
        with np.errstate(all="ignore"):
            for column, power in enumerate(powers.tolist()):
                out[:, column] = _yeo_johnson_column(matrix[:, column], power)
        return out

    return apply


def _yeo_johnson_column(values: Floats, power: float) -> Floats:
    up, down = np.log1p(values), np.log1p(-values)
    above = up if abs(power) < np.spacing(1.0) else np.expm1(power * up) / power
    below = -down if abs(power - 2.0) <= np.spacing(1.0) else -np.expm1((2.0 - power) * down) / (2.0 - power)
    return np.where(values >= 0.0, above, below)


def quantile(parts: Parts) -> Apply:
    """The place of a number among the quantiles of training, from 0 to 1: the mean of both ways through equal ones."""
    quantiles, references = parts.arrays["quantiles"], parts.arrays["references"]
    there = [(np.ascontiguousarray(column), np.ascontiguousarray(-column[::-1])) for column in quantiles.T]
    back = np.ascontiguousarray(-references[::-1])

    def apply(matrix: Floats) -> Floats:
        out = np.full(matrix.shape, np.nan)
        for column, (up, down) in enumerate(there):
            values = matrix[:, column]
            present = ~np.isnan(values)
            given = values[present]
            out[present, column] = 0.5 * (np.interp(given, up, references) - np.interp(-given, down, back))
            out[values == up[-1], column] = 1.0
            out[values == up[0], column] = 0.0
        return out

    return apply


def spline(parts: Parts) -> Apply:
    """Splines of each column."""
    knots, ends = parts.arrays["knots"], parts.arrays["ends"]
    degree, linear, bias = parts.header["degree"], parts.header["linear"], parts.header["bias"]

    def apply(matrix: Floats) -> Floats:
        require_finite(matrix)
        bases = [spline_basis(matrix[:, i], knots[i], degree, ends[i], linear=linear) for i in range(parts.before)]
        return np.hstack([basis if bias else basis[:, :-1] for basis in bases])

    return apply
