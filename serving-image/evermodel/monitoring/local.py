"""Windows without a cluster: CSV or Parquet files with the training's features and, where it is known, the truth."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evermodel.artifact.signature import Signature
from evermodel.artifact.store import absolute_uri, read_bytes
from evermodel.errors import DataError
from evermodel.monitoring.window import Labelled, Reservoir, Window, read_columns
from evermodel_api.digest import digest_bytes

PREDICTION = "prediction"
"""Column of a window file with the answers that were given."""
_MISSING = [
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
]
"""What stands for a missing value in CSV: what pandas takes for one, since training reads CSV with pandas."""

Predict = Callable[[pa.Table], tuple[list[Any], NDArray[np.float64] | None]]
"""Asks the model: answers and, for a classifier, probabilities of shape (rows, classes)."""


@dataclass(frozen=True)
class TableFile:
    """A CSV or Parquet file. Every failure to read it is a DataError with one sentence."""

    path: str

    @cached_property
    def content(self) -> bytes:
        """Its bytes.

        Raises:
            DataError: `WindowNotFound`.
        """
        try:
            return read_bytes(absolute_uri(self.path))
        except FileNotFoundError:
            raise DataError("WindowNotFound", f"there is no file {self.path}; give a CSV or Parquet file") from None

    def table(self, numbers: list[str]) -> pa.Table:
        """Its rows.

        Args:
            numbers: columns that should hold numbers; where they hold something else they are read as text.

        Raises:
            DataError: `WindowNotFound`, `WindowUnreadable`.
        """
        try:
            if Path(self.path).suffix.lower() in {".parquet", ".pq"}:
                table = pq.read_table(pa.BufferReader(self.content))
            else:
                table = _csv(self.content, numbers)
        except (pa.ArrowException, OSError, ValueError) as error:
            cause = str(error).splitlines()[0].rstrip(".")
            message = f"{self.path} cannot be read: {cause}; give a CSV or Parquet file"
            raise DataError("WindowUnreadable", message) from error
        twice = {name for name in table.column_names if table.column_names.count(name) > 1}
        if twice:
            names = ", ".join(sorted(twice))
            message = f"{self.path} has more than one column {names}; give each a name of its own"
            raise DataError("WindowUnreadable", message)
        return table


def _csv(content: bytes, numbers: list[str]) -> pa.Table:
    from pyarrow import csv  # noqa: PLC0415  only who reads CSV pays for it

    def read(texts: list[str]) -> pa.Table:
        options = csv.ConvertOptions(
            null_values=_MISSING, strings_can_be_null=True, column_types=dict.fromkeys(texts, pa.string())
        )
        return csv.read_csv(pa.BufferReader(content), convert_options=options)

    names = csv.open_csv(pa.BufferReader(content)).schema.names
    # Types are guessed from the first rows, and a later row that differs is refused: then the column is read as text.
    for texts in ([], numbers):
        try:
            return read(texts)
        except pa.ArrowInvalid:
            continue
    return read(names)


@dataclass(frozen=True)
class LocalWindows:
    """How window files of one model are read."""

    signature: Signature
    max_rows: int
    excluded: frozenset[str]
    """Features that are not compared."""
    with_truth: bool
    """Whether the truth is wanted (the monitor watches performance)."""
    predict: Predict
    labels: TableFile | None = None
    id_column: str = "id"
    """Column that the labels are joined on."""

    def read(self, path: str) -> Window:
        """One window.

        Raises:
            DataError: `WindowNotFound`, `WindowUnreadable`, `WindowColumnsMissing`, `LabelColumnsMissing`,
                `PredictionFailed`.
        """
        file = TableFile(path)
        whole = file.table(self._numbers)
        self._check(path, whole)
        kept = Reservoir(self.max_rows)
        kept.add(whole)
        sample = kept.sample() if whole.num_rows else whole
        assert sample is not None  # noqa: S101  a table was added
        inputs = {"window": {"file": Path(path).name, "digest": digest_bytes(file.content)}}
        if self.labels is not None:
            inputs["labels"] = {"file": Path(self.labels.path).name, "digest": digest_bytes(self.labels.content)}
        return Window(
            rows=sample.num_rows,
            seen=kept.seen,
            columns=read_columns(sample, self.signature.columns),
            labelled=self._labelled(path, sample) if self.with_truth else None,
            inputs=inputs,
        )

    @property
    def _numbers(self) -> list[str]:
        return [column.name for column in self.signature.columns if column.kind == "number"]

    def _check(self, path: str, table: pa.Table) -> None:
        missing = [name for name in self.signature.names if name not in {*table.column_names, *self.excluded}]
        if missing:
            raise DataError(
                "WindowColumnsMissing",
                f"{path} lacks {_listed(missing)}, which the model was trained with; it has "
                f"{_listed(table.column_names)}: rename its columns, or leave those out by drift.columns.exclude",
            )

    def _labelled(self, path: str, table: pa.Table) -> Labelled | None:
        truth = self._truth(path, table)
        rows = [i for i, value in enumerate(truth) if value is not None]
        if not rows:
            return None
        labelled = table.take(pa.array(rows))
        if PREDICTION in table.column_names:
            return Labelled(labelled[PREDICTION].to_pylist(), [truth[i] for i in rows])
        predicted, probabilities = self.predict(labelled)
        return Labelled(predicted, [truth[i] for i in rows], probabilities)

    def _truth(self, path: str, table: pa.Table) -> list[Any]:
        """The truth of each row: from the labels where there is one, else from the target column; None is unknown."""
        own = table[self.signature.target].to_pylist() if self.signature.target in table.column_names else None
        if self.labels is None:
            return own if own is not None else [None] * table.num_rows
        if self.id_column not in table.column_names:
            raise _no_join(path, self.id_column, table)
        own = own if own is not None else [None] * table.num_rows
        identities = table[self.id_column].to_pylist()
        return [self._later.get(str(identity), value) for identity, value in zip(identities, own, strict=True)]

    @cached_property
    def _later(self) -> dict[str, Any]:
        """Labels by id; the last one of an id is the newest."""
        assert self.labels is not None  # noqa: S101  asked for only where there are labels
        table = self.labels.table([])
        for column in (self.id_column, self.signature.target):
            if column not in table.column_names:
                raise _no_join(self.labels.path, column, table)
        pairs = zip(table[self.id_column].to_pylist(), table[self.signature.target].to_pylist(), strict=True)
        return {str(identity): value for identity, value in pairs if value is not None}


def _no_join(path: str, column: str, table: pa.Table) -> DataError:
    return DataError(
        "LabelColumnsMissing",
        f"{path} lacks the column {column!r}, and labels are joined by an id (--id-column) and hold the target; "
        f"it has {_listed(table.column_names)}",
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:8])) or "no columns"
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
