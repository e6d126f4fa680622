"""Digests of rows by their whole content: independent of the order of rows, of the machine and of the run.

A row has 128 bits: two sums over its columns, each of 64-bit numbers that its cells are scrambled to, under a key that
follows from the column's name and kind. So equal rows have equal ones, a changed cell changes both halves for certain,
and other rows are told apart as well as chance does it in 128 bits. What counts as equal: numbers by their value as
float64 (1 is 1.0, -0.0 is 0.0, every NaN is the same missing value), categories by their text (True is "true"), moments
by their microsecond; 1 and "1" are of two kinds and differ, and so do a missing value and an empty text.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256

import numpy as np
from numpy.typing import NDArray

from evermodel.data.cells import CategoryCells, MomentCells
from evermodel.data.columns import Column

Hashes = NDArray[np.uint64]
"""Content of rows, shape (rows, 2)."""

_BLOCK_ROWS = 32_768
"""Rows at a time, so that what is computed stays near the processor."""

_U64 = np.uint64
_ROUNDS = (
    (_U64(30), _U64(0xBF58476D1CE4E5B9), _U64(27), _U64(0x94D049BB133111EB), _U64(31)),  # SplitMix64
    (_U64(33), _U64(0xFF51AFD7ED558CCD), _U64(33), _U64(0xC4CEB9FE1A85EC53), _U64(33)),  # MurmurHash3
)
"""Two known ways to scramble 64 bits so that no two values become one."""


@dataclass(frozen=True)
class Content:
    """What rows hold."""

    rows: Hashes
    """Of each row, in the order of the columns' rows."""
    columns: dict[str, str]
    """Of each column by itself, in any order of its rows: `sha256:<hex>` by its name."""


