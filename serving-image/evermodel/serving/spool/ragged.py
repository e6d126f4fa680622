"""Pieces of one array, of different lengths, put together by numpy: no step of Python for each of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def join_pieces(data: NDArray[Any], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """The pieces one after the other.

    Args:
        data: shape (n,).
        starts: where each piece begins in it.
        lengths: of each piece.

    >>> join_pieces(np.arange(10), np.array([7, 2]), np.array([2, 3])).tolist()
    [7, 8, 2, 3, 4]
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    places = np.repeat(starts - (ends - lengths), lengths)
    places += np.arange(total)
    joined: NDArray[Any] = data[places]
    return joined


def count_within(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each piece 0, 1, ... up to its length.

    >>> count_within(np.array([2, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    counts: NDArray[np.int64] = np.arange(total) - np.repeat(ends - lengths, lengths)
    return counts
