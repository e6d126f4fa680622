"""Holding rows against data.schema: right rows go on in the declared types, wrong ones are set aside, with the reasons.

Faults are found column by column; sentences are written for wrong rows only, and only when they are few enough to go
on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact.frame import category_text
from evermodel.data.casts import CASTS, Cast, Mask
from evermodel.data.rows import require_columns
from evermodel.errors import DataError
from evermodel_api.training import ColumnSchema, DataSchema

WRONG = "_wrong"
"""The column that says what is wrong with a row."""

_NAMES = {
    "int": "a whole number up to 2^53",
    "number": "a finite number",
    "category": "a category",
    "bool": "true or false",
    "date": "a date in ISO 8601",
}
_TOLD = 3
"""Kinds of faults that a message names."""


@dataclass(frozen=True)
class Checked:
    """Rows after the check."""

    right: pd.DataFrame
    """Right rows in their order, cast to the declared types, with a new index."""
    wrong: pd.DataFrame
    """Wrong rows in their order, as they came, with the column `_wrong`."""


@dataclass(frozen=True)
class _Fault:
    """One thing that is wrong with one column."""

    column: str
    said: str
    """What is wrong, after the column's name or the value."""
    rows: NDArray[np.intp]
    """Positions of the rows, ascending."""
    values: "pd.Series[Any] | None"
    """What the rows hold; None where nothing is there."""

    def of(self, row: int) -> str:
        """The fault of one row: age: -3 is below 0."""
        if self.values is None:
            return f"{self.column}: {self.said}"
        return f"{self.column}: {_shown(self.values.iloc[row])} {self.said}"


def check_rows(frame: pd.DataFrame, schema: DataSchema) -> Checked:
    """Right and wrong rows.

    Args:
        frame: the rows after combine, shape (rows, columns).
        schema: what a right row looks like. Columns that it does not name are not looked at.

    Raises:
        SpecError: `ColumnMissing`.
        DataError: `SchemaViolated` when a row is wrong and onFail.action is Fail, or more rows than onFail.maxRatio
            allows are.
    """
    require_columns(frame, list(schema.columns), "data.schema.columns")
    faults: list[_Fault] = []
    turned: dict[str, pd.Series[Any]] = {}
    for name, column in schema.columns.items():
        cast = CASTS[column.type](frame[name])
        faults.extend(fault for fault in _faults(name, column, frame[name], cast) if len(fault.rows))
        turned[name] = cast.series
    wrong = np.zeros(len(frame), dtype=bool)
    for fault in faults:
        wrong[fault.rows] = True
    _check_share(frame, schema, faults, int(wrong.sum()))
    right = frame.assign(**turned)
    if not wrong.any():
        return Checked(right.set_axis(pd.RangeIndex(len(right)), axis=0), frame.head(0).assign(**{WRONG: ""}))
    places = np.flatnonzero(wrong)
    quarantined = frame.take(places).assign(**{WRONG: _sentences(faults, places)})
    kept = right.take(np.flatnonzero(~wrong))
    return Checked(_narrowed(kept, schema).reset_index(drop=True), quarantined.reset_index(drop=True))


def _faults(name: str, column: ColumnSchema, raw: "pd.Series[Any]", cast: Cast) -> Iterator[_Fault]:
    missing = raw.isna().to_numpy()
    if not column.missing:
        yield _Fault(name, "is missing", np.flatnonzero(missing), None)
    yield _Fault(name, f"is not {_NAMES[column.type]}", np.flatnonzero(cast.wrong), raw)
    there = ~(missing | cast.wrong)
    for limit, said, beyond in _limits(column):
        yield _Fault(name, f"is {said} {category_text(limit)}", np.flatnonzero(there & beyond(cast.series, limit)), raw)
    right = column.values  # noqa: PD011  a field of the schema
    if right:
        known = cast.series.isin(right).to_numpy()
        yield _Fault(name, f"is not among {_listed(right)}", np.flatnonzero(there & ~known), raw)


def _limits(column: ColumnSchema) -> Iterator[tuple[float, str, Callable[["pd.Series[Any]", float], Mask]]]:
    if column.min is not None:
        yield column.min, "below", lambda values, limit: _compared(values < limit)
    if column.max is not None:
        yield column.max, "above", lambda values, limit: _compared(values > limit)


def _compared(answers: "pd.Series[Any]") -> Mask:
    return answers.to_numpy(dtype=bool, na_value=False)


def _check_share(frame: pd.DataFrame, schema: DataSchema, faults: list[_Fault], wrong: int) -> None:
    if not wrong:
        return
    on_fail = schema.on_fail
    if on_fail.action == "Fail":
        first = min(int(fault.rows[0]) for fault in faults)
        raise DataError(
            "SchemaViolated",
            f"{wrong} of {len(frame)} rows do not fit data.schema; the first is row {first}, counted from 0 "
            f"({'; '.join(_sentences(faults, np.array([first])))}); mend the source, correct data.schema, or set "
            "data.schema.onFail.action: Quarantine",
        )
    if wrong > on_fail.max_ratio * len(frame):
        raise DataError(
            "SchemaViolated",
            f"{wrong} of {len(frame)} rows ({wrong / len(frame):.2%}) do not fit data.schema, and onFail.maxRatio "
            f"allows {on_fail.max_ratio:.2%}: {_commonest(faults)}; mend the source, correct data.schema, or allow "
            "more",
        )


def _commonest(faults: list[_Fault]) -> str:
    ordered = sorted(faults, key=lambda fault: -len(fault.rows))
    told = [f"{len(fault.rows)} x {fault.of(int(fault.rows[0]))}" for fault in ordered[:_TOLD]]
    more = len(ordered) - len(told)
    return "; ".join(told) + (f"; and {more} more kinds" if more else "")


def _sentences(faults: list[_Fault], places: NDArray[np.intp]) -> list[str]:
    """Every fault of each of these rows, in the order of the schema."""
    said: dict[int, list[str]] = {place: [] for place in places.tolist()}
    for fault in faults:
        for row in fault.rows[np.isin(fault.rows, places)].tolist():
            said[row].append(fault.of(row))
    return ["; ".join(each) for each in said.values()]


def _narrowed(frame: pd.DataFrame, schema: DataSchema) -> pd.DataFrame:
    """Whole numbers and truths in types without missing values, where those that were missing are set aside."""
    types = {"int": "int64", "bool": "bool"}
    wide = {
        name: types[column.type]
        for name, column in schema.columns.items()
        if column.type in types and isinstance(frame[name].dtype, pd.api.extensions.ExtensionDtype)
    }
    return frame.astype({name: kind for name, kind in wide.items() if not frame[name].hasnans})


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(category_text(value))
    return text if len(text) <= 80 else f"{text[:77]}..."


def _listed(values: list[str]) -> str:
    shown = ", ".join(values[:10])
    return shown if len(values) <= 10 else f"{shown} and {len(values) - 10} more"
