"""A window: the rows that one evaluation looks at, and what is known of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evermodel.artifact.signature import ColumnSignature
from evermodel.monitoring.columns import CategoryColumn, NumberColumn, category_column, number_column

_SEED = 0
"""Fixed: the same rows give the same sample, and so the same report."""

Column = NumberColumn | CategoryColumn
Columns = Mapping[str, Column]
_CELLS_AT_ONCE = 4_000_000
"""Cells of columns that are in memory together: 32 MB."""


class LazyColumns(Columns):
    """Columns that are read when they are asked for, so that a window may be larger than memory."""

    def __init__(self, names: Sequence[str], rows: int, read: Callable[[Sequence[str]], Columns]) -> None:
        """`read` gives the columns of these names, all of `rows` rows."""
        self._names = tuple(names)
        self._rows = rows
        self._read = read

    def __getitem__(self, name: str) -> Column:
        if name not in self._names:
            raise KeyError(name)
        return self._read([name])[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def groups(self) -> Iterator[Columns]:
        """All columns, as many at once as memory is meant for."""
        together = max(_CELLS_AT_ONCE // max(self._rows, 1), 1)
        for first in range(0, len(self._names), together):
            yield self._read(self._names[first : first + together])


def grouped(columns: Columns) -> Iterator[Columns]:
    """All columns in groups that fit into memory; what is in memory already is one group."""
    if isinstance(columns, LazyColumns):
        yield from columns.groups()
    else:
        yield columns


@dataclass(frozen=True, slots=True)
class Labelled:
    """The rows whose truth is known: what was answered and what was true, as JSON values, row by row."""

    predicted: list[Any]
    truth: list[Any]
    probabilities: NDArray[np.float64] | None = None
    """Shape (rows, classes) in the signature's order; None where they are not known."""
    moments: list[datetime] | None = None
    """When each row came; None where nobody knows: then rows are in the order in which they came."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to every row of a window."""

    predicted: list[Any]
    """As JSON values."""
    probabilities: NDArray[np.float64] | None = None
    """Shape (rows, classes); None where they are not known."""


@dataclass(frozen=True, slots=True)
class Window:
    """What one evaluation looks at."""

    rows: int
    """Rows looked at, at most `window.maxRows`."""
    seen: int
    """Rows there were."""
    columns: Columns
    """The features that can be compared."""
    labelled: Labelled | None = None
    """None where no row has a label."""
    answered: Answered | None = None
    """None where nobody asked for it."""
    absent: tuple[str, ...] = ()
    """Features that were not kept in (all of) the log, so that they cannot be compared."""
    start: datetime | None = None
    end: datetime | None = None
    newest: datetime | None = None
    """When the newest row came; None where nobody knows."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What was read, with digests."""

    @property
    def coverage(self) -> float:
        """Share of the rows that have a label."""
        return len(self.labelled.truth) / self.rows if self.labelled and self.rows else 0.0


class Reservoir:
    """Keeps at most `size` of all rows that come, each with the same chance, without holding more than twice as many.

    Each row draws a number and the smallest stay. The same rows in the same order give the same sample, in their order.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._random = np.random.default_rng(_SEED)
        self._tables: list[pa.Table] = []
        self._draws: list[NDArray[np.float64]] = []
        self.seen = 0

    def add(self, table: pa.Table) -> None:
        """Offer rows."""
        self.seen += table.num_rows
        self._tables.append(table)
        self._draws.append(self._random.random(table.num_rows))
        if sum(map(len, self._draws)) > 2 * self._size:
            self._shrink()

    def sample(self) -> pa.Table | None:
        """The rows that were kept, in the order in which they came; None when none was ever offered."""
        if not self._tables:
            return None
        self._shrink()
        return self._tables[0]

    def _shrink(self) -> None:
        table = pa.concat_tables(self._tables, promote_options="permissive")
        draws = np.concatenate(self._draws)
        if len(draws) > self._size:
            kept = np.sort(np.argpartition(draws, self._size)[: self._size])
            table, draws = table.take(pa.array(kept)), draws[kept]
        self._tables, self._draws = [table], [draws]


def sampled_rows(rows: int, size: int) -> NDArray[np.intp] | None:
    """The rows that a `Reservoir` would keep of one table of so many; None for all of them."""
    if rows <= size:
        return None
    draws = np.random.default_rng(_SEED).random(rows)
    return np.sort(np.argpartition(draws, size)[:size])


def read_columns(table: pa.Table, features: Iterable[ColumnSignature]) -> Columns:
    """The features that the table has, as the signature says they are to be read."""
    return {
        feature.name: (number_column if feature.kind == "number" else category_column)(table[feature.name])
        for feature in features
        if feature.name in table.column_names
    }
