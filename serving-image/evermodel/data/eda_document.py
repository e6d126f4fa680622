"""What the report on the data says, as a document for programs (`eda.json`); `eda_page` shows it to people.

Numbers are rounded to six digits that count. Where there is no number (the mean of nothing) there is none.
"""

from typing import Literal

from evermodel_api.base import Schema

Kind = Literal["number", "category", "date", "empty", "other"]
Severity = Literal["high", "medium", "low"]
Topic = Literal[
    "TargetCopy",
    "Leak",
    "Identifier",
    "MissingFollowsTarget",
    "Empty",
    "Constant",
    "AlmostConstant",
    "Missing",
    "SameContent",
    "DuplicateRows",
    "RareClass",
    "Imbalance",
    "HighCardinality",
    "Dates",
    "NumbersAsText",
    "MixedTypes",
    "Infinite",
    "FarOutliers",
]
Measure = Literal["auc", "cramersV", "spearman", "eta"]


class Flag(Schema):
    """Something that a person should look at."""

    topic: Topic
    """What it is, as one word."""
    severity: Severity
    """high: the model is probably wrong with it; medium: it costs; low: good to know."""
    columns: tuple[str, ...] = ()
    """Columns that it is about; none where it is about the rows or the target."""
    sentence: str
    """What was seen."""
    remedy: str
    """What to do."""


class Relation(Schema):
    """How much a column by itself says of the target. Shows association, not cause."""

    measure: Measure
    """auc (a number against classes; 0.5 is nothing; with more than two the mean over pairs of classes), cramersV (a
    category against classes), spearman (a number against a number), eta (a category against a number)."""
    value: float
    """Its value; auc is 0.5 or more, whichever way the column points."""
    linear: float | None = None
    """With spearman: Pearson's correlation."""
    strength: float
    """The same on one scale for all columns: 0 is nothing, 1 is all."""
    explained: float
    """Share of the target's uncertainty that goes away when the column is known (mutual information by entropy; numbers
    in 16 bins), 0 to 1."""
    rows: int
    """Rows that it was computed from."""


class Histogram(Schema):
    """Bins of equal width."""

    low: float
    """Where the first one begins."""
    high: float
    """Where the last one ends."""
    counts: tuple[int, ...]
    """Rows in each, among the rows that were looked at closely."""
    below: int = 0
    """Rows below the first: far values are not drawn, so that the others can be seen."""
    above: int = 0
    """Rows above the last."""
    by_class: tuple[tuple[int, ...], ...] = ()
    """Classification: the same for each of `target.drawn`."""
    target_means: tuple[float | None, ...] = ()
    """Regression: mean of the target in each bin."""


class Level(Schema):
    """One category."""

    name: str
    """The category."""
    rows: int
    """Rows that have it."""
    by_class: tuple[int, ...] = ()
    """Classification: rows of each of `target.drawn`, among the rows that were looked at closely."""
    target_mean: float | None = None
    """Regression: mean of the target."""


class Numbers(Schema):
    """A column of numbers. From all rows: min, max, mean, sd, zeros; the rest from those looked at closely."""

    min: float
    """Smallest."""
    max: float
    """Largest."""
    mean: float | None
    """Mean."""
    sd: float | None
    """Standard deviation (ddof 0)."""
    zeros: float
    """Share of zeros among the values."""
    whole: bool
    """Whether all are whole numbers."""
    quantiles: dict[str, float] | None = None
    """By their level: 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99."""
    outliers: float | None = None
    """Share of values beyond 1.5 interquartile ranges from the quartiles (Tukey's fences)."""
    infinite: int = 0
    """Infinite values, which count as missing in everything else."""


class ColumnReport(Schema):
    """One column."""

    name: str
    """Its name."""
    kind: Kind
    """number, category (text or booleans), date, empty (no value at all) or other (lists, objects)."""
    type: str
    """Type that it has in the frame."""
    n: int
    """Rows with a value."""
    missing: int
    """Rows without one."""
    distinct: int | None = None
    """Different values; for numbers among the rows that were looked at closely."""
    numbers: Numbers | None = None
    """Of a column of numbers."""
    first: str | None = None
    """Earliest date (ISO 8601)."""
    last: str | None = None
    """Latest date."""
    histogram: Histogram | None = None
    """Of numbers and dates (as seconds since 1970)."""
    levels: tuple[Level, ...] = ()
    """Most frequent categories."""
    other_rows: int = 0
    """Rows with another category."""
    relation: Relation | None = None
    """To the target."""
    missing_relation: float | None = None
    """How much a missing value says of the target: Cramér's V, or |r| for a regression."""


class TargetClass(Schema):
    """One class."""

    name: str
    """The class."""
    rows: int
    """Rows of it."""


class TargetReport(Schema):
    """What the model is to answer."""

    name: str
    """Name of the column."""
    missing: int
    """Rows without an answer."""
    classes: tuple[TargetClass, ...] = ()
    """Classification: most frequent first, at most 100."""
    other_classes: int = 0
    """Further classes."""
    drawn: tuple[str, ...] = ()
    """Classes that histograms and levels are divided by: the most frequent ones."""
    numbers: Numbers | None = None
    """Regression."""
    histogram: Histogram | None = None
    """Regression."""


class Pair(Schema):
    """Two columns that go together."""

    left: str
    """One."""
    right: str
    """The other."""
    value: float
    """Spearman's correlation of numbers, Cramér's V of categories, phi of two columns' missing values."""
    rows: int
    """Rows that it was computed from."""


class Pairs(Schema):
    """The strongest pairs among the columns that were compared."""

    compared: int
    """Columns that were compared with each other."""
    left_out: int
    """Columns that were not, as there are too many."""
    rows: int
    """Rows that were looked at."""
    pairs: tuple[Pair, ...]
    """Strongest first, at most 40."""


class Eda(Schema):
    """The report on the rows of a training."""

    task: str
    """Classification or Regression."""
    rows: int
    """Rows."""
    sample_rows: int
    """Rows that were looked at closely: all, or an even choice of them that does not depend on what is in them."""
    missing_cells: int
    """Cells without a value."""
    complete_rows: int
    """Rows without a missing value."""
    duplicates: int | None = None
    """Rows that repeat an earlier one; None when there was no time to count them."""
    target: TargetReport
    """What the model is to answer."""
    columns: tuple[ColumnReport, ...]
    """All others, as they stand in the frame."""
    flags: tuple[Flag, ...]
    """What to look at, worst first."""
    numbers_together: Pairs | None = None
    """Columns of numbers that go together; None when the time was over before."""
    categories_together: Pairs | None = None
    """Columns of categories that go together."""
    missing_together: Pairs | None = None
    """Columns whose values are missing in the same rows."""
    only_summarised: tuple[str, ...] = ()
    """Columns that were counted only, for the time was over."""
    time_over: bool = False
    """Whether the time was over before all was done, so that another run may say more."""
