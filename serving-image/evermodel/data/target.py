"""The target: class numbers or numbers, and the classes as they are in the data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact.signature import ClassLabel
from evermodel.data.columns import Column
from evermodel.errors import DataError
from evermodel_api.training import Task


@dataclass(frozen=True)
class Target:
    """What the model learns to answer."""

    name: str
    cells: NDArray[np.float64]
    """Shape (rows,): class numbers 0..k-1, or numbers."""
    classes: tuple[ClassLabel, ...]
    """Classification: sorted, as JSON values; whole numbers are int. Empty for regression."""


def read_target(column: Column, task: Task) -> Target:
    """The target of a task.

    Raises:
        DataError: `TargetMissing` with the count and the remedy; `TargetNotNumeric` when a regression's target is no
            number; `TargetNotClasses` when a classification's target holds fractions; `OneClass`.
    """
    if missing := int(column.missing.sum()):
        raise DataError(
            "TargetMissing",
            f"{missing} of {len(column)} rows have no value in the target {column.name!r}; "
            f"add {{dropMissing: {{columns: [{column.name}]}}}} to data.rows, or mend the source",
        )
    if task is Task.REGRESSION:
        return Target(column.name, _numbers(column), ())
    levels, numbers = _classes(column)
    classes = tuple(_class_label(column, level) for level in levels)
    if len(classes) < 2:
        raise DataError(
            "OneClass",
            f"all {len(column)} rows have the same class {classes[0]!r} in the target {column.name!r}; "
            "give rows of at least two classes",
        )
    return Target(column.name, numbers.astype(np.float64), classes)


def _numbers(column: Column) -> NDArray[np.float64]:
    if column.kind != "number":
        raise DataError(
            "TargetNotNumeric",
            f"the target {column.name!r} holds {min(set(column.cells.tolist()))!r} and is no number; "
            "give a column of numbers, or set task: Classification",
        )
    values: NDArray[np.float64] = column.cells
    return values


def _classes(column: Column) -> tuple[list[float] | list[str], NDArray[np.intp]]:
    """The classes in their order, and the number of each row's class."""
    cells: NDArray[Any] = column.cells
    if column.kind == "category":
        codes, distinct = pd.factorize(cells)
        texts = [str(level) for level in distinct]
        order = sorted(range(len(texts)), key=texts.__getitem__)
        places = np.empty(len(texts), dtype=np.intp)
        places[order] = np.arange(len(texts))
        return [texts[i] for i in order], places[codes]
    fractions = cells[cells != np.floor(cells)]
    if len(fractions):
        raise DataError(
            "TargetNotClasses",
            f"the target {column.name!r} holds fractions such as {float(fractions.min())!r} and is no class; "
            "set task: Regression, or give a column of classes",
        )
    levels, numbers = np.unique(cells, return_inverse=True)
    return levels.tolist(), numbers


def _class_label(column: Column, level: float | str) -> ClassLabel:
    if column.datatype == "BOOL":
        return level == "true"
    return level if isinstance(level, str) else int(level)
