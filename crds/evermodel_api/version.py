"""ModelVersion: the immutable record of one model that was produced, and where it is in its life."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evermodel_api.base import Conditions, Digest, Name, Rule, Schema, Timestamp
from evermodel_api.training import Cause


class Stage(StrEnum):
    """Where a version is in its life (docs/design.md, the life of a version)."""

    CANDIDATE = "Candidate"
    PENDING_APPROVAL = "PendingApproval"
    APPROVED = "Approved"
    CHAMPION = "Champion"
    RETIRED = "Retired"
    REJECTED = "Rejected"
    ARCHIVED = "Archived"


class Artifact(Schema):
    """The bytes of a model."""

    uri: Annotated[str, Field(min_length=1, max_length=2048)]
    """Directory of the artifact, an fsspec URL."""
    digest: Digest
    """sha256 of its manifest.json: the identity of the model. Verified before every load."""
    size_bytes: Annotated[int, Field(ge=0)] | None = None
    """Size of all its files, in bytes."""


class Lineage(Schema):
    """Where a version comes from."""

    name: Name
    """The ModelTraining."""
    run: Annotated[str, Field(max_length=20)]
    """Number of the run."""
    spec_digest: Digest
    """sha256 of the training's spec."""
    data_digest: Digest
    """sha256 of the rows, after cleaning."""
    seed: int
    """Seed of every random choice."""
    cause: Cause
    """Why the run was started."""


class GateVerdict(Schema):
    """What one gate found."""

    metric: Annotated[str, Field(max_length=64)]
    """What was measured: a metric, latency_ms, size_mb or onnx_difference."""
    rule: Annotated[str, Field(max_length=64)]
    """min, max, NotWorse, Better, maxDrop or maxTrainTestGap."""
    slice: Annotated[str, Field(max_length=253)] | None = None
    """With by: the slice that decided, such as sex=female: the worst one."""
    value: str
    """What the version scored."""
    limit: str
    """What it had to reach."""
    champion: str | None = None
    """What the live version scored on the same rows."""
    interval: str | None = None
    """Confidence interval of the difference to the champion, for NotWorse."""
    passed: bool
    """Whether the gate holds."""


class VersionSpec(Schema):
    """The record of one model. It cannot be changed."""

    model: Name
    """Name of the model: that of its training."""
    version: Annotated[int, Field(ge=1)]
    """Number of the version: that of the run that made it."""
    artifact: Artifact
    """The bytes."""
    image: Annotated[str, Field(min_length=1, max_length=512)]
    """The image that trained it, and so the image that serves it."""
    training: Lineage
    """Where it comes from."""
    algorithm: Annotated[str, Field(max_length=253)]
    """Name of the algorithm that won."""
    metrics: Annotated[dict[str, str], Field(max_length=16)] = {}
    """What it scored on the test rows."""
    gates: Annotated[list[GateVerdict], Field(max_length=20)] = []
    """What each gate found."""
    approval: Literal["Auto", "Manual"] = "Auto"
    """Whether it waits for a person before it may serve."""
    parent: Annotated[str, Field(max_length=63)] | None = None
    """The version that served when this one was trained."""
    cel: ClassVar = (Rule("self == oldSelf", "a ModelVersion is a record and cannot be changed; train a new version"),)


class JournalEntry(Schema):
    """One step in the life of a version."""

    at: Timestamp
    """When."""
    from_: Annotated[str, Field(alias="from")] = ""
    """The stage before; empty at the beginning."""
    to: str
    """The stage after."""
    by: str
    """Who or what reported the reason."""
    reason: str
    """One documented word for why (docs/conditions.md)."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """The same in a sentence."""


class Reproduction(Schema):
    """What making the version again found."""

    request: Annotated[str, Field(max_length=253)]
    """Value of the annotation evermodel.dev/reproduce that asked for it."""
    outcome: Annotated[str, Field(max_length=63)]
    """Running, Identical, WithinTolerance, Different, Impossible or Failed."""
    at: Timestamp
    """Since when this is so."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """One sentence for people."""
    digest: Digest | None = None
    """Identity of the model that was made again."""


class VersionStatus(Schema):
    """Where the version is in its life."""

    observed_generation: int | None = None
    """The generation that was looked at."""
    stage: Stage | None = None
    """Candidate, PendingApproval, Approved, Champion, Retired, Rejected or Archived."""
    journal: Annotated[list[JournalEntry], Field(max_length=20)] = []
    """The last 20 steps, oldest first."""
    reproduction: Reproduction | None = None
    """What the last wish to make it again found."""
    conditions: Conditions = []
    """Ready: the version may serve. Reproduced: it was made again."""
