"""The kernel in C behind Python: loaded once, asked with prepared pointers. Imports numpy and nothing heavy."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.build import library_path, source_digest
from evermodel.compiled.model import Floats, KernelMissingError

NODE = np.dtype([("threshold", "<f8"), ("feature", "<i4"), ("step", "<i4")])
"""A node of `kernel.c`."""
LONG_WALKS = 4000
"""Trees times rows above which other threads may run meanwhile: below, giving up the lock costs more than it gives."""


_VIEW: Callable[[Any], ctypes.c_double] = ctypes.c_double.from_buffer
"""What a pointer to the first number of an array is made of: half the time of `array.ctypes.data`."""


class Link(IntEnum):
    """From sums to answers; the ends of the names say in which precision. The order is that of `kernel.c`."""

    NONE = 0
    SIGMOID = 1
    SIGMOIDS = 2
    SOFTMAX = 3
    EXP = 4
    SIGMOID_SINGLE = 5
    SOFTMAX_SINGLE = 6
    EXP_SINGLE = 7
    LEAVES = 8


class Rounding(IntEnum):
    """What a library makes of a value before it compares. The order is that of `kernel.c`."""

    NONE = 0
    SINGLE = 1
    TINY_TO_ZERO = 2


class _Forest(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("nodes", "roots", "groups", "leaves", "missing_right", "base", "cover")),
        ("divisor", ctypes.c_double),
        ("scale", ctypes.c_double),
        *((name, ctypes.c_int32) for name in ("trees", "features", "outputs", "answers", "link", "rounding")),
        *((name, ctypes.c_int32) for name in ("single_sums", "refuse_missing", "refuse_large", "depth")),
    )


@dataclass(frozen=True)
class ForestArrays:
    """What the kernel reads: the caller has checked that no index leaves its array."""

    nodes: NDArray[Any]
    """Of `NODE`: siblings side by side, children behind their parents."""
    roots: NDArray[np.int32]
    """First node of each tree, rising."""
    groups: NDArray[np.int32] | None
    """The output that each tree adds to; None where leaves are rows of `leaves`."""
    leaves: Floats | None
    """Shape (leaves, outputs)."""
    missing_right: NDArray[np.uint8] | None
    """Of each node: missing goes right. None: missing goes left everywhere."""
    base: Floats
    """Shape (outputs,): what the sums begin with."""
    cover: NDArray[np.float32] | None
    """Of each node: how much of the training rows came through."""


@dataclass(frozen=True)
class ForestFacts:
    """Numbers beside the arrays, as `kernel.c` describes them."""

    features: int
    outputs: int
    answers: int
    link: Link
    rounding: Rounding
    divisor: float
    scale: float
    single_sums: bool
    refuse_missing: bool
    refuse_large: bool
    depth: int


@cache
def _libraries() -> tuple[ctypes.PyDLL, ctypes.CDLL]:
    """The library twice: with Python's lock kept, and with it given up during a call."""
    path = library_path()
    if not path.exists():
        raise KernelMissingError("the kernel is not compiled; run python -m evermodel.compiled.build")
    try:
        keeping, freeing = ctypes.PyDLL(str(path)), ctypes.CDLL(str(path))
        keeping.evermodel_kernel_source.restype = ctypes.c_char_p
        source = keeping.evermodel_kernel_source()
    except (OSError, AttributeError) as error:
        raise KernelMissingError(f"the kernel cannot be loaded ({str(error)[:200]}); compile it here") from error
    if source != source_digest().encode():
        raise KernelMissingError("the kernel was compiled of another kernel.c; run python -m evermodel.compiled.build")
    pointer = ctypes.POINTER(ctypes.c_double)
    for library in (keeping, freeing):
        library.evermodel_predict.argtypes = [ctypes.c_void_p, pointer, ctypes.c_int64, pointer]
        integral: list[Any] = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32]
        library.evermodel_contributions.argtypes = [ctypes.c_void_p, pointer, ctypes.c_int64, *integral, pointer]
        library.evermodel_expected.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
        library.evermodel_arrange.argtypes = [*[ctypes.c_void_p] * 3, ctypes.c_int64, *[ctypes.c_void_p] * 2]
        library.evermodel_distinct.argtypes = [ctypes.c_void_p, *[ctypes.c_int64] * 2, *[ctypes.c_void_p] * 2]
        library.evermodel_arrange.restype = library.evermodel_distinct.restype = ctypes.c_int64
        for function in (library.evermodel_logit_single, library.evermodel_log_single):
            function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    return keeping, freeing


def available() -> bool:
    """Whether the kernel is there and of this source. `missing` says why not."""
    return not missing()


def missing() -> str:
    """Why there is no kernel, as a sentence without its end; empty where there is one."""
    try:
        _libraries()
    except KernelMissingError as error:
        return str(error)
    return ""


