"""Columns of a window, read from Arrow arrays of any type. Nothing here raises on odd cells: they are counted.

A number is a float64, missing as NaN. A category is a text, and its text is that of `artifact.frame.category_text`,
which is not imported because it brings pandas with it; a test holds the two equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers."""

    values: Floats
    """One a row; NaN where it is missing or unreadable, infinities as they are."""
    unreadable: int = 0
    """Cells that hold something, but no number."""

    @cached_property
    def ordered(self) -> Floats:
        """The values, sorted ascending, without NaN: sorted once for all that is asked of the column."""
        ordered = np.sort(self.values)  # NaN comes last
        return ordered[: ordered.size - self.missing] if self.missing else ordered

    @cached_property
    def missing(self) -> int:
        """Rows without a number."""
        return int(np.isnan(self.values).sum())


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """A column of categories."""

    codes: NDArray[np.intp]
    """One a row: the place of its level in `levels`; -1 where it is missing."""
    levels: list[str]
    """Each text once."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows with each level."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels))
        return {level: int(n) for level, n in zip(self.levels, counts, strict=True)}

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return int(np.sum(self.codes < 0))


def number_column(column: pa.ChunkedArray) -> NumberColumn:
    """Cells as numbers; text that spells one is one."""
    try:
        if pa.types.is_temporal(column.type):  # Arrow would cast a date to the number of its days
            raise pa.ArrowInvalid("no numbers")
        numbers = column.cast(pa.float64()) if column.type != pa.float64() else column
        return NumberColumn(np.asarray(numbers.to_numpy(), dtype=np.float64))
    except pa.ArrowException:
        cells = [_number(cell) for cell in column.to_pylist()]
    values = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    return NumberColumn(values, unreadable=sum(cell is None for cell in cells) - column.null_count)


def _number(cell: Any) -> float | None:
    try:
        return None if cell is None else float(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def category_column(column: pa.ChunkedArray) -> CategoryColumn:
    """Cells as categories; NaN is a missing one."""
    try:
        encoded = column.combine_chunks()
        encoded = encoded if pa.types.is_dictionary(encoded.type) else pc.dictionary_encode(encoded)
        values, places = encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    except pa.ArrowException:  # lists and structs have no dictionary
        values = [None if cell is None else str(cell) for cell in column.to_pylist()]
        places = np.arange(len(values))
    texts = [level_text(value) for value in values]
    codes_by_text: dict[str, int] = {}
    for text in texts:
        if text is not None:
            codes_by_text.setdefault(text, len(codes_by_text))
    lookup = np.array([-1 if text is None else codes_by_text[text] for text in texts] + [-1], dtype=np.intp)
    return CategoryColumn(lookup[places.astype(np.intp)], list(codes_by_text))


def level_text(value: Any) -> str | None:
    """A category as text, the same whatever type it came in; None for a missing one.

    >>> [level_text(value) for value in (True, 3, 3.0, 3.5, "three", None, float("nan"))]
    ['true', '3', '3', '3.5', 'three', None, None]
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if np.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
