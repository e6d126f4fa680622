"""DriftMonitor: what a served model must live up to, and what is done when it does not."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evermodel_api.base import (
    ColumnName,
    Conditions,
    Digest,
    Duration,
    PositiveDuration,
    Reference,
    Rule,
    Schema,
    Timestamp,
    duration_check,
    duration_schema,
)
from evermodel_api.training import Metric


class RequestCause(StrEnum):
    """What a monitor may ask a retraining for."""

    PERFORMANCE = "Performance"
    DRIFT = "Drift"


class State(StrEnum):
    """What the monitor thinks of the live version."""

    UNKNOWN = "Unknown"
    HEALTHY = "Healthy"
    SUSPECT = "Suspect"
    FIRING = "Firing"


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


class NumericDrift(Schema):
    """How numbers are compared with the training data."""

    test: Literal["ks"] = "ks"
    """Two-sample Kolmogorov-Smirnov test."""
    effect: Literal["wasserstein"] = "wasserstein"
    """Wasserstein-1 distance, divided by the reference's standard deviation."""
    min_effect: Annotated[float, Field(ge=0)] = 0.1
    """A smaller effect is no drift, however small its p."""


class CategoryDrift(Schema):
    """How categories are compared with the training data."""

    test: Literal["chi2"] = "chi2"
    """Chi-squared test of homogeneity."""
    effect: Literal["psi"] = "psi"
    """Population stability index."""
    min_effect: Annotated[float, Field(ge=0)] = 0.1
    """A smaller effect is no drift, however small its p."""


class DriftColumns(Schema):
    """Which columns are compared."""

    exclude: Annotated[list[ColumnName], Field(max_length=1024)] = []
    """Columns that are not looked at."""


class DatasetDrift(Schema):
    """When the data set as a whole counts as drifted."""

    share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of the columns that must have drifted."""


class Drift(Schema):
    """Comparison of the inputs with the training data. A column drifts when the corrected p AND the effect say so."""

    numeric: NumericDrift = NumericDrift()
    """How numbers are compared."""
    category: CategoryDrift = CategoryDrift()
    """How categories are compared."""
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Level of the corrected p."""
    correction: Literal["BenjaminiHochberg"] = "BenjaminiHochberg"
    """Correction for the number of columns."""
    columns: DriftColumns = DriftColumns()
    """Which columns are compared."""
    dataset: DatasetDrift = DatasetDrift()
    """When the data set as a whole counts as drifted."""


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


class Performance(Schema):
    """Comparison of the answers with the truth."""

    labels: Labels = Labels()
    """Where the truth comes from."""
    metrics: Annotated[list[PerformanceLimit], Field(max_length=8)] = []
    """What is measured. A model that got better never alarms."""


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


class Fire(Schema):
    """How many of the last evaluations must say so."""

    of: Annotated[int, Field(ge=1, le=20)] = 2
    """This many..."""
    in_: Annotated[int, Field(alias="in", ge=1, le=20)] = 3
    """...of the last so many."""
    cel: ClassVar = (Rule("self.of <= self.__in__", "of must not be larger than in, for example {of: 2, in: 3}"),)


class Decide(Schema):
    """When the monitor fires and when it calms down."""

    fire: Fire = Fire()
    """Fires when so many of the last evaluations found degradation."""
    clear: Fire = Fire.model_validate({"of": 3, "in": 3})
    """Calms down when so many of the last evaluations found none."""


class Budget(Schema):
    """How many retrainings may be asked for."""

    runs: Annotated[int, Field(ge=1, le=1000)] = 3
    """This many runs..."""
    per: PositiveDuration = "7d"
    """...in any span of this length."""


class Retrain(Schema):
    """Asking for a new model."""

    training_ref: Reference
    """The ModelTraining that is asked."""
    on: Annotated[list[RequestCause], Field(min_length=1, max_length=2)] = [
        RequestCause.PERFORMANCE,
        RequestCause.DRIFT,
    ]
    """What is reason enough: Performance (measured with labels), Drift (of the inputs). Write the name in quotes, "on":
    kubectl reads a bare on as true."""
    cooldown: Duration = "6h"
    """Shortest time from one request to the next."""
    budget: Budget = Budget()
    """How many retrainings may be asked for."""


