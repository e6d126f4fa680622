"""The signature: what a model takes and what it answers, learnt from its training rows."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from evermodel_api.base import ColumnName, Schema
from evermodel_api.training import Task

ClassLabel = bool | int | float | str
"""A class as it is in the data and in JSON."""


class ColumnSignature(Schema):
    """One column that the model takes."""

    name: ColumnName
    """Name in the data."""
    kind: Literal["number", "category"]
    """Numbers are compared and scaled, categories are told apart."""
    datatype: Literal["FP64", "INT64", "BOOL", "BYTES"]
    """Open Inference Protocol datatype of the training data. Text (BYTES) and BOOL are categories; FP64 and INT64 are
    numbers, or categories where the pipeline encodes them as such. A category is text in the model: 3 is "3"."""
    min: float | None = None
    """Smallest number seen in training."""
    max: float | None = None
    """Largest number seen in training."""
    levels: list[str] = []
    """Categories seen in training, sorted, at most 1000."""
    missing: bool = False
    """Whether values were missing in training."""
    format: Literal["date-time"] | None = None
    """date-time for a column of dates (BYTES: ISO 8601 text), which the model makes numbers of."""
    takes_missing: bool = True
    """Whether the model answers a row in which the value is missing. Tried when the model was made: a pipeline that
    imputes does, a linear model without one does not."""


class Signature(Schema):
    """What a model takes and what it answers."""

    task: Task
    """Classification or Regression."""
    target: ColumnName
    """Name of what is answered."""
    columns: Annotated[list[ColumnSignature], Field(min_length=1)]
    """In the order in which values without names are read."""
    classes: list[ClassLabel] = []
    """Classification: the classes in the order of the probabilities. The estimator answers their numbers 0..k-1."""

    threshold: float | None = None
    """Two classes: the probability from which on the second is answered; the more probable one when not given."""

    @cached_property
    def takes_numbers(self) -> bool:
        """Whether every column is one of numbers."""
        return all(column.kind == "number" for column in self.columns)

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]