def read_content(columns: Sequence[Column]) -> Content:
    """Content of all rows and of each column, in one pass over the columns."""
    hashes = np.zeros((len(columns[0]), 2), dtype=np.uint64)
    digests: dict[str, str] = {}
    for column in columns:
        keys = _keys(f"{column.kind}:{column.name}")
        table = _level_table(column)
        sums = [0, 0]
        for start in range(0, len(column), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            both = _bits(column, block, table)
            for half in (0, 1):
                np.add(both[half], keys[half], out=both[half])
                scramble(both[half], half)
                hashes[block, half] += both[half]
                sums[half] += int(np.add.reduce(both[half]))
        digests[column.name] = _column_digest(column, sums)
    return Content(hashes, digests)


def row_hashes(columns: Sequence[Column]) -> Hashes:
    """Content of each row, shape (rows, 2). The order of the columns does not matter."""
    return read_content(columns).rows


def column_digests(columns: Sequence[Column]) -> dict[str, str]:
    """`sha256:<hex>` of each column by itself, in any order of its rows."""
    return read_content(columns).columns


def data_digest(columns: Sequence[Column], hashes: Hashes) -> str:
    """`sha256:<hex>` of a table: the names and kinds of its columns, in order, and its rows in any order."""
    header = json.dumps([[column.name, column.kind] for column in columns], separators=(",", ":"))
    digest = sha256(header.encode("utf-8", "surrogatepass"))
    ordered = hashes if _ascend(hashes) else hashes.take(content_order(hashes), axis=0)
    digest.update(np.ascontiguousarray(ordered, dtype="<u8").reshape(-1).data)
    return f"sha256:{digest.hexdigest()}"


def content_order(hashes: Hashes) -> NDArray[np.intp]:
    """Positions of the rows in ascending order of their content. Equal rows keep their order."""
    return np.arange(len(hashes)) if _ascend(hashes) else ascending(hashes[:, 0], hashes[:, 1])


def ascending(first: NDArray[np.uint64], second: NDArray[np.uint64] | None = None) -> NDArray[np.intp]:
    """Positions in ascending order of the first, and among equal ones of the second; equal ones keep their order.

    Numbers that chance has scrambled are rarely equal: then one sort that keeps no order is enough, which is fifteen
    times as fast.
    """
    order = np.argsort(first)
    ordered = first[order]
    equal = ordered[1:] == ordered[:-1]
    if equal.any():
        tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
        rows = order[tied]
        more = () if second is None else (second[rows],)
        order[tied] = rows[np.lexsort((rows, *more, ordered[tied]))]
    return order


def _ascend(hashes: Hashes) -> bool:
    first, second = hashes[:, 0], hashes[:, 1]
    later = first[1:] > first[:-1]
    return bool((later | ((first[1:] == first[:-1]) & (second[1:] >= second[:-1]))).all())


def distinct_rows(hashes: Hashes) -> tuple[NDArray[np.intp], Hashes]:
    """For each row the number of its distinct content, from 0 in ascending order, and the distinct contents."""
    order = None if _ascend(hashes) else content_order(hashes)
    ordered = hashes if order is None else hashes.take(order, axis=0)
    begins = np.ones(len(hashes), dtype=bool)
    begins[1:] = (ordered[1:, 0] != ordered[:-1, 0]) | (ordered[1:, 1] != ordered[:-1, 1])
    numbers = np.cumsum(begins) - 1
    if order is not None:
        places = np.empty(len(hashes), dtype=np.intp)
        places[order] = numbers
        numbers = places
    return numbers, ordered if begins.all() else ordered[begins]


def chance(hashes: Hashes, key: str) -> NDArray[np.uint64]:
    """What chance deals to each content under a key, shape (rows,): equal for equal contents, otherwise unrelated."""
    first, second = _keys(key)
    bits = hashes[:, 0] + first
    scramble(bits, 0)
    bits += hashes[:, 1]
    scramble(bits, 1)
    bits += second
    scramble(bits, 0)
    return bits


def made_from(hashes: Hashes, key: str) -> Hashes:
    """New contents for what is made of these under a key, shape (rows, 2)."""
    return np.stack([chance(hashes, f"{key}:0"), chance(hashes, f"{key}:1")], axis=1)


def dealt_by(features: Hashes) -> Hashes:
    """What chance looks at to deal rows to the test and the folds: the content of their features, and never the target.

    Rows with equal features stay together, so that none is told its answer by a twin. By features and target together
    they would not: for a test row that says yes every twin that says yes would be in the test too, and those that say
    no could be in the training, so that whoever remembers would be told the opposite.

    Where rows repeat their features more often than not, such rows are told apart by their number: a few contents
    cannot be divided in the shares that are wanted, and a model that has seen them all has learnt nothing by heart.

    Args:
        features: content of each row's features, shape (rows, 2), for rows that are ordered by their whole content.
    """
    numbers, distinct = distinct_rows(features)
    if 2 * len(distinct) >= len(features):
        return features
    order = np.argsort(numbers, kind="stable")
    begins = np.flatnonzero(np.append(True, np.diff(numbers[order]) > 0))
    repeats = np.empty(len(numbers), dtype=np.uint64)
    repeats[order] = np.arange(len(numbers)) - np.repeat(begins, np.diff(np.append(begins, len(numbers))))
    dealt = features.copy()
    dealt[:, 1] += repeats
    return made_from(dealt, "repeats")


def scramble(bits: NDArray[np.uint64], half: int) -> None:
    """Scramble 64-bit numbers in place; no two become one. `half` is 0 or 1."""
    first, times, second, again, third = _ROUNDS[half]
    bits ^= bits >> first
    bits *= times
    bits ^= bits >> second
    bits *= again
    bits ^= bits >> third


def _keys(text: str) -> tuple[np.uint64, np.uint64]:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    first, second = np.frombuffer(digest, dtype="<u8")
    return _U64(first), _U64(second)


def _level_table(column: Column) -> NDArray[np.uint64] | None:
    """Two numbers for each level of a category, shape (2, levels + 1); the last ones are of a missing value."""
    if not isinstance(column.stored, CategoryCells):
        return None
    texts = [text.encode("utf-8", "surrogatepass") for text in column.stored.levels.tolist()]
    digests = [blake2b(text, digest_size=16, person=b"level").digest() for text in texts]
    digests.append(blake2b(b"", digest_size=16, person=b"missing").digest())
    pairs = np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64).reshape(-1, 2)
    return np.ascontiguousarray(pairs.T)


def _bits(
    column: Column, block: slice, table: NDArray[np.uint64] | None
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Two times 64 bits for each cell of a block, both the caller's to change."""
    cells = column.stored
    places = block if column.order is None else column.order[block]
    if table is not None and isinstance(cells, CategoryCells):
        codes = cells.codes[places]
        return table[0][codes], table[1][codes]
    if isinstance(cells, MomentCells):
        bits = cells.micros[places].astype(np.int64).view(np.uint64)
    else:
        numbers = cells.canonical(places)
        numbers[np.isnan(numbers)] = np.nan
        bits = numbers.view(np.uint64)
    return bits, bits.copy()


def _column_digest(column: Column, sums: Sequence[int]) -> str:
    header = json.dumps([column.name, column.kind, len(column)], separators=(",", ":"))
    digest = sha256(header.encode("utf-8", "surrogatepass"))
    for total in sums:
        digest.update((total % 2**64).to_bytes(8, "little"))
    return f"sha256:{digest.hexdigest()}"
