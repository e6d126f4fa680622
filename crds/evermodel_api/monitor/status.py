"""What the monitor found and what it asked for: a DriftMonitor's status."""

from typing import Annotated

from pydantic import Field

from evermodel_api.base import Conditions, Digest, Schema, Timestamp
from evermodel_api.monitor.terms import Found, RequestCause, RetrainResult, State


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
    by: Annotated[str, Field(max_length=63)] | None = None
    """Where approval is Manual: who said yes."""
    why: Annotated[str, Field(max_length=256)] | None = None
    """And why, in that person's words."""


class Memory(Schema):
    """What the decision must remember from one evaluation to the next."""

    version: str | None = None
    """The ModelVersion that the votes belong to."""
    rules: str | None = None
    """Digest of the limits that the votes were cast by: under others they count no more."""
    votes: Annotated[list[Annotated[list[Found], Field(max_length=8)]], Field(max_length=20)] = []
    """What each of the last evaluations found, oldest first."""
    voted: Timestamp | None = None
    """When the last of them was."""
    firing: bool = False
    """Whether the votes make it fire."""
    calmed: Timestamp | None = None
    """When it last calmed down."""
    state: State = State.UNKNOWN
    """The state that all this leads to."""
    since: Timestamp | None = None
    """Since when."""
    unhelpful: Annotated[int, Field(ge=0)] = 0
    """Retrainings in a row that did not help."""


class Retraining(Schema):
    """A request that was made, as the cluster shows it."""

    request: RetrainRequest
    """The request."""
    run: str | None = None
    """The run that acts on it: the name of its ModelVersion to be."""
    result: RetrainResult | None = None
    """What it came to, where no evaluation is needed to know: Failed, Rejected or Unchanged."""
    stage: str = ""
    """Where it is, in words for people."""


class Situation(Schema):
    """What the cluster shows at the moment of an evaluation, and the decision depends on."""

    asked: Annotated[list[Timestamp], Field(max_length=100)] = []
    """When retrainings were asked for, oldest first."""
    declined: Timestamp | None = None
    """When a person last said no to one."""
    frozen: str | None = None
    """Why none may be asked for now: a rollout or a run is under way."""
    proposal: str | None = None
    """Id of the retraining that waits for a person's yes or no."""
    retraining: Retraining | None = None
    """The retraining whose end is not known yet."""


class PastRetraining(Schema):
    """A request, or a proposal, and what it came to."""

    id: str
    """Id of the request."""
    cause: RequestCause
    """What was found."""
    version: str
    """The ModelVersion that degraded."""
    since: Timestamp
    """When it was asked."""
    until: Timestamp
    """When its result was known."""
    result: RetrainResult
    """What it came to."""
    run: str | None = None
    """The ModelVersion that the run made, or would have made."""
    by: Annotated[str, Field(max_length=63)] | None = None
    """Where approval is Manual: who said yes or no."""
    why: Annotated[str, Field(max_length=256)] | None = None
    """And why, in that person's words."""


class BlockedRetraining(Schema):
    """Why no retraining is asked for although the monitor fires."""

    reason: Annotated[str, Field(max_length=63)]
    """One documented word (docs/conditions.md)."""
    message: Annotated[str, Field(max_length=1024)]
    """The same in a sentence."""


class RetrainStatus(Schema):
    """Retrainings that were asked for."""

    last: Timestamp | None = None
    """When the last one was asked for."""
    used: str = ""
    """How much of the budget is used, for example 1/3."""
    next: Timestamp | None = None
    """When cooldown and budget allow the next one, where they do not now."""
    blocked: BlockedRetraining | None = None
    """Why no retraining is asked for although the monitor fires."""
    proposal: RetrainRequest | None = None
    """Where approval is Manual: what waits for a person."""
    declined: Timestamp | None = None
    """When a person last said no."""
    asked: Annotated[list[Timestamp], Field(max_length=100)] = []
    """When retrainings were asked for, oldest first."""
    history: Annotated[list[PastRetraining], Field(max_length=10)] = []
    """The last 10 that ended, newest first."""


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
