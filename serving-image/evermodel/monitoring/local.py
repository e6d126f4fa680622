"""Windows without a cluster: CSV or Parquet files with the training's features and, where it is known, the truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evermodel.artifact.signature import Signature
from evermodel.errors import DataError
from evermodel.monitoring.table_file import OpenedTable, TableFile
from evermodel.monitoring.window import Answered, Columns, Labelled, LazyColumns, Window, read_columns, sampled_rows

PREDICTION = "prediction"
"""Column of a window file with the answers that were given."""
Predict = Callable[[pa.Table], tuple[list[Any], NDArray[np.float64] | None]]
"""Asks the model: answers and, for a classifier, probabilities of shape (rows, classes)."""


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
    with_answers: bool = False
    """Whether the answers to rows without a label are wanted too."""
    labels: TableFile | None = None
    id_column: str = "id"
    """Column that the labels are joined on."""

    def read(self, path: str) -> Window:
        """One window; its columns are read when they are looked at.

        Raises:
            DataError: `WindowNotFound`, `WindowUnreadable`, `WindowColumnsMissing`, `LabelColumnsMissing`,
                `PredictionFailed`.
        """
        file = TableFile(path)
        table = file.open(self._named("number"), self._named("category"))
        self._check(path, table)
        kept = sampled_rows(table.rows, self.max_rows)
        sample = table if kept is None else _taken(table, kept)
        inputs = {"window": {"file": Path(path).name, "digest": file.digest}}
        if self.labels is not None:
            inputs["labels"] = {"file": Path(self.labels.path).name, "digest": self.labels.digest}
        truth = self._truth(path, sample) if self.with_truth else []
        labelled = [i for i, value in enumerate(truth) if value is not None]
        known = [truth[i] for i in labelled]
        whole = self._answers(sample, None) if self.with_answers and sample.rows else None
        answers = None
        if labelled:
            answers = _some(whole, labelled) if whole else self._answers(sample, labelled)
        return Window(
            rows=sample.rows,
            seen=table.rows,
            columns=self._columns(sample),
            labelled=Labelled(answers.predicted, known, answers.probabilities) if answers else None,
            answered=whole,
            inputs=inputs,
        )

    def _named(self, kind: str) -> list[str]:
        return [column.name for column in self.signature.columns if column.kind == kind]

    def _columns(self, sample: OpenedTable) -> LazyColumns:
        features = {column.name: column for column in self.signature.columns if column.name in sample.names}

        def read(names: Sequence[str]) -> Columns:
            return read_columns(sample.read(names), [features[name] for name in names])

        return LazyColumns(list(features), sample.rows, read)

    def _check(self, path: str, table: OpenedTable) -> None:
        missing = [name for name in self.signature.names if name not in {*table.names, *self.excluded}]
        if missing:
            raise DataError(
                "WindowColumnsMissing",
                f"{path} lacks {_listed(missing)}, which the model was trained with; it has "
                f"{_listed(table.names)}: rename its columns, or leave those out by drift.columns.exclude",
            )

    def _answers(self, sample: OpenedTable, rows: list[int] | None) -> Answered:
        """Answers to these rows, or to all: those of the file, or else the model is asked."""
        given = PREDICTION in sample.names
        table = sample.read([PREDICTION] if given else [name for name in self.signature.names if name in sample.names])
        if rows is not None and len(rows) < sample.rows:
            table = table.take(pa.array(rows))
        return Answered(table[PREDICTION].to_pylist()) if given else Answered(*self.predict(table))

    def _truth(self, path: str, sample: OpenedTable) -> list[Any]:
        """The truth of each row: from the labels where there is one, else from the target column; None is unknown."""
        target = self.signature.target
        own = sample.read([target])[target].to_pylist() if target in sample.names else [None] * sample.rows
        if self.labels is None:
            return own
        if self.id_column not in sample.names:
            raise _no_join(path, self.id_column, sample.names)
        identities = sample.read([self.id_column])[self.id_column].to_pylist()
        return [self._later.get(str(identity), value) for identity, value in zip(identities, own, strict=True)]

    @cached_property
    def _later(self) -> dict[str, Any]:
        """Labels by id; the last one of an id is the newest."""
        assert self.labels is not None  # noqa: S101  asked for only where there are labels
        table = self.labels.open()
        for column in (self.id_column, self.signature.target):
            if column not in table.names:
                raise _no_join(self.labels.path, column, table.names)
        columns = table.read([self.id_column, self.signature.target])
        pairs = zip(*(column.to_pylist() for column in columns.columns), strict=True)
        return {str(identity): value for identity, value in pairs if value is not None}


def _some(answers: Answered, rows: list[int]) -> Answered:
    probabilities = None if answers.probabilities is None else answers.probabilities[rows]
    return Answered([answers.predicted[i] for i in rows], probabilities)


def _taken(table: OpenedTable, rows: NDArray[np.intp]) -> OpenedTable:
    """These rows of a table."""
    places = pa.array(rows)
    return OpenedTable(table.names, len(rows), lambda names: table.read(names).take(places))


def _no_join(path: str, column: str, names: Sequence[str]) -> DataError:
    return DataError(
        "LabelColumnsMissing",
        f"{path} lacks the column {column!r}, and labels are joined by an id (--id-column) and hold the target; "
        f"it has {_listed(names)}",
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:8])) or "no columns"
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
