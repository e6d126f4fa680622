"""What a ModelDeployment reports."""

from typing import Annotated

from pydantic import Field

from evermodel_api.base import Conditions, Schema, Timestamp


class LiveVersion(Schema):
    """The version that the Service sends traffic to."""

    version: str
    """The ModelVersion."""
    replicas: int
    """Pods that are ready."""
    since: Timestamp
    """Since when."""


class CandidateVersion(Schema):
    """The version that is being rolled out."""

    version: str
    """The ModelVersion."""
    replicas: int
    """Pods that are ready."""
    since: Timestamp
    """When the rollout began."""
    step: int = 1
    """Which step of the strategy it is in, from 1; one more than there are steps while it gets all its pods."""
    weight: int = 0
    """Percent of the ready pods that take traffic which are its own."""
    reached: Timestamp | None = None
    """When the pods of this step were ready, and its pause began."""
    waiting: Timestamp | None = None
    """Since when pods of this step are waited for; absent while they are ready."""
    url: str | None = None
    """Where the candidate can be asked before it takes traffic (BlueGreen)."""


class PreviousVersion(Schema):
    """The version that was replaced and is still warm."""

    version: str
    """The ModelVersion."""
    until: Timestamp
    """When it is drained and removed."""


class RejectedVersion(Schema):
    """A version that this deployment tried and will not try again."""

    version: str
    """The ModelVersion."""
    at: Timestamp
    """When."""
    reason: str
    """One documented word for why."""
    message: Annotated[str, Field(max_length=1024)]
    """The same in a sentence."""


class WatchedVersion(Schema):
    """The live version, while it is new and its checks go on."""

    version: str
    """The ModelVersion."""
    until: Timestamp
    """When it has taken over for good."""


class Answered(Schema):
    """What people asked for by annotation, as it was last acted on: each new value counts once."""

    rollback: Annotated[str, Field(max_length=256)] | None = None
    """Value of evermodel.dev/rollback."""
    promote: Annotated[str, Field(max_length=256)] | None = None
    """Value of evermodel.dev/promote."""
    retry: Annotated[str, Field(max_length=256)] | None = None
    """Value of evermodel.dev/retry."""


class DeploymentStatus(Schema):
    """What is served now and what is under way."""

    observed_generation: int | None = None
    """The generation of the spec that was looked at."""
    live: LiveVersion | None = None
    """The version that answers."""
    candidate: CandidateVersion | None = None
    """The version that is being rolled out."""
    previous: PreviousVersion | None = None
    """The version that was replaced and is still warm."""
    watched: WatchedVersion | None = None
    """The live version, while a failed check still moves back to the previous one."""
    retried: Annotated[str, Field(max_length=63)] | None = None
    """The ModelVersion that is tried again because a person asked."""
    answered: Answered | None = None
    """What people asked for, as it was last acted on."""
    rejected: Annotated[list[RejectedVersion], Field(max_length=10)] = []
    """Versions that this deployment tried in vain, newest first."""
    url: str | None = None
    """Where clients inside the cluster reach the model."""
    replicas: int | None = None
    """Pods of the live version (for the scale subresource)."""
    selector: str | None = None
    """Label selector of the live version's pods (for the scale subresource)."""
    conditions: Conditions = []
    """Ready, Serving, UpToDate, Progressing; Stalled only while true."""
