"""What the operator reports of a training."""

from typing import Annotated

from pydantic import Field

from evermodel_api.base import Conditions, Digest, Schema, Timestamp


class Cause(Schema):
    """Why a run was started."""

    by: Annotated[str, Field(max_length=253)]
    """Who asked: spec, schedule, run/N, driftmonitor/NAME, or person/KEY."""
    reason: Annotated[str, Field(max_length=253)]
    """Created, SpecChanged, Scheduled, OutOfMemory, Requested, or the monitor's cause (Performance, Drift)."""
    request: Annotated[str, Field(max_length=253)] | None = None
    """Id of the request, so that each is acted on once."""


class Progress(Schema):
    """How far a run is, as its pod says."""

    phase: Annotated[str, Field(max_length=63)]
    """Collecting, Preparing, Searching, Fitting, Judging or Recording."""
    trial: int | None = None
    """Trials that have ended."""
    trials: int | None = None
    """Trials in all."""
    best: Annotated[str, Field(max_length=63)] | None = None
    """The best score so far, with its metric: roc_auc 0.912."""
    seconds_left: int | None = None
    """How long the search will take at its present pace, in seconds."""
    message: Annotated[str, Field(max_length=256)] = ""
    """The last thing that was said, for people."""
    at: Timestamp | None = None
    """When it was written here."""


class CurrentRun(Schema):
    """The run that is under way."""

    id: str
    """Number of the run."""
    cause: Cause
    """Why it was started."""
    phase: str
    """Queued, Starting, Training or Recording."""
    job: str
    """Name of its Job."""
    spec_digest: Digest
    """sha256 of the spec it runs."""
    started: Timestamp
    """When it was started."""
    progress: Progress | None = None
    """How far it is, as its pod says."""


class PastRun(Schema):
    """A run that ended."""

    id: str
    """Number of the run."""
    outcome: str
    """Succeeded (a version was made), Refused (a gate refused it), Skipped (nothing had changed) or Failed."""
    cause: Cause
    """Why it was started."""
    version: str | None = None
    """The ModelVersion that it made."""
    metrics: dict[str, str] = {}
    """What the version scored on the test rows."""
    data_digest: Digest | None = None
    """sha256 of the rows it was trained on."""
    spec_digest: Digest
    """sha256 of the spec it ran."""
    started: Timestamp
    """When it was started."""
    finished: Timestamp
    """When it ended."""
    reason: Annotated[str, Field(max_length=63)] | None = None
    """For a failure: a documented word (docs/conditions.md)."""
    image: Annotated[str, Field(max_length=512)] | None = None
    """The image that it ran, as the operator's settings named it."""
    memory: Annotated[str, Field(max_length=64)] | None = None
    """The memory limit of its pods, where it ran out of memory or had more than the spec says."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """One sentence for people."""


class Starts(Schema):
    """Runs that were started, for the budget."""

    at: Timestamp
    """When the last of them was started."""
    runs: Annotated[int, Field(ge=1)] = 1
    """How many."""


class TrainingStatus(Schema):
    """What the operator reports. Bounded: the last 10 runs."""

    observed_generation: int | None = None
    """The generation of the spec that was looked at."""
    champion: str | None = None
    """The version that serves, or the newest approved one where nothing serves it."""
    run: CurrentRun | None = None
    """The run that is under way."""
    runs: Annotated[list[PastRun], Field(max_length=10)] = []
    """The last 10 runs, newest first."""
    acknowledged: Annotated[dict[str, str], Field(max_length=64)] = {}
    """The last request of each asker that was acted on."""
    scheduled: Timestamp | None = None
    """The last moment of the schedule that was acted on or passed over; before the first, since when it counts."""
    timetable: Annotated[str, Field(max_length=256)] | None = None
    """The cron and the time zone that `scheduled` was counted by: others count from when they are first seen."""
    next_run: Timestamp | None = None
    """The next moment of the schedule."""
    starts: Annotated[list[Starts], Field(max_length=32)] = []
    """With triggers.budget: the runs that were started in the time it is for, oldest first."""
    conditions: Conditions = []
    """Running, Complete, Failed, GatePassed, Skipped; Reconciling and Stalled only while true."""
