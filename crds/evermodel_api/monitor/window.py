"""When the model is looked at, and at which requests."""

from typing import Annotated, ClassVar

from pydantic import Field

from evermodel_api.base import Duration, PositiveDuration, Rule, Schema, duration_check, duration_schema


class Schedule(Schema):
    """How often the model is looked at."""

    every: Annotated[str, duration_check("5s"), duration_schema("5s")] = "15m"
    """Time from one evaluation to the next; at least 5s."""


class Window(Schema):
    """Which requests are looked at: the newest ones of the live version."""

    size: PositiveDuration = "1h"
    """How far back the window reaches."""
    min_rows: Annotated[int, Field(ge=10, le=1000000)] = 200
    """With fewer rows the verdict is Unknown."""
    max_rows: Annotated[int, Field(ge=10, le=10000000)] = 50000
    """With more rows a sample, drawn with a fixed seed, is looked at."""
    lateness: Duration = "30s"
    """The window ends this long ago, so that logs and labels have arrived."""
    cel: ClassVar = (Rule("self.minRows <= self.maxRows", "window.minRows must not be larger than window.maxRows"),)
