"""A rehearsal: before any user's request, a candidate answers the last requests that the live version was asked."""

from typing import Annotated

from pydantic import Field

from evermodel_api.base import Digest, Schema, Timestamp
from evermodel_api.runs import ModelName
from evermodel_api.version import Artifact

Share = Annotated[float, Field(ge=0, le=1)]


class RehearsalLimits(Schema):
    """How many logged rows are answered again, and how different the candidate's answers may be."""

    rows: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Rows of the newest logged requests that are answered again."""
    max_disagreement: Share | None = 0.1
    """Largest share of rows that both answer differently; null for no limit. Classes differ when they are not the same,
    numbers when they are further apart than `tolerance` standard deviations of the live answers."""
    max_shift: Share | None = None
    """Largest distance between the distributions of the answers (Kolmogorov and Smirnov's statistic; of each class's
    probability the largest); null for no limit."""
    tolerance: Annotated[float, Field(ge=0)] = 0.1
    """How far two numbers may be apart to be the same answer, in standard deviations of the live answers."""
    by: Annotated[list[str], Field(max_length=10)] = []
    """Columns of categories in each of whose levels `maxDisagreement` must hold too; levels of fewer than `minSlice`
    rows are told and not judged."""
    min_slice: Annotated[int, Field(ge=1)] = 50
    """Rows that a level needs to be judged."""


class RehearsalOrder(Schema):
    """What a rehearsing pod is told to do. Pod command: `evermodel rehearse --order FILE`."""

    namespace: str
    """Namespace of the deployment."""
    deployment: ModelName
    """Name of the ModelDeployment, which the prediction log is kept under."""
    live: ModelName
    """Name of the version whose log is answered again."""
    candidate: ModelName
    """Name of the version that answers."""
    artifact: Artifact
    """The candidate's bytes."""
    live_artifact: Artifact
    """The live version's bytes, for its signature."""
    store: str
    """fsspec URL of the artifact store's root for this namespace."""
    now: Timestamp
    """Requests up to this moment are answered, so that a rehearsal can be repeated."""
    limits: RehearsalLimits = RehearsalLimits()
    """What is asked of the candidate."""


class RehearsalCheck(Schema):
    """One thing that was asked of the candidate."""

    name: str
    """`disagreement` or `shift`."""
    slice: str | None = None
    """Column and level, as in `sex=female`; absent for all rows."""
    rows: int
    """Rows that were looked at."""
    value: float
    """What was found."""
    limit: float | None = None
    """What was allowed; absent where nothing was asked."""
    passed: bool
    """Whether it holds."""


class RehearsalOutcome(Schema):
    """What a rehearsing pod answers."""

    passed: bool = False
    """Whether the candidate may go on."""
    message: str
    """One sentence for people, with the numbers."""
    reason: str | None = None
    """For a rehearsal that failed, or that had nothing to answer: a documented word (docs/conditions.md)."""
    failed: bool = False
    """Whether the rehearsal itself failed; then nothing is known of the candidate."""
    rows: int = 0
    """Rows that were answered again."""
    checks: Annotated[list[RehearsalCheck], Field(max_length=8)] = []
    """Those that did not hold first."""
    report: str | None = None
    """URI of the report (JSON): all checks, and the rows that were answered most differently."""
    report_digest: Digest | None = None
    """sha256 of the report."""