class Forest:
    """A set of trees, ready to be asked. Safe to ask from several threads at once."""

    def __init__(self, arrays: ForestArrays, facts: ForestFacts) -> None:
        """Prepare the pointers.

        Raises:
            KernelMissingError: the kernel is not there.
        """
        keeping, freeing = _libraries()
        self._predict, self._predict_long = keeping.evermodel_predict, freeing.evermodel_predict
        self._shares, self._expected = freeing.evermodel_contributions, freeing.evermodel_expected
        # the arrays live as long as the pointers to them
        self._arrays = arrays
        self.facts = facts
        self._trees = len(arrays.roots)
        names = ("nodes", "roots", "groups", "leaves", "missing_right", "base", "cover")
        pointers = {name: _address(getattr(arrays, name)) for name in names}
        told = {field.name: getattr(facts, field.name) for field in fields(facts)}
        self._forest = _Forest(**pointers, trees=self._trees, **told)
        self._pointer = ctypes.c_void_p(ctypes.addressof(self._forest))
        self._short = LONG_WALKS // max(1, self._trees)

    def predict(self, matrix: Floats) -> Floats:
        """Answers to rows.

        Args:
            matrix: shape (rows, features), at least one row.

        Returns:
            Shape (rows, answers).

        Raises:
            ValueError: the model refuses such rows.
        """
        rows = matrix.shape[0]
        answers = np.empty((rows, self.facts.answers))
        ask = self._predict if rows <= self._short else self._predict_long
        code = ask(self._pointer, self._view(matrix), rows, _VIEW(answers))
        if code:
            raise _refusal(code)
        return answers

    def contributions(self, matrix: Floats) -> Floats:
        """What each feature adds to the sums of each row: shape (rows, features, outputs).

        The depth among the facts must be that of the trees.

        Raises:
            ValueError: the model refuses such rows.
        """
        facts = self.facts
        shares = np.zeros((len(matrix), facts.features, facts.outputs))
        if shares.size:
            points, weights = _integral(min(facts.depth, facts.features))
            pointers = points.ctypes.data, weights.ctypes.data
            code = self._shares(self._pointer, self._view(matrix), len(matrix), *pointers, len(points), _VIEW(shares))
            if code:
                raise _refusal(code)
        return shares

    def expected(self) -> Floats:
        """What the sums are where no feature is known, beside `base`: shape (outputs,)."""
        expected = np.zeros(self.facts.outputs)
        if code := self._expected(self._pointer, len(self._arrays.nodes), expected.ctypes.data):
            raise _refusal(code)
        return expected

    def _view(self, matrix: Floats) -> Any:
        """A pointer to a matrix, which is copied only where it is not plain."""
        if matrix.shape[1] != self.facts.features:
            raise ValueError(f"X has {matrix.shape[1]} features, but {self.facts.features} are expected.")
        if not matrix.flags.carray:
            # read-only, or not plain: the copy lives as long as the view of it
            matrix = np.array(matrix, dtype=np.float64, order="C")
        return _VIEW(matrix) if matrix.size else None


@cache
def _integral(degree: int) -> tuple[Floats, Floats]:
    """Points between 0 and 1 and their weights: their sum is the integral of every polynomial below this degree."""
    points, weights = np.polynomial.legendre.leggauss(max(1, (degree + 1) // 2))
    return np.ascontiguousarray((points + 1) / 2), np.ascontiguousarray(weights / 2)


def _address(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


def _refusal(code: int) -> Exception:
    if code == 1:
        return ValueError("Input X contains NaN.")
    if code == 2:
        return ValueError("Input X contains infinity or a value too large for dtype('float32').")
    return MemoryError("there is no memory for the rows")


def arrange(
    left: NDArray[np.int32], right: NDArray[np.int32], cover: Floats
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The order in which the nodes of one tree are kept: what is read together lies together.

    Args:
        left: left child of each node, below 0 for a leaf; node 0 is the root.
        right: likewise.
        cover: how much came through each node; the heavier child is followed first.

    Returns:
        The old number of each new node, and the step from each to its left child, 0 for a leaf. Nodes that cannot be
        reached are left out.

    Raises:
        ValueError: the children make no tree.
        KernelMissingError: the kernel is not there.
    """
    keeping, _ = _libraries()
    order, steps = np.empty(len(left), np.int32), np.empty(len(left), np.int32)
    left, right = np.ascontiguousarray(left, np.int32), np.ascontiguousarray(right, np.int32)
    cover = np.ascontiguousarray(cover, np.float64)
    made = keeping.evermodel_arrange(
        *(array.ctypes.data for array in (left, right, cover)), len(left), order.ctypes.data, steps.ctypes.data
    )
    if made < 1:
        raise ValueError("its nodes make no tree")
    return order[:made], steps[:made]


def distinct(rows: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """Each different row once, in the order in which they come first, and which of them each row is.

    Raises:
        KernelMissingError: the kernel is not there.
    """
    keeping, _ = _libraries()
    rows = np.ascontiguousarray(rows, np.float64)
    numbers, firsts = np.empty(len(rows), np.int32), np.empty(len(rows), np.int32)
    made = keeping.evermodel_distinct(
        rows.ctypes.data, len(rows), rows.shape[1], numbers.ctypes.data, firsts.ctypes.data
    )
    if made < 0:
        raise _refusal(made)
    return rows[firsts[:made]], numbers


def logit_single(share: float) -> float:
    """The log-odds of a share in single precision, as XGBoost computes them."""
    made: float = _libraries()[0].evermodel_logit_single(share)
    return made


def log_single(value: float) -> float:
    """The logarithm in single precision."""
    made: float = _libraries()[0].evermodel_log_single(value)
    return made
