"""Relational steps that end in one table. DuckDB does them; `tests/bench/collect` says why it and not pandas."""

# ruff: noqa: S608  every name in these texts is a number of our own: tables.py

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from evermodel.data.aggregate import aggregate_sql, summed_columns
from evermodel.data.batches import merge_schemas
from evermodel.data.engine import Engine
from evermodel.data.exact import exponents, magnitudes_sql
from evermodel.data.join import check_columns, check_keys, join_sql
from evermodel.data.plan import needed, step_parts
from evermodel.data.spool import Spooled, restored
from evermodel.data.tables import IN_WORDS, Table, kind_of
from evermodel.errors import DataError, SpecError
from evermodel_api.training import Aggregate, CombineStep, Join, Union


def combine(
    spooled: Mapping[str, Spooled], steps: Sequence[CombineStep], folder: Path, memory_limit: int | None
) -> pa.Table:
    """The rows of the last step, in an order that follows from their content.

    Args:
        spooled: the sources, by name, as far as the last step needs them.
        steps: as `evermodel.data.plan.check_steps` has found right.
        folder: where intermediate tables are kept.
        memory_limit: bytes that DuckDB may use; half of the pod's memory when None. The rows that come out are held
            in memory beside it.

    Raises:
        SpecError: `CombineInvalid` when a column is not there or does not suit.
        DataError: `JoinInvalid`, `InfiniteValues`, `NoRows` when a source has no columns.
        RunError: `OutOfMemory`, `ScratchFull`.
    """
    engine = Engine(folder, memory_limit)
    try:
        tables = {name: _source_table(name, source) for name, source in spooled.items()}
        for i in needed(list(spooled), steps)[1]:
            where, _, makes = step_parts(steps[i], f"data.combine[{i}]")
            sql, schema = _step(engine, tables, steps[i], where)
            if i < len(steps) - 1:
                relation = f"t{i}"
                # A union is read where it is used: keeping it would only copy it.
                engine.run(f"CREATE {'VIEW' if steps[i].union is not None else 'TABLE'} {relation} AS {sql}")
                tables[makes] = Table(makes, relation, schema)
        found = engine.table(sql)
    finally:
        engine.close()
    columns = [restored(found.column(i), field) for i, field in enumerate(schema)]
    return pa.Table.from_arrays(columns, schema=schema)


def _source_table(name: str, source: Spooled) -> Table:
    if not source.schema.names:
        raise DataError("NoRows", f"source {name!r} gave no rows; check its query, its address or its file")
    files = ", ".join("'{}'".format(str(path).replace("'", "''")) for path in source.files)
    return Table(name, f"read_parquet([{files}])", source.schema)


def _step(engine: Engine, tables: Mapping[str, Table], step: CombineStep, where: str) -> tuple[str, pa.Schema]:
    if step.aggregate is not None:
        return _aggregate(engine, tables, step.aggregate, where)
    if step.join is not None:
        return _join(engine, tables, step.join, where)
    assert step.union is not None  # noqa: S101  step_parts has seen to it
    return _union(tables, step.union, where)


def _aggregate(engine: Engine, tables: Mapping[str, Table], step: Aggregate, where: str) -> tuple[str, pa.Schema]:
    table = tables[step.in_]
    summed = summed_columns(table, step, where)
    largest = engine.first_row(magnitudes_sql(table, summed)) if summed else None
    return aggregate_sql(table, step, exponents(table, summed, largest or ()), where)


def _join(engine: Engine, tables: Mapping[str, Table], step: Join, where: str) -> tuple[str, pa.Schema]:
    left, right = tables[step.left], tables[step.right]
    check_columns(left, right, step, where)
    check_keys(left, right, step, engine.first_row, where)
    return join_sql(left, right, step)


def _union(tables: Mapping[str, Table], step: Union, where: str) -> tuple[str, pa.Schema]:
    first, *others = (tables[name] for name in step.of)
    for other in others:
        if odd := sorted(set(first.schema.names) ^ set(other.schema.names)):
            having, lacking = (first, other) if odd[0] in first.schema.names else (other, first)
            raise SpecError(
                "CombineInvalid",
                f"{where}: {having.name!r} has the column {odd[0]!r} and {lacking.name!r} has not; "
                "tables of a union have the same columns",
            )
    for name in first.schema.names:
        kinds = {kind_of(table.schema.field(name)) for table in (first, *others)} - {"nothing"}
        if len(kinds) > 1:
            words = " and ".join(sorted(IN_WORDS[kind] for kind in kinds))
            raise DataError(
                "MixedTypes", f"{where}: the column {name!r} holds {words} in different tables; give it one type"
            )
    schema = merge_schemas(table.schema for table in (first, *others))
    parts = [_selected(table, schema) for table in (first, *others)]
    return " UNION ALL ".join(parts), schema


def _selected(table: Table, schema: pa.Schema) -> str:
    columns = ", ".join(f"{table.column(name)} AS c{i}" for i, name in enumerate(schema.names))
    return f"SELECT {columns} FROM {table.relation}"
