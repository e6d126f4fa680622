"""One row for each group. The result does not depend on the order of rows, and none of it needs all of them at once."""

# ruff: noqa: S608  every name in these texts is a number of our own: tables.py

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from evermodel.data.exact import exact_sum, number
from evermodel.data.tables import IN_WORDS, Table, require, same_keys
from evermodel.errors import DataError, SpecError
from evermodel_api.training import Aggregate

_LARGEST_SQUARED = 500
_PAIR = ("first", "last")
_OF_NUMBERS = ("sum", "mean", "std", "median")
_APART = ("std", "median")
_FUNCTIONS = ("count", "distinct", "sum", "mean", "std", "min", "max", "median", "first", "last")


@dataclass(frozen=True)
class _Item:
    """A new column."""

    name: str
    column: str
    function: str
    order: str | None
    where: str


def check_aggregate(step: Aggregate, where: str) -> None:
    """Check what can be checked before any row is read.

    Raises:
        SpecError: `CombineInvalid`.
    """
    for item in _items(step, where):
        if item.function not in _FUNCTIONS:
            raise SpecError(
                "CombineInvalid",
                f"{item.where} names the function {item.function!r}, which is none; "
                f"the functions are {', '.join(_FUNCTIONS)}",
            )
        if (item.function in _PAIR) != (item.order is not None):
            raise SpecError(
                "CombineInvalid",
                f"{item.where}: first and last take the column that orders as a third item, and no other function "
                "does; write [column, last, column that orders] or [column, function]",
            )
        if item.name in step.by:
            raise SpecError("CombineInvalid", f"{item.where} is also a column of by; give the new column another name")


def _items(step: Aggregate, where: str) -> list[_Item]:
    return [
        _Item(name, parts[0], parts[1], parts[2] if len(parts) > 2 else None, f"{where}.agg.{name}")
        for name, parts in step.agg.items()
    ]


def summed_columns(table: Table, step: Aggregate, where: str) -> list[str]:
    """Columns of floating-point numbers that are added up: how large their largest value is has to be known.

    Raises:
        SpecError: `CombineInvalid` when a column is not there, or a function does not take its values.
    """
    require(table, step.by, f"{where}.by")
    for name in step.by:
        if table.kind(name) == "other":
            raise SpecError(
                "CombineInvalid", f"{where}.by: {name!r} holds {IN_WORDS['other']}, which make no groups; name another"
            )
    summed = []
    for item in _items(step, where):
        require(table, [item.column, *([item.order] if item.order else [])], item.where)
        _check_kinds(table, item)
        is_float = pa.types.is_floating(table.schema.field(item.column).type)
        if item.function in {"sum", "mean", "std"} and (is_float or item.function == "std"):
            summed.append(item.column)
    return list(dict.fromkeys(summed))


def _check_kinds(table: Table, item: _Item) -> None:
    kind = table.kind(item.column)
    if item.function in _OF_NUMBERS and kind not in {"number", "boolean", "nothing"}:
        raise _unsuited(item, item.column, IN_WORDS[kind], "numbers")
    if item.function != "count" and kind == "other":
        raise _unsuited(item, item.column, IN_WORDS[kind], "values of one type")
    if item.order and table.kind(item.order) == "other":
        raise _unsuited(item, item.order, IN_WORDS["other"], "values of one type")


def _unsuited(item: _Item, column: str, has: str, wants: str) -> SpecError:
    return SpecError(
        "CombineInvalid",
        f"{item.where}: {column!r} holds {has}, and {item.function} takes {wants}; name another column or function",
    )


def aggregate_sql(table: Table, step: Aggregate, exponent: Mapping[str, int], where: str) -> tuple[str, pa.Schema]:
    """SQL of the step and what it gives: the columns of `by`, then the new ones.

    Args:
        table: what is grouped.
        step: how, as `check_aggregate` and `summed_columns` have found right.
        exponent: what `exponents` gave for `summed_columns`.
        where: the step's place in the spec.
    """
    items = _items(step, where)
    keys = [table.column(name) for name in step.by]
    fields = [table.schema.field(name) for name in step.by]
    selected = [f"{key} AS c{i}" for i, key in enumerate(keys)]
    outer = [f"g.c{i} AS c{i}" for i in range(len(keys))]
    joins = []
    for i, item in enumerate(items, start=len(keys)):
        fields.append(pa.field(item.name, _type(table, item)))
        if item.function in _APART:
            apart = _median(table, keys, item) if item.function == "median" else _std(table, keys, item, exponent)
            matched = same_keys("g", f"a{i}", [(f"c{k}", f"k{k}") for k in range(len(keys))])
            joins.append(f"LEFT JOIN ({apart}) AS a{i} ON {matched}")
            outer.append(f"a{i}.v AS c{i}")
        else:
            selected.append(f"{_expression(table, item, exponent)} AS c{i}")
            outer.append(f"g.c{i} AS c{i}")
    grouped = f"SELECT {', '.join(selected)} FROM {table.relation} GROUP BY {', '.join(keys)}"
    return f"SELECT {', '.join(outer)} FROM ({grouped}) AS g {' '.join(joins)}", pa.schema(fields)


