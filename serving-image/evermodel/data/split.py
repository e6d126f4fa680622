"""Which rows are for the test and which fold a row is in: decided by the rows' content and a seed.

Each distinct row has a rank, by a hash of its content and the seed; the first ranks are the test. So the order of rows
does not matter, a row (almost) keeps its side when others join, and equal rows are never on both sides.
"""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.signature import ClassLabel
from evermodel.errors import DataError


def held_out_rows(
    hashes: NDArray[np.bytes_],
    strata: NDArray[np.float64],
    share: float,
    seed: int,
    classes: Sequence[ClassLabel] = (),
) -> NDArray[np.bool_]:
    """True for the rows that are held out.

    Args:
        hashes: content of each row (`row_hashes`), shape (rows,).
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
        group_of, sizes = _ranked_groups(hashes[rows], f"test:{seed}:".encode())
        if len(sizes) < 2:
            raise DataError(
                "TooFewRows",
                f"{_named(stratum, classes)} {len(sizes)} distinct row where at least 2 are needed, one for training "
                "and one for the test; give more rows",
            )
        ends = np.cumsum(sizes)[:-1]
        groups = int(np.argmin(np.abs(ends - share * len(rows)))) + 1
        held_out[rows] = group_of < groups
    return held_out


def fold_numbers(
    hashes: NDArray[np.bytes_],
    strata: NDArray[np.float64],
    folds: int,
    seed: int,
    classes: Sequence[ClassLabel] = (),
) -> NDArray[np.intp]:
    """Number of the fold, 0..folds-1, that each row is validated in. Arguments as of `held_out_rows`.

    Raises:
        DataError: `TooFewRows` when a stratum has fewer distinct rows than there are folds.
    """
    numbers = np.zeros(len(hashes), dtype=np.intp)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        group_of, sizes = _ranked_groups(hashes[rows], f"fold:{seed}:".encode())
        if len(sizes) < folds:
            raise DataError(
                "TooFewRows",
                f"{_named(stratum, classes)} {len(sizes)} distinct training rows, and {folds} folds need at least "
                f"{folds}; give more rows or a smaller validation.cv.folds",
            )
        numbers[rows] = group_of % folds
    return numbers


def _ranked_groups(hashes: NDArray[np.bytes_], salt: bytes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each row the rank of its distinct content, and the number of rows of each rank."""
    distinct, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    keys = np.array([sha256(salt + content).digest() for content in distinct.tolist()], dtype="S32")
    order = np.argsort(keys, kind="stable")
    ranks = np.empty(len(distinct), dtype=np.intp)
    ranks[order] = np.arange(len(distinct))
    return ranks[inverse], counts[order]


def _named(stratum: float, classes: Sequence[ClassLabel]) -> str:
    return f"the class {classes[int(stratum)]!r} has" if classes else "the data has"
