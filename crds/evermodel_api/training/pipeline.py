"""What is computed or fitted from the rows and travels with the model to serving."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evermodel_api.base import ColumnName, Name, Rule, Schema
from evermodel_api.training.classes import Sampler, Selector, Transformer
from evermodel_api.training.data import only_one_of
from evermodel_api.training.terms import Parameters


class OfTwo(Schema):
    """A new column from two columns of numbers."""

    out: ColumnName
    """Name of the new column."""
    of: Annotated[list[ColumnName], Field(min_length=2, max_length=2)]
    """The two columns, in order."""


class OfOne(Schema):
    """A new column from one column."""

    out: ColumnName
    """Name of the new column."""
    of: ColumnName
    """The column."""


DatePart = Literal["year", "quarter", "month", "week", "day", "weekday", "dayOfYear", "hour", "minute"]


class DateParts(Schema):
    """Columns of numbers from a date."""

    of: ColumnName
    """The column of dates, or of text in ISO 8601."""
    parts: Annotated[list[DatePart], Field(min_length=1, max_length=9)]
    """New columns, called <of>_<part>. In UTC; weekday counts from Monday 0."""


class Elapsed(Schema):
    """The time between two dates as a number."""

    out: ColumnName
    """Name of the new column."""
    from_: Annotated[ColumnName, Field(alias="from")]
    """The column with the earlier date."""
    to: ColumnName
    """The column with the later date."""
    unit: Literal["seconds", "hours", "days", "years"] = "days"
    """What is counted; a year has 365.25 days."""


class PrepareStep(Schema):
    """One new column. Stateless: a row's value follows from that row alone, so training and serving cannot differ."""

    ratio: OfTwo | None = None
    """First divided by second; missing where the second is 0."""
    difference: OfTwo | None = None
    """First minus second."""
    product: OfTwo | None = None
    """First times second."""
    log: OfOne | None = None
    """Natural logarithm of 1 + the value; missing at or below -1."""
    is_missing: OfOne | None = None
    """1 where the value is missing, else 0."""
    date_parts: DateParts | None = None
    """Year, month, weekday and so on of a date."""
    elapsed: Elapsed | None = None
    """The time between two dates."""
    cel: ClassVar = (
        only_one_of(
            ("ratio", "difference", "product", "log", "isMissing", "dateParts", "elapsed"),
            "give a step of prepare exactly one of ratio, difference, product, log, isMissing, dateParts or elapsed",
        ),
    )


class Select(Schema):
    """Which columns a branch of the pipeline takes."""

    type: Literal["number", "category"] | None = None
    """All columns of this type; text and booleans are categories."""
    columns: Annotated[list[ColumnName], Field(max_length=1024)] = []
    """These columns by name."""
    exclude: Annotated[list[ColumnName], Field(max_length=1024)] = []
    """All but these."""
    cel: ClassVar = (
        Rule(
            "has(self.type) != (has(self.columns) && size(self.columns) > 0)",
            "select columns either by type or by columns, and not both",
        ),
    )


TransformerStep = Annotated[dict[Transformer, Parameters], Field(min_length=1, max_length=1)]
"""One class with its parameters."""


class ColumnBranch(Schema):
    """Steps for some of the columns: a branch of scikit-learn's ColumnTransformer."""

    name: Name
    """Name of the branch."""
    select: Select
    """Which columns it takes."""
    steps: Annotated[list[TransformerStep], Field(min_length=1, max_length=8)]
    """scikit-learn transformers by class name with parameters, for example [{SimpleImputer: {strategy: median}}]."""


class Pipeline(Schema):
    """What is computed and fitted, and travels with the model to serving."""

    prepare: Annotated[list[PrepareStep], Field(max_length=64)] = []
    """New columns, in order; a later step may use an earlier one's. Stateless."""
    columns: Annotated[list[ColumnBranch], Field(max_length=32)] = []
    """Branches. When none is given: numbers get the median for missing values and are scaled, categories are one-hot
    encoded."""
    select: Annotated[dict[Selector, Parameters], Field(min_length=1, max_length=1)] | None = None
    """Feature selection after the branches, by class name: SelectKBest, RFE, SelectFromModel and so on."""
    resample: Annotated[dict[Sampler, Parameters], Field(min_length=1, max_length=1)] | None = None
    """Resampling by imbalanced-learn's class name, for Classification. Inside each fit, never in the served model."""