def _type(table: Table, item: _Item) -> pa.DataType:
    if item.function in {"count", "distinct"}:
        return pa.int64()
    return pa.float64() if item.function in _OF_NUMBERS else table.schema.field(item.column).type


def _expression(table: Table, item: _Item, exponent: Mapping[str, int]) -> str:
    column = table.column(item.column)
    if item.function in {"count", "min", "max"}:
        return f"{item.function}({column})"
    if item.function == "distinct":
        return f"count(DISTINCT {column})"
    if item.function in _PAIR:
        assert item.order is not None  # noqa: S101  check_aggregate has seen to it
        order = table.column(item.order)
        chosen = "arg_min" if item.function == "first" else "arg_max"
        # Among values of one moment the smaller or larger decides: any other choice would follow the order of rows.
        pair = f"struct_pack(o := {order}, v := {column})"
        return f"{chosen}({column}, {pair}) FILTER (WHERE {column} IS NOT NULL AND {order} IS NOT NULL)"
    total = _total(table, item.column, exponent)
    return total if item.function == "sum" else f"{total} / count({column})"


def _total(table: Table, name: str, exponent: Mapping[str, int]) -> str:
    if pa.types.is_floating(table.schema.field(name).type):
        return exact_sum(table.column(name), exponent[name])
    return f"CAST(sum(CAST({table.column(name)} AS BIGINT)) AS DOUBLE)"


def _median(table: Table, keys: Sequence[str], item: _Item) -> str:
    """By sorting, which DuckDB does on disk where there is no room; its own median holds all values in memory."""
    back = ", ".join(f"k{i}" for i in range(len(keys)))
    present = f"{table.relation} WHERE {table.column(item.column)} IS NOT NULL"
    values = f"SELECT {_named(keys)}, {number(table, item.column)} AS x FROM {present}"
    ranked = (
        f"SELECT {back}, x, row_number() OVER (PARTITION BY {back} ORDER BY x) AS r, "
        f"count(*) OVER (PARTITION BY {back}) AS n FROM ({values})"
    )
    middle = "r = (n + 1) // 2 OR r = (n + 2) // 2"
    return f"SELECT {back}, (min(x) + max(x)) / 2 AS v FROM ({ranked}) WHERE {middle} GROUP BY {back}"


def _std(table: Table, keys: Sequence[str], item: _Item, exponent: Mapping[str, int]) -> str:
    """Of a sample (n - 1), in two passes: the squares of what lies between each value and its group's mean."""
    column, size = table.column(item.column), exponent[item.column]
    if size > _LARGEST_SQUARED:
        raise DataError(
            "InfiniteValues",
            f"{item.where}: {item.column!r} holds values beyond 1e150, whose squares are infinite; scale the column",
        )
    back = ", ".join(f"k{i}" for i in range(len(keys)))
    present = f"{table.relation} WHERE {column} IS NOT NULL"
    values = f"SELECT {_named(keys)}, {number(table, item.column)} AS x FROM {present}"
    means = f"SELECT {back}, {exact_sum('x', size)} / count(x) AS m FROM ({values}) GROUP BY {back}"
    matched = same_keys("v", "m", [(f"k{i}", f"k{i}") for i in range(len(keys))])
    own = ", ".join(f"v.k{i} AS k{i}" for i in range(len(keys)))
    apart = f"SELECT {own}, v.x - m.m AS d FROM ({values}) AS v JOIN ({means}) AS m ON {matched}"
    variance = f"{exact_sum('(d * d)', 2 * size + 2)} / (count(d) - 1)"
    return f"SELECT {back}, CASE WHEN count(d) > 1 THEN sqrt({variance}) END AS v FROM ({apart}) GROUP BY {back}"


def _named(keys: Sequence[str]) -> str:
    return ", ".join(f"{key} AS k{i}" for i, key in enumerate(keys))
