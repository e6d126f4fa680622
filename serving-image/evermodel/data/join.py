"""Columns of two tables side by side, after a look at whether their keys are what the spec says."""

# ruff: noqa: S608  every name in these texts is a number of our own: tables.py

from typing import Any, Protocol

import pyarrow as pa

from evermodel.data.tables import IN_WORDS, Table, require
from evermodel.errors import DataError, SpecError
from evermodel_api.training import Join


class Ask(Protocol):
    """Runs a query and gives its first row; None when there is none."""

    def __call__(self, sql: str) -> tuple[Any, ...] | None:
        """The first row."""


def check_columns(left: Table, right: Table, step: Join, where: str) -> None:
    """Check that both have the keys, of one kind, and no other column in common.

    Raises:
        SpecError: `CombineInvalid`.
        DataError: `JoinInvalid` when keys of different kinds would have to be equal.
    """
    for table in (left, right):
        require(table, step.on, f"{where}.on")
    for key in step.on:
        kinds = left.kind(key), right.kind(key)
        if "other" in kinds or (kinds[0] != kinds[1] and "nothing" not in kinds):
            raise DataError(
                "JoinInvalid",
                f"{where}.on: the key {key!r} holds {IN_WORDS[kinds[0]]} in {left.name!r} and {IN_WORDS[kinds[1]]} in "
                f"{right.name!r}; give it one type in both",
            )
    shared = [name for name in right.schema.names if name in left.schema.names and name not in step.on]
    if shared:
        raise SpecError(
            "CombineInvalid",
            f"{where}: {left.name!r} and {right.name!r} both have the column {shared[0]!r}, which is no key; add it to "
            "on, or rename or leave out one of them",
        )


def check_keys(left: Table, right: Table, step: Join, ask: Ask, where: str) -> None:
    """Check that keys repeat only where they may, and that enough rows of the left have a match.

    Rows without a key match nothing, so their keys do not count as repeated.

    Raises:
        DataError: `JoinInvalid` naming a key that repeats, or the share of rows without a match.
    """
    single_left, single_right = (part == "one" for part in step.validate_.split("_to_"))
    for table, single in ((left, single_left), (right, single_right)):
        if single and (found := ask(_repeated(table, step))) is not None:
            key = ", ".join(f"{name} = {value!s}" for name, value in zip(step.on, found[:-1], strict=True))
            raise DataError(
                "JoinInvalid",
                f"{where}.validate is {step.validate_}, and {table.name!r} has {found[-1]} rows with {key}; "
                "aggregate or dedupe it first, or correct validate",
            )
    if step.max_unmatched is not None and (counted := ask(_unmatched(left, right, step))) is not None:
        unmatched, rows = counted
        if rows and unmatched / rows > step.max_unmatched:
            raise DataError(
                "JoinInvalid",
                f"{where}: {unmatched} of {rows} rows of {left.name!r} have no match in {right.name!r}, and "
                f"maxUnmatched allows a share of {step.max_unmatched:g}; correct the keys or the data",
            )


def _repeated(table: Table, step: Join) -> str:
    keys = [table.column(name) for name in step.on]
    listed, present = ", ".join(keys), " AND ".join(f"{key} IS NOT NULL" for key in keys)
    return (
        f"SELECT {', '.join(f'CAST({key} AS VARCHAR)' for key in keys)}, count(*) FROM {table.relation} "
        f"WHERE {present} GROUP BY {listed} HAVING count(*) > 1 ORDER BY {listed} LIMIT 1"
    )


def _unmatched(left: Table, right: Table, step: Join) -> str:
    matches = f"SELECT 1 FROM {right.relation} AS r WHERE {_equal(left, right, step)}"
    return f"SELECT count(*) FILTER (WHERE NOT EXISTS ({matches})), count(*) FROM {left.relation} AS l"


def _equal(left: Table, right: Table, step: Join) -> str:
    return " AND ".join(f"l.{left.column(name)} = r.{right.column(name)}" for name in step.on)


def join_sql(left: Table, right: Table, step: Join) -> tuple[str, pa.Schema]:
    """SQL of the step and what it gives: all columns of the left, then those of the right that are no keys."""
    added = [name for name in right.schema.names if name not in step.on]
    columns = [f"l.{left.column(name)}" for name in left.schema.names] + [f"r.{right.column(name)}" for name in added]
    fields = [*left.schema, *(right.schema.field(name) for name in added)]
    selected = ", ".join(f"{column} AS c{i}" for i, column in enumerate(columns))
    kind = "LEFT JOIN" if step.how == "left" else "JOIN"
    sql = (
        f"SELECT {selected} FROM {left.relation} AS l {kind} {right.relation} AS r "
        f"ON {_equal(left, right, step)}"
    )  # fmt: skip
    return sql, pa.schema(fields)
