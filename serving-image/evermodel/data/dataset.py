"""From raw rows to what a training works on: canonical columns, the target, and the order that content gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.data.columns import Column, read_column
from evermodel.data.digest import data_digest, row_hashes
from evermodel.data.rows import clean_rows, require_columns
from evermodel.data.target import Target, read_target
from evermodel.errors import SpecError
from evermodel_api.training import TrainingSpec

MAX_NAME_LENGTH = 128
"""As `evermodel_api.base.ColumnName` has it."""


@dataclass(frozen=True)
class Dataset:
    """Cleaned rows, ordered by their content so that the order in which a source gives them changes nothing."""

    raw: pd.DataFrame
    """All columns as the source gave them: another model's columns are taken from here."""
    columns: tuple[Column, ...]
    """Columns that may be features, in the source's order."""
    target: Target
    hashes: NDArray[np.bytes_]
    """Content of each row (features and target), ascending."""
    digest: str
    """`sha256:<hex>` of features and target."""

    def __len__(self) -> int:
        return len(self.hashes)


def make_dataset(rows: pd.DataFrame, spec: TrainingSpec) -> Dataset:
    """Clean raw rows and read their columns.

    Raises:
        SpecError: `ColumnMissing`, `ColumnNotAFeature`.
        DataError: `NoRows`, `MixedTypes`, `InfiniteValues`, and what `read_target` raises.
    """
    require_columns(rows, [spec.target], "target")
    require_columns(rows, spec.data.exclude, "data.exclude")
    cleaned = clean_rows(rows, spec.data.rows)
    left_out = {spec.target, *spec.data.exclude}
    names = [name for name in cleaned.columns if name not in left_out]
    _check_names(names)
    features = [read_column(name, cleaned[name]) for name in names]
    target_column = read_column(spec.target, cleaned[spec.target], is_target=True)
    target = read_target(target_column, spec.task)
    table = [*features, target_column]
    hashes = row_hashes(table)
    digest = data_digest(table, hashes)
    order = np.argsort(hashes, kind="stable")
    return Dataset(
        raw=cleaned.take(order).reset_index(drop=True),
        columns=tuple(_ordered(column, order) for column in features),
        target=Target(target.name, target.cells[order], target.classes),
        hashes=hashes[order],
        digest=digest,
    )


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not 1 <= len(name) <= MAX_NAME_LENGTH:
            raise SpecError(
                "ColumnNotAFeature",
                f"the column {name[:40]!r} has a name of {len(name)} characters, and a feature's has 1 to "
                f"{MAX_NAME_LENGTH}; rename it in the source",
            )


def _ordered(column: Column, order: NDArray[Any]) -> Column:
    return Column(column.name, column.kind, column.datatype, column.cells[order])
