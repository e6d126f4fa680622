"""Sums of numbers without error, so that they are the same in whatever order rows come.

Adding floating-point numbers by turns gives other last digits in another order, and DuckDB's threads have no order. So
each number is cut into two whole numbers of 90 bits, which DuckDB adds without error, and the total is rounded at the
end. `tests/bench/collect` has what this costs.
"""

# ruff: noqa: S608  every name in these texts is a number of our own: tables.py

import math
from collections.abc import Sequence

from evermodel.data.tables import Table
from evermodel.errors import DataError

_BITS = 90
"""Of 127: leaves room for the sum of 2**36 numbers."""
_SMALLEST = -1000
"""Exponents that are smaller have no inverse among the numbers."""


def number(table: Table, name: str) -> str:
    """SQL: the values of a column as numbers of double precision."""
    return f"CAST({table.column(name)} AS DOUBLE)"


def magnitudes_sql(table: Table, columns: Sequence[str]) -> str:
    """SQL: the largest absolute value of each column, in one row."""
    largest = ", ".join(f"max(abs({number(table, name)}))" for name in columns)
    return f"SELECT {largest} FROM {table.relation}"


def exponents(table: Table, columns: Sequence[str], largest: Sequence[float | None]) -> dict[str, int]:
    """For each column the e for which all absolute values are below 2**e.

    Raises:
        DataError: `InfiniteValues`.
    """
    for name, value in zip(columns, largest, strict=True):
        if value is not None and math.isinf(value):
            raise DataError(
                "InfiniteValues",
                f"the column {name!r} of {table.name!r} holds infinite values, which cannot be added up; "
                "mend them in the source",
            )
    return {name: math.frexp(value or 0.0)[1] for name, value in zip(columns, largest, strict=True)}


def exact_sum(number: str, exponent: int) -> str:
    """SQL: the sum of an expression whose absolute values are at most 2**exponent, whatever the order of rows.

    Nothing is lost but what is smaller than 2**-180 of the largest value, or than 2**-1000; the total is rounded twice.
    """
    coarse = max(exponent - _BITS, _SMALLEST)
    fine = max(coarse - _BITS, _SMALLEST)
    high = f"CAST({number} * {_power(-coarse)} AS HUGEINT)"
    low = f"CAST(({number} - CAST({high} AS DOUBLE) * {_power(coarse)}) * {_power(-fine)} AS HUGEINT)"
    return f"(CAST(sum({high}) AS DOUBLE) * {_power(coarse)} + CAST(sum({low}) AS DOUBLE) * {_power(fine)})"


def _power(exponent: int) -> str:
    """2**exponent as SQL, digit for digit: DuckDB reads what repr writes as the same number."""
    return f"CAST('{2.0**exponent!r}' AS DOUBLE)"
