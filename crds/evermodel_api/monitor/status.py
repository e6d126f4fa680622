"""What the monitor found and what it asked for: a DriftMonitor's status."""

from typing import Annotated

from pydantic import Field

from evermodel_api.base import Conditions, Digest, Schema, Timestamp
from evermodel_api.monitor.terms import RequestCause, State


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
