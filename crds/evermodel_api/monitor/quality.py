"""Checks of the data itself."""

from typing import Annotated

from pydantic import Field

from evermodel_api.base import PositiveDuration, Schema


class MissingLimit(Schema):
    """How many more values may be missing than in training."""

    max_delta: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Limit of (share missing now) - (share missing in training), for each column."""


class ShareLimit(Schema):
    """A limit on a share of the rows."""

    max: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Largest share that is accepted, for each column."""


class Quality(Schema):
    """Checks of the data itself. Bad data never trains a model: while one fails, no retraining is asked for."""

    missing: MissingLimit | None = None
    """Missing values, against training."""
    out_of_range: ShareLimit | None = None
    """Numbers outside the range seen in training, widened by that range on either side."""
    new_levels: ShareLimit | None = None
    """Categories never seen in training."""
    wrong_type: ShareLimit | None = None
    """Values of a column of numbers that are something, and no number."""
    duplicates: ShareLimit | None = None
    """Rows whose features are those of an earlier row, beyond the share of them in training."""
    stale: PositiveDuration | None = None
    """The newest row may be this old. Files have no clock: there it is not looked at."""
