"""The baseline: a profile of the training rows, which later windows are compared with. Made once, at training.

Its size is bounded whatever the data are: the values that stand for columns of numbers share a budget, categories keep
their most frequent levels.
"""

from typing import Literal

from evermodel.artifact.packed import PackedFloats
from evermodel_api.base import Schema

MAX_VALUES = 10_000
"""With more values than this, that many evenly spaced quantiles stand for them."""
MIN_VALUES = 1_000
"""So many quantiles stand for a column however many columns there are."""
ALL_VALUES = 1_000_000
"""What the columns share: 8 MB."""
MAX_LEVELS = 10_000
"""Levels of a category that are counted one by one; the rarer ones are counted together."""


def values_each(columns: int) -> int:
    """How many values stand for each of so many columns of numbers."""
    return max(min(MAX_VALUES, ALL_VALUES // max(columns, 1)), MIN_VALUES)


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
    quantiles: PackedFloats
    """The sorted values, or evenly spaced quantiles of them (`values_each`)."""


class CategoryProfile(Schema):
    """Profile of a column of categories."""

    kind: Literal["category"] = "category"
    n: int
    """Rows with a value."""
    missing: int
    """Rows without one."""
    counts: dict[str, int]
    """Rows with each level, at most MAX_LEVELS of them, the most frequent ones."""
    others: int = 0
    """Rows with a level that is not among them."""


class RowsSample(Schema):
    """Whole rows: numbers, and the places of categories among the sorted levels of their profile; NaN is missing."""

    columns: list[str]
    """In the order of the cells."""
    cells: PackedFloats
    """Row after row."""


class Calibration(Schema):
    """How often a class was true, by the probability that the model gave it: linear between the points."""

    given: PackedFloats
    """Probabilities, ascending."""
    true: PackedFloats
    """Share of the test rows of that probability whose class it was."""


class LossTrees(Schema):
    """Boosted trees that say how wrong an answer is likely to be: `base` plus the leaves that a row falls into."""

    columns: list[str]
    """As in `RowsSample`; the answer itself comes last."""
    base: float
    depth: int
    """Of the deepest tree."""
    roots: list[int]
    """The first node of each tree."""
    feature: list[int]
    """Of each node; -1 in a leaf."""
    threshold: PackedFloats
    """Of each node: values up to it go left."""
    left: list[int]
    """The next node."""
    right: list[int]
    value: PackedFloats
    """Of each leaf."""


class AnswersProfile(Schema):
    """What the model answered to the test rows."""

    rows: int
    """Test rows."""
    scores: NumberProfile | CategoryProfile
    """Of a regression the answers, of two classes the probability of the second, of more the classes answered."""
    calibration: list[Calibration] = []
    """For each class; empty where the probabilities are not known, or are right as they are."""
    losses: dict[str, LossTrees] = {}
    """absolute and squared: errors of a regression."""
    errors: dict[str, float] = {}
    """Standard error of each metric of the test rows, by bootstrap."""


class Baseline(Schema):
    """Profile of the training rows."""

    rows: int
    """Training rows."""
    columns: dict[str, NumberProfile | CategoryProfile]
    """Profile of each feature but dates. A column with no value at all has n = 0 and zeros."""
    metrics: dict[str, float]
    """What the model scored on the test rows."""
    repeats: float = 0.0
    """Share of the training rows whose features an earlier one has too."""
    importance: dict[str, float] = {}
    """How much the model's answers change when a feature's values are shuffled; the mean over the features is 1."""
    sample: RowsSample | None = None
    """Some training rows, for what no single column shows."""
    answers: AnswersProfile | None = None
    """What the model answered to the test rows, and how right it was."""