class Actions(Schema):
    """What is done when the monitor fires. An Event is always written."""

    retrain: Retrain | None = None
    """Ask for a new model."""


class MonitorSpec(Schema):
    """What a served model must live up to."""

    deployment_ref: Reference
    """The ModelDeployment that is watched. Evidence is kept per model version, never mixed."""
    schedule: Schedule = Schedule()
    """How often the model is looked at."""
    window: Window = Window()
    """Which requests are looked at."""
    drift: Drift | None = None
    """Comparison of the inputs with the training data."""
    performance: Performance | None = None
    """Comparison of the answers with the truth."""
    quality: Quality | None = None
    """Checks of the data itself."""
    decide: Decide = Decide()
    """When the monitor fires and when it calms down."""
    actions: Actions = Actions()
    """What is done when it fires."""
    suspend: bool = False
    """Start no evaluation."""
    cel: ClassVar = (
        Rule(
            "has(self.drift) || has(self.performance) || has(self.quality)",
            "a monitor needs something to watch: give drift, performance or quality (drift: {} takes all defaults)",
        ),
    )


class Finding(Schema):
    """One thing that was found."""

    column: str
    """The column, or the metric for performance."""
    test: str
    """How it was measured."""
    effect: str
    """What was found."""
    limit: str
    """What was allowed."""


class Verdict(Schema):
    """What the last evaluation led to."""

    state: State
    """Unknown, Healthy, Suspect or Firing."""
    since: Timestamp
    """Since when the state has been so."""
    at: Timestamp
    """When it was last looked at."""
    votes: str
    """Evaluations that found degradation of those that count, for example 2/3."""
    top: Annotated[list[Finding], Field(max_length=5)] = []
    """The largest findings."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """One sentence for people."""
    report: str | None = None
    """URI of the evaluation's report."""
    report_digest: Digest | None = None
    """sha256 of the report."""


class WindowStatus(Schema):
    """What was looked at."""

    from_: Annotated[Timestamp, Field(alias="from")]
    """Beginning of the window."""
    to: Timestamp
    """End of the window."""
    rows: int
    """Rows in it."""
    label_coverage: str
    """Share of the rows that have a label."""


class ReferenceStatus(Schema):
    """What it was compared with."""

    version: str
    """The ModelVersion whose answers were looked at."""
    rows: int
    """Training rows in its baseline."""


class RetrainRequest(Schema):
    """What the ModelTraining acts on, exactly once per id."""

    id: str
    """Id of the request: the evaluation that led to it."""
    cause: RequestCause
    """What was found."""
    since: Timestamp
    """When it was asked."""
    version: str
    """The ModelVersion that degraded."""


class Memory(Schema):
    """What the decision must remember from one evaluation to the next."""

    version: str | None = None
    """The ModelVersion that the votes belong to."""
    votes: Annotated[list[bool], Field(max_length=20)] = []
    """Whether each of the last evaluations found degradation, oldest first."""
    state: State = State.UNKNOWN
    """The state that they led to."""
    since: Timestamp | None = None
    """Since when."""
    requests: Annotated[list[Timestamp], Field(max_length=100)] = []
    """When retrainings were asked for, oldest first."""


class RetrainStatus(Schema):
    """Retrainings that were asked for."""

    last: Timestamp | None = None
    """When the last one was asked for."""
    used: str = ""
    """How much of the budget is used, for example 1/3."""
    blocked: str | None = None
    """Why no retraining is asked for although the monitor fires."""


class MonitorStatus(Schema):
    """What the monitor found and what it asked for."""

    observed_generation: int | None = None
    """The generation of the spec that was looked at."""
    verdict: Verdict | None = None
    """What the last evaluation led to."""
    window: WindowStatus | None = None
    """What was looked at."""
    reference: ReferenceStatus | None = None
    """What it was compared with."""
    request: RetrainRequest | None = None
    """The last request for a retraining."""
    retrain: RetrainStatus | None = None
    """Retrainings that were asked for."""
    memory: Memory | None = None
    """What the decision remembers."""
    evaluated: str | None = None
    """The last evaluation that was recorded."""
    conditions: Conditions = []
    """Ready, DataFresh, DataHealthy, Drifted, PerformanceDegraded, RetrainBlocked."""
