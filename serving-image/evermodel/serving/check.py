"""Checks of values against the signature. Pure: JSON values in, clean columns out, or a sentence about one cell.

Policy for missing values: JSON null, and an empty value in a path, are missing. A column takes them where the model was
seen to answer without its value when it was made (`takes_missing`). NaN and infinities are not JSON and are
refused. Categories that training never saw are taken: the pipeline knows what to do with them, and the monitor counts
them. Rows count from 0.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.cells import category_text
from evermodel.artifact.golden import Cell
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.serving.faults import BadRequestError, TooLargeError
from evermodel.serving.limits import STANDARD

Columns = list[list[Cell]]
"""One list for each column of the signature, in its order; all have one value for each row. Numbers are int or float,
categories are text as in training, None is missing. In place of a list of numbers there may be an array of them."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SHOWN = 60
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


def show(value: object) -> str:
    """A value as JSON, cut to a length that fits into a sentence: no more is read of a large or deep one."""
    if type(value) is str and len(value) <= _SHOWN:  # names, which sentences begin with: at once
        text = _ENCODER.encode(value)
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    text = ""
    for piece in _ENCODER.iterencode(value):
        text += piece
        if len(text) > _SHOWN:
            return f"{text[: _SHOWN - 1]}…"
    return text


def list_names(names: Sequence[str], limit: int = 20) -> str:
    """Names for a sentence: at most `limit` of them."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def check_row_count(count: int, limit: int = STANDARD.rows) -> None:
    """Refuse no rows and too many rows."""
    if count == 0:
        raise BadRequestError("there is no row to predict; send at least one")
    if count > limit:
        raise TooLargeError(f"the request has {count} rows and the limit is {limit}; send them in several requests")


def columns_from_rows(
    signature: Signature, rows: Sequence[object], *, text: bool = False, limit: int = STANDARD.rows
) -> Columns:
    """Check rows whose values come in the signature's order; with `text`, numbers are read from text.

    A model of one column also takes bare values instead of rows of one.

    Raises:
        BadRequestError: which row, which column, what was expected and what came.
        TooLargeError: too many rows.
    """
    check_row_count(len(rows), limit)
    width = len(signature.columns)
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            if width == 1 and not isinstance(row, dict):
                continue
            raise BadRequestError(
                f"row {number}: expected a list of {width} values or an object by column name, got {show(row)}"
            )
        if len(row) != width:
            raise BadRequestError(
                f"row {number}: expected {width} values ({list_names(signature.names)}), got {len(row)}"
            )
    lists = [row if isinstance(row, list) else [row] for row in rows]
    columns = [list(values) for values in zip(*lists, strict=True)]
    return check_columns(signature, columns, text=text)


def columns_from_objects(signature: Signature, rows: Sequence[object], *, limit: int = STANDARD.rows) -> Columns:
    """Check rows that are objects by column name, in any order of the names.

    Raises:
        BadRequestError: which row, which column, what was expected and what came.
        TooLargeError: too many rows.
    """
    check_row_count(len(rows), limit)
    names = signature.names
    known = set(names)
    objects: list[Mapping[str, object]] = []
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise BadRequestError(f"row {number}: expected an object by column name as in row 0, got {show(row)}")
        if row.keys() != known:
            raise BadRequestError(f"row {number}: {name_difference(names, list(row))}")
        objects.append(row)
    return check_columns(signature, [[row[name] for row in objects] for name in names])


def name_difference(expected: Sequence[str], given: Sequence[str]) -> str:
    """Sentence about column names that are unknown or missing."""
    unknown = [name for name in given if name not in set(expected)]
    if unknown:
        return f"unknown column {show(unknown[0])}; the columns are {list_names(expected)}"
    missing = [name for name in expected if name not in set(given)]
    return f"column {list_names(missing)} is not there; send a value, or null where it is not known"


def check_columns(signature: Signature, columns: Sequence[Sequence[object]], *, text: bool = False) -> Columns:
    """Check the values of each column; all columns have the same length."""
    pairs = zip(signature.columns, columns, strict=True)
    return [check_column(column, values, text=text) for column, values in pairs]


_PLAIN_NUMBERS = frozenset({float, int, type(None)})
_PLAIN_TEXTS = frozenset({str, type(None)})


def check_column(column: ColumnSignature, values: Sequence[object], *, text: bool = False) -> list[Cell]:
    """Check the values of one column; with `text`, numbers are read from text.

    Raises:
        BadRequestError: which row, which column, what was expected and what came.
    """
    types = set(map(type, values))
    if not column.takes_missing and (type(None) in types or (text and "" in values)):
        row = next(number for number, value in enumerate(values) if value is None or (text and value == ""))
        raise _missing(column, row, values[row])
    is_number = column.kind == "number"
    if is_number and types <= _PLAIN_NUMBERS:
        return list(values)  # type: ignore[arg-type]  # the set of types says so
    if not is_number and column.datatype == "BYTES" and column.format is None and types <= _PLAIN_TEXTS and not text:
        return list(values)  # type: ignore[arg-type]  # the set of types says so
    read = _reader(column, text=text)
    cells: list[Cell] = []
    for row, value in enumerate(values):
        if value is None or (text and value == ""):
            cells.append(None)
            continue
        cell = read(value)
        if cell is None:
            raise BadRequestError(f"row {row}, column {column.name}: expected {_expected(column)}, got {show(value)}")
        cells.append(cell)
    return cells


def check_numbers(column: ColumnSignature, values: NDArray[Any]) -> list[Cell]:
    """Check the values of one column that came as an array of numbers; NaN is missing.

    Raises:
        BadRequestError: which row, which column, what was expected and what came.
    """
    numbers = values.astype(np.float64)
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(infinite.argmax())
        raise BadRequestError(
            f"row {row}, column {column.name}: expected {_expected(column)}, got {show(float(numbers[row]))}"
        )
    missing = np.isnan(numbers)
    if column.kind != "number":
        cells = zip(values.tolist(), missing.tolist(), strict=True)
        return check_column(column, [None if is_missing else value for value, is_missing in cells])
    if not column.takes_missing and missing.any():
        raise _missing(column, int(missing.argmax()), None)
    return cast("list[Cell]", numbers)


def number_matrix(signature: Signature, values: NDArray[Any]) -> NDArray[np.float64]:
    """Check rows that came as one matrix, for a model that takes numbers only; NaN is missing.

    Args:
        signature: of the model.
        values: shape (rows, columns), in the signature's order.

    Returns:
        The same as float64, C-contiguous.

    Raises:
        BadRequestError: which row, which column, what was expected and what came.
    """
    numbers = np.ascontiguousarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        for place, column in enumerate(signature.columns):
            check_numbers(column, numbers[:, place])
    return numbers


def rows_of_numbers(signature: Signature, rows: Sequence[object], limit: int) -> NDArray[np.float64] | None:
    """Rows of JSON as one matrix; None unless they are lists of numbers for a model that takes numbers only.

    Raises:
        BadRequestError: as `number_matrix`.
        TooLargeError: there are more rows than `limit`.
    """
    width = len(signature.columns)
    if not signature.takes_numbers or any(type(row) is not list or len(row) != width for row in rows):
        return None
    check_row_count(len(rows), limit)
    lists = cast("Sequence[list[object]]", rows)
    if not set(map(type, chain.from_iterable(lists))) <= _PLAIN_NUMBERS:
        return None
    return number_matrix(signature, np.array(lists, dtype=np.float64))


def _missing(column: ColumnSignature, row: int, value: object) -> BadRequestError:
    return BadRequestError(
        f"row {row}, column {column.name}: expected {_expected(column)}, got {show(value)}; "
        "this model takes no missing value there"
    )


def _expected(column: ColumnSignature) -> str:
    if column.kind == "number":
        return "a number"
    if column.format is not None:
        return "a date in ISO 8601, such as 2026-05-03T14:00:00Z"
    return "true or false" if column.datatype == "BOOL" else "a category (text)"


def _reader(column: ColumnSignature, *, text: bool) -> Callable[[object], Cell]:
    """What reads one value that is not missing; it answers None for a value that does not fit."""
    if column.kind == "number":
        return _number_from_text if text else _number
    if column.datatype == "BOOL":
        return _truth_value
    if column.format is not None:
        return _date
    levels = frozenset(column.levels)
    return (lambda value: _category_from_text(value, levels)) if text else _category


def _number(value: object) -> Cell:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else None


def _number_from_text(value: object) -> Cell:
    if not isinstance(value, str):
        return _number(value)
    stripped = value.strip()
    if len(stripped) > _SHOWN * 10 or not _NUMBER.fullmatch(stripped):
        return None
    return _number(float(stripped))


def _date(value: object) -> Cell:
    try:
        datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return str(value)


def _truth_value(value: object) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        lowered = value.strip().lower()
        return {"1": "true", "0": "false", "true": "true", "false": "false"}.get(lowered)
    if isinstance(value, int | float):
        return {1.0: "true", 0.0: "false"}.get(float(value))
    return None


def _category(value: object) -> Cell:
    return category_text(value) if isinstance(value, str | int | float) else None


def _category_from_text(value: object, levels: frozenset[str]) -> Cell:
    """Text as it is; where training has not seen it so but has seen the number that it writes, that number."""
    if not isinstance(value, str) or value in levels:
        return _category(value)
    number = _number_from_text(value)
    canonical = value if number is None else _category(number)
    return canonical if canonical in levels else value
