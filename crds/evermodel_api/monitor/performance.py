"""Comparison of the answers with the truth."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evermodel_api.base import Rule, Schema
from evermodel_api.training import Metric


class Labels(Schema):
    """Where the truth comes from."""

    from_: Annotated[Literal["Feedback"], Field(alias="from")] = "Feedback"
    """Feedback: labels posted to the served model, joined by request id."""
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 0.3
    """With labels for a smaller share of the window's rows, performance is not judged."""


class PerformanceLimit(Schema):
    """What one metric must live up to."""

    name: Metric
    """What is measured."""
    min: float | None = None
    """The value must be at least this."""
    max: float | None = None
    """The value must be at most this."""
    max_drop: Annotated[float, Field(ge=0)] | None = None
    """How much worse than on the test rows of its training the value may be, in the metric's own unit."""
    cel: ClassVar = (Rule("has(self.min) || has(self.max) || has(self.maxDrop)", "give a metric min, max or maxDrop"),)


class Concept(Schema):
    """Whether errors became more, or larger, within the window."""

    detector: Literal["adwin"] = "adwin"
    """ADWIN on the stream of errors of the labelled rows, in the order in which they came."""
    delta: Annotated[float, Field(gt=0, lt=1)] = 0.002
    """How sure it is: smaller is surer and slower."""


class PerformanceEstimate(Schema):
    """Performance without labels: stands in where too few rows have one. It is blind to concept drift."""

    method: Literal["cbpe", "dle"] = "cbpe"
    """cbpe: from the calibrated probabilities of a classifier. dle: from the errors that a regression made on such rows
    of its test."""
    allow_retrain: bool = False
    """Whether a retraining may be asked for because of an estimate; otherwise it alerts only."""


class Performance(Schema):
    """Comparison of the answers with the truth."""

    labels: Labels = Labels()
    """Where the truth comes from."""
    metrics: Annotated[list[PerformanceLimit], Field(max_length=8)] = []
    """What is measured. A model that got better never alarms."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """How sure it must be that a metric is beyond its limit: few labels prove little. 0.5 goes by the bare value."""
    concept: Concept | None = None
    """Whether errors became more, or larger, within the window."""
    estimate: PerformanceEstimate | None = None
    """Performance without labels."""
