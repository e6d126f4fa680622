"""The ledger of a run: everything that was measured, so that no server is needed to remember it.

One JSON document beside the run's record. `evermodel runs`, the model card, the comparison of runs and the mirror to
MLflow read it and nothing else.
"""

from typing import Any, Literal

from evermodel_api.base import Digest, Moment, Schema
from evermodel_api.training import Cause
from evermodel_api.version import Artifact, GateVerdict


class SourceRead(Schema):
    """What one source gave."""

    name: str
    """Its name."""
    rows: int
    """Rows."""
    seconds: float
    """How long it took."""


class DataRead(Schema):
    """The rows of a run."""

    digest: Digest
    """sha256 of the rows after cleaning: features and target, in any order of rows."""
    columns: dict[str, Digest] = {}
    """The same of each column by itself."""
    rows_read: int
    """Rows after combine."""
    rows: int
    """Rows after cleaning."""
    quarantined: int = 0
    """Wrong rows that were set aside."""
    training_rows: int
    """Rows that models were fitted on."""
    test_rows: int
    """Rows that were held out."""
    sources: list[SourceRead] = []
    """What each source gave."""
    snapshot: str | None = None
    """URI of the rows that were read."""


class Fold(Schema):
    """One fit of a trial on one fold."""

    scores: dict[str, float]
    """Metrics on the fold's validation rows; those that are not defined are left out."""
    train_scores: dict[str, float] = {}
    """Metrics on the fold's training rows, where the overfitting guard asks for them."""
    seconds: float
    """How long it took."""
    cpu_seconds: float
    """CPU time of this process in it."""


class Trial(Schema):
    """One algorithm with one set of parameters."""

    number: int
    """From 0."""
    algorithm: str
    """Name of the algorithm."""
    estimator: str
    """Its class, or the image of its container."""
    params: dict[str, Any] = {}
    """Parameters that it was given."""
    searched: dict[str, Any] = {}
    """Those of them that the search chose."""
    state: Literal["Complete", "Pruned", "Failed"]
    """Pruned: given up after some folds. Failed: could not be fitted; `notes` says why."""
    folds: list[Fold] = []
    """One for each fold that was fitted."""
    scores: dict[str, float] = {}
    """Mean over the folds."""
    notes: list[str] = []
    """What the library warned of, or why it failed."""
    worker: str = "0"
    """Who computed it."""


class Search(Schema):
    """How the search went."""

    sampler: str
    """TPE, Random or Grid; None where nothing was searched."""
    objective: str
    """The metric that chose."""
    trials: int
    """Trials that were planned."""
    workers: int
    """Workers that were asked for."""
    stopped_by: Literal["Done", "Timeout"] = "Done"
    """Timeout: no trial began after tuning.timeout, so that the search cannot be repeated to the bit."""
    seconds: float
    """How long it took."""


class SliceScore(Schema):
    """Metrics on some of the test rows."""

    by: str
    """The feature."""
    level: str
    """Its level, or its range."""
    rows: int
    """Test rows."""
    judged: bool
    """Whether there are enough rows."""
    scores: dict[str, float]
    """Metrics; those that are not defined are left out."""


class Ledger(Schema):
    """Everything that a run measured."""

    training: str
    """Name of the ModelTraining."""
    run: int
    """Number of the run."""
    outcome: str
    """Succeeded, Refused or Skipped."""
    message: str
    """One sentence for people."""
    cause: Cause
    """Why the run was started."""
    task: str
    """Classification or Regression."""
    target: str
    """The column that is answered."""
    as_of: Moment
    """When the run began."""
    seconds: float
    """How long it took."""
    cpu_seconds: float
    """CPU time of this process and its children."""
    peak_memory_mb: float
    """The most memory that this process held, in megabytes."""
    phases: dict[str, float] = {}
    """Seconds of each phase."""
    spec: dict[str, Any]
    """The spec as it was."""
    spec_digest: Digest
    """sha256 of the spec."""
    seed: int
    """Seed of every random choice."""
    image: str | None = None
    """The image."""
    environment: dict[str, Any] = {}
    """Versions of Python and of the libraries."""
    data: DataRead
    """The rows."""
    search: Search | None = None
    """How the search went; None where there was nothing to choose."""
    trials: list[Trial] = []
    """Every trial, by its number."""
    chosen: int | None = None
    """Number of the trial that won; None where there was nothing to choose."""
    algorithm: str | None = None
    """Name of the algorithm that won."""
    estimator: str | None = None
    """Its class."""
    params: dict[str, Any] = {}
    """Its parameters."""
    metrics: dict[str, float] = {}
    """What the model scored on the test rows."""
    intervals: dict[str, tuple[float, float]] = {}
    """95 % bootstrap interval of each metric on the test rows."""
    train_metrics: dict[str, float] = {}
    """What it scored on the rows it was fitted on."""
    notes: list[str] = []
    """What the library warned of when the model was fitted, and why it has no ONNX form."""
    threshold: float | None = None
    """Probability from which on the second class is answered, where it was tuned."""
    costs: dict[str, float] = {}
    """latency_ms, size_mb, onnx_difference, where they were measured."""
    slices: list[SliceScore] = []
    """Metrics on slices of the test rows."""
    gates: list[GateVerdict] = []
    """What each gate found."""
    champion: str | None = None
    """The version that was met."""
    version: str | None = None
    """The version that was made."""
    artifact: Artifact | None = None
    """Its bytes."""
    features: list[str] = []
    """Columns that the model takes."""
    signature: dict[str, Any] = {}
    """The model's signature."""
