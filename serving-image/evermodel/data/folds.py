"""Which rows each candidate is validated on: folds that divide the training rows as the split divided all rows."""

import heapq
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.signature import ClassLabel
from evermodel.data.digest import Hashes
from evermodel.data.split import Mask, ranked, stratum_named, time_order
from evermodel.errors import DataError
from evermodel_api.training import Task, TrainingSpec

Fold = tuple[Mask, Mask]
"""Rows to fit on and rows to validate on, both of shape (training rows,)."""

_OF_SPLIT = {"Group": "GroupKFold", "Time": "TimeSeriesSplit"}


def cv_kind(spec: TrainingSpec) -> str:
    """The kind that the spec names, or what fits its split and its task."""
    if spec.validation.cv is not None and spec.validation.cv.kind is not None:
        return spec.validation.cv.kind
    otherwise = "StratifiedKFold" if spec.task is Task.CLASSIFICATION else "KFold"
    return _OF_SPLIT.get(spec.data.split.kind or "", otherwise)


def make_folds(  # noqa: PLR0913  each kind looks at another thing of the rows
    kind: str,
    folds: int,
    seed: int,
    *,
    hashes: Hashes,
    strata: NDArray[np.float64] | None = None,
    groups: Hashes | None = None,
    moments: NDArray[np.float64] | NDArray[np.int64] | None = None,
    classes: Sequence[ClassLabel] = (),
) -> list[Fold]:
    """Folds of the training rows.

    Args:
        kind: see `cv_kind`.
        folds: how many.
        seed: another seed makes other folds; TimeSeriesSplit has no chance in it.
        hashes: content of each row, shape (rows, 2).
        strata: StratifiedKFold: class number of each row, shape (rows,).
        groups: GroupKFold: content of each row's group, shape (rows, 2).
        moments: TimeSeriesSplit: each row's moment, shape (rows,).
        classes: what the strata 0..k-1 are called, for messages.

    Raises:
        DataError: `TooFewRows` when a class, the groups or the moments are too few for so many folds.
    """
    if kind == "TimeSeriesSplit" and moments is not None:
        return time_folds(moments, hashes, folds)
    if kind == "GroupKFold" and groups is not None:
        return _apart(group_numbers(groups, folds, seed), folds)
    if kind == "StratifiedKFold" and strata is not None:
        return stratified_folds(hashes, strata, folds, seed, classes)
    if kind != "KFold":
        raise ValueError(f"{kind} needs strata, groups or moments")
    return _apart(fold_numbers(hashes, np.zeros(len(hashes)), folds, seed), folds)


def stratified_folds(
    hashes: Hashes, strata: NDArray[np.float64], folds: int, seed: int, classes: Sequence[ClassLabel] = ()
) -> list[Fold]:
    """Folds that keep the classes' shares. Arguments as of `make_folds`.

    Raises:
        DataError: `TooFewRows`.
    """
    return _apart(fold_numbers(hashes, strata, folds, seed, classes if len(classes) else ()), folds)


def fold_numbers(
    hashes: Hashes, strata: NDArray[np.float64], folds: int, seed: int, classes: Sequence[ClassLabel] = ()
) -> NDArray[np.intp]:
    """Number of the fold, 0..folds-1, that each row is validated in. Equal rows are in one fold.

    Raises:
        DataError: `TooFewRows` when a stratum has fewer distinct rows than there are folds.
    """
    numbers = np.zeros(len(hashes), dtype=np.intp)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        rank_of, sizes = ranked(hashes[rows], f"fold:{seed}")
        if len(sizes) < folds:
            raise DataError(
                "TooFewRows",
                f"{stratum_named(stratum, classes)} {len(sizes)} distinct training rows, and {folds} folds need at "
                f"least {folds}; give more rows or a smaller validation.cv.folds",
            )
        numbers[rows] = _parts(sizes, folds)[rank_of]
    return numbers


def _parts(sizes: NDArray[np.intp], folds: int) -> NDArray[np.intp]:
    """The fold of each rank: ranks that follow each other, in parts of about as many rows.

    Equal features have the same place among the ranks of each class, or nearly so, and are then in the same fold.
    """
    ends = np.cumsum(sizes)
    fold_of = ((ends - sizes / 2) * folds / ends[-1]).astype(np.intp)
    every = len(np.unique(fold_of)) == folds
    return fold_of if every else np.arange(len(sizes)) % folds


def group_numbers(groups: Hashes, folds: int, seed: int) -> NDArray[np.intp]:
    """Number of the fold that each row is validated in. Whole groups, the largest first, each to the smallest fold.

    Raises:
        DataError: `TooFewRows` when there are fewer groups than folds.
    """
    rank_of, sizes = ranked(groups, f"fold:{seed}")
    if len(sizes) < folds:
        raise DataError(
            "TooFewRows",
            f"the training rows are of {len(sizes)} groups, and {folds} folds need at least {folds}; give rows of more "
            "groups or a smaller validation.cv.folds",
        )
    smallest = [(0, fold) for fold in range(folds)]
    fold_of = np.empty(len(sizes), dtype=np.intp)
    for rank in np.argsort(-sizes, kind="stable").tolist():
        rows, fold = heapq.heappop(smallest)
        fold_of[rank] = fold
        heapq.heappush(smallest, (rows + int(sizes[rank]), fold))
    return np.asarray(fold_of[rank_of])


def time_folds(moments: NDArray[np.float64] | NDArray[np.int64], hashes: Hashes, folds: int) -> list[Fold]:
    """Folds of rows in time: each is validated on the rows that follow those it is fitted on.

    Raises:
        DataError: `TooFewRows` when there are fewer distinct rows than folds and one.
    """
    order, ends = time_order(moments, hashes)
    if len(ends) < folds:
        raise DataError(
            "TooFewRows",
            f"there are {len(ends) + 1} distinct training rows in time, and {folds} folds need at least {folds + 1}; "
            "give more rows or a smaller validation.cv.folds",
        )
    cuts = _cuts(ends, len(order), folds)
    parts = []
    for begin, end in pairwise(cuts):
        training, validation = np.zeros(len(order), dtype=bool), np.zeros(len(order), dtype=bool)
        training[order[:begin]] = True
        validation[order[begin:end]] = True
        parts.append((training, validation))
    return parts


def _cuts(ends: NDArray[np.intp], rows: int, folds: int) -> list[int]:
    """Where folds begin and the last one ends: near equal parts, at places where rows may be cut, all different."""
    size = rows / (folds + 1)
    cuts: list[int] = []
    lowest = 0
    for fold in range(folds):
        place = int(np.argmin(np.abs(ends - size * (fold + 1))))
        place = min(max(place, lowest), len(ends) - (folds - fold))
        cuts.append(int(ends[place]))
        lowest = place + 1
    return [*cuts, rows]


def _apart(numbers: NDArray[np.intp], folds: int) -> list[Fold]:
    return [(numbers != fold, numbers == fold) for fold in range(folds)]
