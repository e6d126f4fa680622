"""From raw rows to what a training works on: canonical columns, the target, and the order that content gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact.prepare import names_made, names_taken
from evermodel.data.cells import MomentCells
from evermodel.data.columns import Column, as_moments, read_column
from evermodel.data.digest import Hashes, content_order, data_digest, dealt_by, read_content, row_hashes
from evermodel.data.rows import clean_rows, require_columns
from evermodel.data.target import Target, read_target
from evermodel.errors import DataError, SpecError
from evermodel_api.training import TrainingSpec

MAX_NAME_LENGTH = 128
"""As `evermodel_api.base.ColumnName` has it."""

SomeRows = NDArray[np.bool_] | NDArray[np.intp]
"""Some of the rows: a mask of shape (rows,), or positions."""


@dataclass(frozen=True)
class Dataset:
    """Cleaned rows, ordered by their content so that the order in which a source gives them changes nothing.

    The order is kept beside the rows; rows are put into it when they are asked for, so that they are copied once.
    """

    cleaned: pd.DataFrame
    """All columns as the source gave them, in the source's order."""
    order: NDArray[np.intp]
    """Shape (rows,): where each row is in `cleaned`."""
    columns: tuple[Column, ...]
    """Columns that may be features, or moments that pipeline.prepare may use; in the source's order of columns."""
    target: Target
    hashes: Hashes
    """Content of each row (features, target, the split's column), ascending; shape (rows, 2)."""
    digest: str
    """`sha256:<hex>` of the same."""
    column_digests: dict[str, str] = field(default_factory=dict)
    """`sha256:<hex>` of each of these columns by itself."""
    rows_read: int = 0
    """Rows before cleaning."""
    dealt: Hashes = field(default_factory=lambda: np.empty((0, 2), dtype=np.uint64))
    """What is dealt of each row to the test and the folds (`digest.dealt_by`), shape (rows, 2)."""
    groups: Hashes | None = None
    """Split kind Group: content of each row's group, shape (rows, 2)."""
    moments: NDArray[Any] | None = None
    """Split kind Time: each row's moment, shape (rows,): microseconds, or numbers where the column holds numbers."""

    def __len__(self) -> int:
        return len(self.hashes)

    def frame(self, columns: Sequence[Column], rows: SomeRows) -> pd.DataFrame:
        """Canonical cells of some rows, as models take them: float64 with NaN, and objects of `str` with None."""
        places = self.order[rows]  # once: every column has this order
        cells = {column.name: column.stored.canonical(places) for column in columns}
        # pandas would look at every object, to find that it is text
        return pd.DataFrame(
            {name: pd.Series(each, dtype=each.dtype, copy=False) for name, each in cells.items()}, copy=False
        )

    def raw(self, rows: SomeRows) -> pd.DataFrame:
        """All columns of some rows as the source gave them: another model's columns are taken from here."""
        return self.cleaned.take(self.order[rows]).reset_index(drop=True)


def make_dataset(rows: pd.DataFrame, spec: TrainingSpec, show: Callable[[pd.DataFrame], None] | None = None) -> Dataset:
    """Clean raw rows and read their columns.

    Args:
        rows: as the sources gave them.
        spec: what is trained.
        show: is shown the rows once they are cleaned, for what can be done with them meanwhile.

    Raises:
        SpecError: `ColumnMissing`, `ColumnNotAFeature`.
        DataError: `NoRows`, `MixedTypes`, `InfiniteValues`, `NotADate`, `SplitValueMissing`, and what `read_target`
            raises.
    """
    by = spec.data.split.by
    require_columns(rows, [spec.target], "target")
    require_columns(rows, spec.data.exclude, "data.exclude")
    require_columns(rows, [by] if by else [], "data.split.by")
    cleaned = clean_rows(rows, spec.data.rows)
    if show is not None:
        show(cleaned)
    dates = _dates(spec)
    columns = _read_columns(cleaned, spec, dates)
    target_column = read_column(spec.target, cleaned[spec.target], is_target=True)
    target = read_target(target_column, spec.task)
    divider = _read_divider(cleaned, spec)
    table = [column for column in columns if column.kind != "moment" or column.name in dates]
    table += [target_column, *([divider] if divider and divider.name not in {c.name for c in table} else [])]
    content = read_content(table)
    order = content_order(content.rows)
    hashes = content.rows.take(order, axis=0)
    # Content adds up over the columns: what is left without the target is that of the features.
    features = content.rows - row_hashes([target_column])
    return Dataset(
        cleaned=cleaned,
        order=order,
        columns=tuple(column.ordered(order) for column in columns),
        target=Target(target.name, target.cells[order], target.classes),
        hashes=hashes,
        digest=data_digest(table, hashes),
        column_digests=content.columns,
        rows_read=len(rows),
        dealt=dealt_by(features.take(order, axis=0)),
        groups=row_hashes([divider])[order] if divider and spec.data.split.kind == "Group" else None,
        moments=_moments(divider)[order] if divider and spec.data.split.kind == "Time" else None,
    )


def _dates(spec: TrainingSpec) -> dict[str, str]:
    """The columns that steps of prepare take as dates, with the place that says so first."""
    taken: dict[str, str] = {}
    made: set[str] = set()
    for i, step in enumerate(spec.pipeline.prepare):
        document = step.dump()
        for name in names_taken(document)[1]:
            if name not in made:
                taken.setdefault(name, f"pipeline.prepare[{i}]")
        made |= set(names_made(document))
    return taken


def _read_columns(cleaned: pd.DataFrame, spec: TrainingSpec, dates: dict[str, str]) -> list[Column]:
    """Columns that may be features. What is excluded is none, but a date of it may still be used by prepare."""
    left_out = {*spec.data.exclude, spec.data.split.by}
    names = [name for name in cleaned.columns if name != spec.target and (name not in left_out or name in dates)]
    _check_names(names)
    columns = []
    for name in names:
        column = read_column(name, cleaned[name])
        if name in dates:
            column = as_moments(column, dates[name])
        if name not in left_out or column.kind == "moment":
            columns.append(column)
    return columns


def _read_divider(cleaned: pd.DataFrame, spec: TrainingSpec) -> Column | None:
    """The column of the split kinds Group and Time."""
    split = spec.data.split
    if split.by is None:
        return None
    column = read_column(split.by, cleaned[split.by])
    if split.kind == "Time":
        column = as_moments(column, "data.split.by")
        if column.kind == "category":
            raise DataError(
                "NotADate",
                f"data.split.by names the column {split.by!r}, which holds {column.cells[0]!r} and is neither a date "
                "nor a number; name the column with the moment",
            )
    if gaps := int(column.missing.sum()):
        raise DataError(
            "SplitValueMissing",
            f"{gaps} of {len(column)} rows have no value in the column {split.by!r}, which data.split.by names; "
            f"add {{dropMissing: {{columns: [{split.by}]}}}} to data.rows, or mend the source",
        )
    return column


def _moments(column: Column) -> NDArray[Any]:
    cells = column.stored
    return cells.micros if isinstance(cells, MomentCells) else column.cells


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not 1 <= len(name) <= MAX_NAME_LENGTH:
            raise SpecError(
                "ColumnNotAFeature",
                f"the column {name[:40]!r} has a name of {len(name)} characters, and a feature's has 1 to "
                f"{MAX_NAME_LENGTH}; rename it in the source",
            )
