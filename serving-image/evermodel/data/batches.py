"""Batches of records: made of Python values, brought to one schema, and put together to a frame."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

BATCH_ROWS = 10_000
"""Rows of a batch, at most."""
_MIXED = {b"evermodel": b"mixed"}
"""Marks a column of JSON texts that stand for values of several types: `to_frame` gives the values themselves."""
_KNOWN = (bool, int, float, str, bytes, date, datetime, time, timedelta, dict, list)


def batch_of(columns: Mapping[str, Sequence[Any]]) -> pa.RecordBatch:
    """A batch of Python values; None is missing.

    Decimals become numbers of double precision, values of types that no table has (UUIDs, network addresses) their
    text. A column whose values have several types keeps them, as `is_mixed` tells.
    """
    made = {name: _array(values) for name, values in columns.items()}
    fields = [pa.field(name, array.type, metadata=_MIXED if mixed else None) for name, (array, mixed) in made.items()]
    return pa.RecordBatch.from_arrays([array for array, _ in made.values()], schema=pa.schema(fields))


def batch_of_rows(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """A batch of rows that may lack columns, in the order in which these appear first."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return batch_of({name: [row.get(name) for row in rows] for name in names})


def is_mixed(field: pa.Field) -> bool:
    """Whether a column holds JSON texts for values of several types."""
    return field.metadata is not None and field.metadata.get(b"evermodel") == b"mixed"


def _array(values: Sequence[Any]) -> tuple[pa.Array, bool]:
    simple = [float(value) if isinstance(value, Decimal) else value for value in values]
    try:
        made = pa.array(simple)
    except (pa.ArrowException, OverflowError):
        return _mended(simple)
    return (made, False) if not isinstance(made.type, pa.BaseExtensionType) else _mended(simple)


def _mended(values: Sequence[Any]) -> tuple[pa.Array, bool]:
    known: list[Any] = [value if value is None or isinstance(value, _KNOWN) else str(value) for value in values]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known if value is not None):
        return pa.array([None if value is None else float(value) for value in known], pa.float64()), False
    if all(isinstance(value, str) for value in known if value is not None):
        return pa.array(known, pa.string()), False
    return pa.array([_json(value) for value in known], pa.string()), True


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, default=str)


def merge_schemas(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """One schema that holds the columns of all, in the order of their first appearance.

    Whole and other numbers become numbers; no values at all become anything; what cannot be one type becomes mixed.
    """
    merged: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema:
            before = merged.get(field.name)
            if before is None:
                merged[field.name] = field
            elif not (before.type == field.type and is_mixed(before) == is_mixed(field)):
                merged[field.name] = _merged(before, field)
    return pa.schema(list(merged.values()))


def _merged(one: pa.Field, other: pa.Field) -> pa.Field:
    present = [field for field in (one, other) if not pa.types.is_null(field.type)]
    if len(present) == 1:
        return present[0]
    mixed = pa.field(one.name, pa.string(), metadata=_MIXED)
    if is_mixed(one) or is_mixed(other):
        return mixed
    plain = [pa.schema([pa.field(one.name, plain_type(field.type))]) for field in (one, other)]
    try:
        return pa.unify_schemas(plain, promote_options="permissive").field(0)
    except pa.ArrowException:
        return mixed


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values of a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def fit_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with the columns and types of a schema that `merge_schemas` made of its own and others."""
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    there = set(batch.schema.names)
    arrays = [
        _fitted(batch.column(field.name), batch.schema.field(field.name), field)
        if field.name in there
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _fitted(array: pa.Array, own: pa.Field, wanted: pa.Field) -> pa.Array:
    if pa.types.is_null(own.type):
        return pa.nulls(len(array), wanted.type)
    if is_mixed(wanted) and not is_mixed(own):
        return as_mixed(array, own.name)[0]
    if pa.types.is_integer(own.type) and pa.types.is_floating(wanted.type):
        return pc.cast(array, wanted.type, safe=False)  # an identity number beyond 2**53 is rounded, and no error
    return array.cast(wanted.type)


def as_mixed(array: pa.Array, name: str) -> tuple[pa.Array, pa.Field]:
    """Values as JSON texts, and the field that says so."""
    texts = pa.array([_json(value) for value in array.to_pylist()], pa.string())
    return texts, pa.field(name, pa.string(), metadata=_MIXED)


def to_table(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """All batches as one table of one schema."""
    held = list(batches)
    schema = merge_schemas(batch.schema for batch in held)
    return pa.Table.from_batches([fit_batch(batch, schema) for batch in held], schema)


def to_frame(batches: Iterable[pa.RecordBatch]) -> pd.DataFrame:
    """All batches as a frame, whose mixed columns hold the values themselves."""
    return table_frame(to_table(batches))


def table_frame(table: pa.Table) -> pd.DataFrame:
    """The rows of a table; a column of numbers with gaps becomes one of floats."""
    mixed = {field.name: table.column(field.name) for field in table.schema if is_mixed(field)}
    frame: pd.DataFrame = table.to_pandas()
    for name, texts in mixed.items():
        frame[name] = pd.Series(list(map(_value, texts.to_pylist())), dtype=object, index=frame.index)
    return frame


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)
