"""Tables that are combined: columns by number, so that nothing a user wrote ever stands in an SQL text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from evermodel.data.batches import is_mixed
from evermodel.errors import SpecError

Kind = Literal["number", "boolean", "text", "moment", "time", "nothing", "other"]


@dataclass(frozen=True)
class Table:
    """A table that DuckDB can read, whose columns are named c0, c1 and so on there."""

    name: str
    """As the spec has it."""
    relation: str
    """What stands behind FROM."""
    schema: pa.Schema
    """The columns' own names, and their canonical types."""

    def column(self, name: str) -> str:
        """The name of a column in SQL."""
        return f"c{self.schema.get_field_index(name)}"

    def kind(self, name: str) -> Kind:
        """What a column holds."""
        return kind_of(self.schema.field(name))


def kind_of(field: pa.Field) -> Kind:
    """What a column of a canonical type holds; "other" can be passed on and not be compared."""
    if is_mixed(field):
        return "other"
    for test, kind in _KINDS:
        if test(field.type):
            return kind
    return "other"


_KINDS: tuple[tuple[Callable[[pa.DataType], bool], Kind], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_integer, "number"),
    (pa.types.is_floating, "number"),
    (pa.types.is_string, "text"),
    (pa.types.is_date, "moment"),
    (pa.types.is_timestamp, "moment"),
    (pa.types.is_time, "time"),
    (pa.types.is_null, "nothing"),
)
IN_WORDS: dict[Kind, str] = {
    "number": "numbers",
    "boolean": "booleans",
    "text": "text",
    "moment": "dates",
    "time": "times of day",
    "nothing": "nothing",
    "other": "values of several or unusual types",
}
"""Kinds, as messages name them."""


def require(table: Table, names: Sequence[str], where: str) -> None:
    """Check that a table has these columns.

    Raises:
        SpecError: `CombineInvalid` naming the place in the spec, the column, and the columns there are.
    """
    for name in names:
        if name not in table.schema.names:
            there = ", ".join(table.schema.names) or "none"
            raise SpecError(
                "CombineInvalid",
                f"{where} names the column {name!r}, which {table.name!r} has not; it has {there}",
            )


def same_keys(left: str, right: str, keys: Sequence[tuple[str, str]]) -> str:
    """SQL: whether the keys of two rows are equal, where missing equals missing."""
    return " AND ".join(f"{left}.{one} IS NOT DISTINCT FROM {right}.{other}" for one, other in keys)
