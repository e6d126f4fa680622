"""What starts a run, how it is executed, and what becomes of the model."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evermodel_api.base import Duration, Name, PositiveDuration, Quantity, Reference, Resources, Rule, Schema
from evermodel_api.pod import PodTemplate


class MLflow(Schema):
    """A mirror of runs and versions in MLflow. What is written there is a copy: nothing is read from it."""

    tracking_uri: Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^https?://")]
    """Address of the tracking server."""
    experiment: Annotated[str, Field(min_length=1, max_length=250)] | None = None
    """Name of the experiment; the training's own when not given."""
    registered_model: Annotated[str, Field(min_length=1, max_length=250)] | None = None
    """Name of the registered model that versions are added to; none are when not given."""
    secret_ref: Reference | None = None
    """A Secret with the keys username and password, or token."""


class Mirror(Schema):
    """Where runs are copied to."""

    mlflow: MLflow
    """An MLflow tracking server."""


class Register(Schema):
    """What happens with a model that passed its gates."""

    approval: Literal["Auto", "Manual"] = "Auto"
    """Manual waits for a person: kubectl annotate modelversion NAME evermodel.dev/approve=yes (or =no)."""
    keep: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many versions that are Retired or Rejected stay as they are; older ones become Archived."""
    formats: Annotated[list[Literal["skops", "onnx", "pickle"]], Field(max_length=3)] = ["skops"]
    """Forms of the model that are kept. skops is always made; onnx when it answers as scikit-learn does; pickle, for
    what skops cannot hold, only where the cluster's admin allows it."""
    snapshot: bool = True
    """Keep the rows that the run read, so that the version can be reproduced."""
    mirror: Mirror | None = None
    """Where runs are copied to."""


class Schedule(Schema):
    """Runs by the clock."""

    cron: Annotated[str, Field(min_length=9, max_length=128)]
    """Five fields: minute, hour, day of the month, month, day of the week; for example 0 3 * * 1."""
    time_zone: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")] = (
        "UTC"
    )
    """Name in the IANA time zone database, such as Asia/Bangkok."""
    concurrency_policy: Literal["Forbid", "Replace"] = "Forbid"
    """When a run is due while another one works: Forbid lets the due one pass, Replace stops the one that works."""
    starting_deadline: PositiveDuration | None = None
    """A run that could not start for so long is passed over. Missed runs are made up for by one, at most."""


class Budget(Schema):
    """How many runs may start."""

    runs: Annotated[int, Field(ge=1, le=1000)]
    """So many runs may start in a time."""
    per: PositiveDuration = "1d"
    """That time. Further runs wait; they are not lost."""


class Triggers(Schema):
    """What starts a run, beside drift monitors and people."""

    schedule: Schedule | None = None
    """Runs by the clock."""
    on_spec_change: bool = True
    """Run again when this spec changes."""
    skip_if_unchanged: bool = False
    """A run that finds the data, spec and image of the last one makes nothing and says so."""
    budget: Budget | None = None
    """How many runs may start, whoever asks."""


class TimeToLive(Schema):
    """How long the Job of a finished run is kept."""

    succeeded: Duration = "1d"
    """After a run that made a version."""
    failed: Duration = "7d"
    """After a run that failed."""


class OutOfMemory(Schema):
    """What happens when a run used more memory than its limit."""

    factor: Annotated[float, Field(gt=1, le=8)] = 2.0
    """The run is repeated with this many times the memory."""
    max: Quantity
    """Never with more than this."""


class Dask(Schema):
    """An existing Dask cluster whose workers run the image of this training."""

    scheduler: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^(tcp|tls|ws|wss)://")]
    """Address of the scheduler, such as tcp://scheduler.dask:8786."""


class Engine(Schema):
    """Where fits are computed."""

    dask: Dask
    """An existing Dask cluster."""


class RunSettings(Schema):
    """How a run is executed."""

    seed: Annotated[int, Field(ge=0, le=4294967295)] = 0
    """Seed of every random choice."""
    resources: Resources = Resources(requests={"cpu": "500m", "memory": "512Mi"}, limits={"memory": "2Gi"})
    """What the training pod asks for and may use."""
    oom: OutOfMemory | None = None
    """Repeat a run that used more memory than its limit, with more."""
    backoff_limit: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a crashed pod is tried again. Wrong data and wrong specs are never retried."""
    deadline: PositiveDuration = "1h"
    """The run fails when it takes longer."""
    ttl: TimeToLive = TimeToLive()
    """How long the Job of a finished run is kept."""
    suspend: bool = False
    """Start no run. One that is under way goes on."""
    queue_name: Name | None = None
    """Name of a Kueue LocalQueue: the run's Job is made suspended, and Kueue starts it when there is room."""
    engine: Engine | None = None
    """Where fits are computed; in the run's own pods when not given."""
    pod_template: PodTemplate = PodTemplate()
    """What the run's pods have beside what Evermodel gives them."""
    cel: ClassVar = (
        Rule(
            "!has(self.oom) || (has(self.resources.limits) && 'memory' in self.resources.limits)",
            "oom needs resources.limits.memory: without a limit there is nothing to raise",
        ),
    )
