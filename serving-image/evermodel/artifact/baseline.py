"""The baseline: a profile of the training rows, which later windows are compared with. Made once, at training."""

from typing import Literal

from evermodel_api.base import Schema

MAX_VALUES = 10_000
"""With more values than this, that many evenly spaced quantiles stand for them."""


class NumberProfile(Schema):
    """Profile of a column of numbers."""

    kind: Literal["number"] = "number"
    n: int
    """Rows with a value."""
    missing: int
    """Rows without one."""
    mean: float
    """Mean."""
    sd: float
    """Standard deviation (ddof 0)."""
    min: float
    """Smallest value."""
    max: float
    """Largest value."""
    values: list[float]
    """The sorted values, or MAX_VALUES evenly spaced quantiles of them."""


class CategoryProfile(Schema):
    """Profile of a column of categories."""

    kind: Literal["category"] = "category"
    n: int
    """Rows with a value."""
    missing: int
    """Rows without one."""
    counts: dict[str, int]
    """Rows with each level."""


class Baseline(Schema):
    """Profile of the training rows."""

    rows: int
    """Training rows."""
    columns: dict[str, NumberProfile | CategoryProfile]
    """Profile of each feature but dates. A column with no value at all has n = 0 and zeros."""
    metrics: dict[str, float]
    """What the model scored on the test rows."""
