"""Which rows are set aside for the test: decided by what the rows hold and a seed, never by their order.

Stratified and Random: rows have a rank by the content of their features and the seed; the first ranks are the test. So
a row (almost) keeps its side when others join, and rows of equal features are on one side, whatever their answers are,
unless most rows repeat others' (`digest.dealt_by`). Group does the same with whole groups. Time takes the latest rows.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.signature import ClassLabel
from evermodel.data.dataset import Dataset
from evermodel.data.digest import Hashes, ascending, chance, distinct_rows
from evermodel.errors import DataError
from evermodel_api.training import Task, TrainingSpec

Mask = NDArray[np.bool_]


def split_kind(spec: TrainingSpec) -> str:
    """Stratified, Random, Group or Time."""
    return spec.data.split.kind or ("Stratified" if spec.task is Task.CLASSIFICATION else "Random")


def held_out_rows(dataset: Dataset, spec: TrainingSpec) -> Mask:
    """True for the rows of the test, shape (rows,).

    Raises:
        DataError: `TooFewRows` when there are too few distinct rows, groups or moments for both sides.
    """
    kind, share, seed = split_kind(spec), spec.data.split.test, spec.run.seed
    if len(distinct_rows(dataset.hashes)[1]) < 2:
        raise DataError(
            "TooFewRows",
            "the data has 1 distinct row where at least 2 are needed, one for training and one for the test; give more "
            "rows",
        )
    if dataset.groups is not None:
        return hold_out_groups(dataset.groups, share, seed)
    if dataset.moments is not None:
        return hold_out_latest(dataset.moments, dataset.hashes, share)
    if kind == "Stratified":
        return hold_out_rows(dataset.dealt, dataset.target.cells, share, seed, dataset.target.classes)
    return hold_out_rows(dataset.dealt, np.zeros(len(dataset)), share, seed)


def hold_out_rows(
    hashes: Hashes, strata: NDArray[np.float64], share: float, seed: int, classes: Sequence[ClassLabel] = ()
) -> Mask:
    """A share of the rows, by their content.

    Args:
        hashes: what is dealt of each row (`digest.dealt_by`), shape (rows, 2).
        strata: shape (rows,); the share is kept inside each stratum (all equal: in all rows together).
        share: share of rows to hold out.
        seed: another seed holds out other rows.
        classes: what the strata 0..k-1 are called, for messages; none where all rows are one stratum.

    Raises:
        DataError: `TooFewRows` when a stratum has fewer than two distinct rows.
    """
    held_out = np.zeros(len(hashes), dtype=bool)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        rank_of, sizes = ranked(hashes[rows], f"test:{seed}")
        if len(sizes) < 2:
            raise DataError(
                "TooFewRows",
                f"{stratum_named(stratum, classes)} {len(sizes)} distinct row where at least 2 are needed, one for "
                "training and one for the test; give more rows",
            )
        ends = np.cumsum(sizes)[:-1]
        held_out[rows] = rank_of <= _nearest(ends, share * len(rows))
    return held_out


def hold_out_groups(groups: Hashes, share: float, seed: int) -> Mask:
    """Whole groups whose rows come nearest to the share.

    Groups are gone through in an order by their value and the seed; each is taken that brings the share nearer, so that
    a group that is too large is passed over.

    Raises:
        DataError: `TooFewRows` when there is one group only.
    """
    rank_of, sizes = ranked(groups, f"test:{seed}")
    if len(sizes) < 2:
        raise DataError(
            "TooFewRows",
            "data.split.by names a column in which all rows have the same value, and a group must not be on both "
            "sides; give rows of at least 2 groups",
        )
    wanted = share * len(groups)
    taken = np.zeros(len(sizes), dtype=bool)
    rows = 0
    for rank, size in enumerate(sizes.tolist()):
        if abs(rows + size - wanted) < abs(rows - wanted):
            taken[rank] = True
            rows += size
    if not taken.any():  # each is more than twice what is wanted
        taken[int(np.argmin(sizes))] = True
    return np.asarray(taken[rank_of])


def hold_out_latest(moments: NDArray[Any], hashes: Hashes, share: float) -> Mask:
    """The latest rows; among rows of one moment, their content decides. Equal rows stay together.

    Raises:
        DataError: `TooFewRows` when all rows have the same moment.
    """
    order, ends = time_order(moments, hashes)
    if moments[order[0]] == moments[order[-1]]:
        raise DataError(
            "TooFewRows",
            "data.split.by names a column in which all rows have the same moment, so that none is later; give rows of "
            "at least 2 moments, or use another split kind",
        )
    held_out = np.ones(len(moments), dtype=bool)
    begin = ends[_nearest(ends, (1 - share) * len(moments))]
    held_out[order[:begin]] = False
    return held_out


def ranked(hashes: Hashes, key: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each row the rank of its distinct content under a key, and the number of rows of each rank."""
    numbers, distinct = distinct_rows(hashes)
    order = ascending(chance(distinct, key))
    ranks = np.empty(len(distinct), dtype=np.intp)
    ranks[order] = np.arange(len(distinct))
    rank_of = ranks[numbers]
    return rank_of, np.bincount(rank_of, minlength=len(distinct))


def time_order(moments: NDArray[Any], hashes: Hashes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the rows from the earliest to the latest, and where they may be cut.

    The second is how many rows there are before each such place: none is inside a run of equal rows.
    """
    order = np.lexsort((hashes[:, 1], hashes[:, 0], moments))
    ordered = hashes[order]
    differ = (ordered[1:] != ordered[:-1]).any(axis=1) | (moments[order][1:] != moments[order][:-1])
    return order, np.flatnonzero(differ) + 1


def stratum_named(stratum: float, classes: Sequence[ClassLabel]) -> str:
    """The subject of a sentence about a stratum."""
    return f"the class {classes[int(stratum)]!r} has" if classes else "the data has"


def _nearest(ends: NDArray[np.intp], wanted: float) -> int:
    return int(np.argmin(np.abs(ends - wanted)))
