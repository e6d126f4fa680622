"""What passes between the operator and its pods: a frozen order on the way in, one JSON document on the way out.

The order is a file mounted from a ConfigMap; the answer is the pod's termination message, which Kubernetes cuts at 4096
bytes, so an outcome must stay below that (`fit_message`).
"""

import json
from enum import IntEnum, StrEnum
from typing import Annotated, Any

from pydantic import Field

from evermodel_api.base import Digest, Moment, Schema, Timestamp
from evermodel_api.deployment import Feedback, PredictionLog
from evermodel_api.monitor import (
    BlockedRetraining,
    Finding,
    Memory,
    MonitorSpec,
    RequestCause,
    RetrainResult,
    Situation,
    State,
)
from evermodel_api.training import Cause, TrainingSpec
from evermodel_api.version import Artifact, GateVerdict

ORDER_DIRECTORY = "/etc/evermodel"
"""Where a pod finds its order."""
ORDER_FILE = "order.json"
SECRETS_DIRECTORY = "/run/secrets/evermodel"
"""A Secret's key is the file SECRETS_DIRECTORY/<secret>/<key>."""
EXCHANGE_DIRECTORY = "/exchange"
"""What the containers of a run's pod share, where there are several."""
FITS_FOLDER = "fits"
"""Below it: <algorithm>/, which an algorithm's own container sees at the same path, and nothing else of it."""
FITS_VARIABLE = "EVERMODEL_FITS"
"""Variable that tells an algorithm's own container this path (docs/containers.md)."""
TERMINATION_LOG = "/dev/termination-log"
MESSAGE_LIMIT = 4096
"""Kubernetes keeps this many bytes of a termination message."""
SERVING_PORT = 8080
GRPC_PORT = 8081
"""A serving pod speaks gRPC here, where the ModelDeployment says expose.grpc."""
SPOOL_DIRECTORY = "/var/lib/evermodel/spool"
"""A serving pod keeps here what is not yet in the store: it outlives the container, and goes with the pod."""
KEYS_DIRECTORY = "/run/secrets/evermodel-serving/keys"
"""A serving pod finds the API keys here, one file for each."""
TLS_DIRECTORY = "/run/secrets/evermodel-serving/tls"
"""A serving pod finds its certificate here: tls.crt and tls.key."""


ModelName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-_A-Za-z0-9]*[A-Za-z0-9])?$")]
"""Name of a model or version. Wider than a Kubernetes name: without a cluster one may be called kneighbors_heart."""


class Exit(IntEnum):
    """Exit codes. Wrong data and wrong specs are never retried: they would be wrong again."""

    DONE = 0
    CRASHED = 1
    DATA_WRONG = 3
    SPEC_WRONG = 4


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "Succeeded"
    REFUSED = "Refused"
    SKIPPED = "Skipped"
    FAILED = "Failed"


class ChampionRef(Schema):
    """The version that a challenger meets."""

    version: ModelName
    """Name of the ModelVersion."""
    artifact: Artifact
    """Its bytes."""
    image: str | None = None
    """The image that trained it and serves it; None without a cluster."""


class LastRun(Schema):
    """The newest run that made a version: a run that finds the same may be skipped."""

    run: Annotated[int, Field(ge=1)]
    """Its number."""
    spec_digest: Digest
    """sha256 of its spec."""
    data_digest: Digest
    """sha256 of its rows, after cleaning."""
    image: str | None = None
    """The image that it ran; None without a cluster."""


class TrainingOrder(Schema):
    """What the pods of a run are told to do. Pod command: `evermodel train --order FILE`.

    With tuning.workers above 1 the run is an Indexed Job. Its pods have the same order; JOB_COMPLETION_INDEX tells them
    apart. Pod 0 leads: it collects, judges and records; the others take part in the search.
    """

    namespace: str
    """Namespace of the training."""
    training: ModelName
    """Name of the ModelTraining, and of the model."""
    run: Annotated[int, Field(ge=1)]
    """Number of the run, and of the version that it makes: <training>-<run>."""
    spec: TrainingSpec
    """The spec as it was when the run began."""
    spec_digest: Digest
    """sha256 of the spec (`spec_digest`)."""
    store: str
    """fsspec URL of the artifact store's root for this namespace."""
    as_of: Moment
    """When the run began: what `:asOf` is bound to."""
    cause: Cause
    """Why it was started."""
    champion: ChampionRef | None = None
    """The version that serves now."""
    image: str | None = None
    """The image that the pods run, as the operator's settings name it; None without a cluster."""
    last: LastRun | None = None
    """The newest run that made a version."""
    exchange: str | None = None
    """Directory that the pod's containers share: the champion in its own image answers there, and the containers of
    algorithms leave their models there. None when there are none."""
    allow_pickle: bool = False
    """Whether the cluster's admin allows models to be kept as pickles."""


class ReproduceOrder(Schema):
    """What a pod that makes an old version again is told. Pod command: `evermodel reproduce --order FILE`."""

    namespace: str
    """Namespace of the version."""
    training: ModelName
    """Name of the ModelTraining."""
    run: Annotated[int, Field(ge=1)]
    """Number of the run that made the version."""
    version: ModelName
    """Name of the ModelVersion."""
    artifact: Artifact
    """Its bytes, as recorded."""
    store: str
    """fsspec URL of the artifact store's root for this namespace."""
    image: str | None = None
    """The image that the pod runs."""
    original_image: str | None = None
    """The image that made the version."""


class ReproduceOutcome(Schema):
    """What making a version again found."""

    outcome: Annotated[str, Field(max_length=63)]
    """Identical (to the bit), WithinTolerance, Different or Impossible."""
    message: str
    """One sentence for people: what was found, and why it differs where it does."""
    reason: str | None = None
    """For a failure: a documented word (docs/conditions.md)."""
    digest: Digest | None = None
    """Identity of the model that was made now."""
    difference: float | None = None
    """Largest difference of the two models' answers to the snapshot's test rows."""
    tolerance: float | None = None
    """The difference that the algorithm is allowed (docs/reproducible.md)."""
    seconds: float | None = None
    """How long it took, in seconds."""


class TrainingOutcome(Schema):
    """What a training pod answers."""

    outcome: Outcome
    """Succeeded, Refused (a gate does not hold: the model is kept and never served), Skipped (data, spec and image are
    those of the last run) or Failed."""
    message: str
    """One sentence for people; for a failure the cause and the remedy."""
    reason: str | None = None
    """For a failure: a documented word (docs/conditions.md)."""
    artifact: Artifact | None = None
    """The bytes that were made."""
    data_digest: Digest | None = None
    """sha256 of the rows after cleaning."""
    rows: int | None = None
    """Rows after cleaning."""
    algorithm: str | None = None
    """Name of the algorithm that won."""
    metrics: dict[str, float] = {}
    """What it scored on the test rows."""
    gates: list[GateVerdict] = []
    """What each gate found."""
    seconds: float | None = None
    """How long the run took, in seconds."""
    quarantined: int | None = None
    """Rows that were wrong and set aside."""
    ledger: str | None = None
    """URI of the run's ledger; the other documents of the run lie beside it."""


PROGRESS_PORT = 8080
"""A training pod tells of itself here: GET /progress (`Progress` as JSON) and GET /metrics (Prometheus)."""


class MonitorOrder(Schema):
    """What a monitoring pod is told to do. Pod command: `evermodel monitor --order FILE`."""

    namespace: str
    """Namespace of the monitor."""
    monitor: ModelName
    """Name of the DriftMonitor."""
    evaluation: str
    """Id of the evaluation: the number of its time slot."""
    deployment: ModelName
    """Name of the ModelDeployment, which the prediction log is kept under."""
    version: ModelName
    """Name of the ModelVersion that gave the answers."""
    artifact: Artifact
    """Its bytes, for the baseline."""
    spec: MonitorSpec
    """The spec as it was when the evaluation began."""
    store: str
    """fsspec URL of the artifact store's root for this namespace."""
    now: Timestamp
    """When the evaluation began."""
    memory: Memory
    """What the decision remembers."""
    situation: Situation = Situation()
    """What the cluster shows and the decision depends on."""


class MonitorOutcome(Schema):
    """What a monitoring pod answers."""

    failed: bool = False
    """Whether the evaluation itself failed; then only `message` and `reason` are given."""
    message: str
    """One sentence for people."""
    reason: str | None = None
    """For a failure: a documented word (docs/conditions.md)."""
    window_from: Timestamp | None = None
    """Beginning of the window."""
    window_to: Timestamp | None = None
    """End of the window."""
    rows: int = 0
    """Rows in the window."""
    label_coverage: float = 0.0
    """Share of the rows that have a label."""
    reference_rows: int = 0
    """Training rows in the baseline."""
    drifted: bool | None = None
    """Whether the inputs drifted; None when not judged."""
    degraded: bool | None = None
    """Whether the answers degraded; None when not judged."""
    healthy_data: bool | None = None
    """Whether the data passed its quality checks; None when not judged."""
    top: list[Finding] = []
    """The largest findings, at most 5."""
    state: State = State.UNKNOWN
    """What the votes led to."""
    alert: bool = False
    """Whether the monitor began to fire with this evaluation."""
    retrain: RequestCause | None = None
    """What a retraining is asked for."""
    blocked: BlockedRetraining | None = None
    """Why none is asked for although the monitor fires."""
    next: Timestamp | None = None
    """When cooldown and budget allow the next one, where they do not now."""
    ended: RetrainResult | None = None
    """What the retraining of the situation came to, where this evaluation knows."""
    decision: str = ""
    """What was decided and why, in one sentence."""
    memory: Memory | None = None
    """What to remember until the next evaluation."""
    report: str | None = None
    """URI of the report (JSON)."""
    report_digest: Digest | None = None
    """sha256 of the report."""


class ServingOrder(Schema):
    """What a serving pod is told to do. Pod command: `evermodel serve --order FILE`."""

    namespace: str
    """Namespace of the deployment."""
    deployment: ModelName
    """Name of the ModelDeployment, which the prediction log is kept under."""
    model: ModelName
    """Name that clients use: that of the ModelDeployment."""
    version: ModelName
    """Name of the ModelVersion, which every answer carries."""
    artifact: Artifact
    """Its bytes."""
    store: str
    """fsspec URL of the artifact store's root for this namespace."""
    log: PredictionLog = PredictionLog()
    """What is kept of requests and answers."""
    feedback: Feedback = Feedback()
    """Labels that come later."""
    port: int = SERVING_PORT
    """Port to listen on."""
    allow_pickle: bool | None = None
    """Whether the cluster's admin allows models that are kept as pickles to be loaded. Absent where not: a version is
    served by the image that made it, and an image from before this field refuses an order that has it. So it is with
    all fields below: an image that knows nothing of keys or TLS ends instead of serving without."""
    grpc_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port to speak gRPC on; absent where nobody does."""
    keys: str | None = None
    """Directory of the API keys; absent where everybody may ask."""
    tls: str | None = None
    """Directory of the certificate and its key; absent where the port speaks plain HTTP."""
    access_log: bool | None = None
    """Whether each request is a line on standard output."""
    max_body_bytes: Annotated[int, Field(ge=1)] | None = None
    """Bytes that the body of a request may have; absent for the server's own limit."""
    max_rows: Annotated[int, Field(ge=1)] | None = None
    """Rows that a request may have; absent for the server's own limit."""


def fit_message(outcome: Schema) -> str:
    """The outcome as JSON that Kubernetes keeps whole: at most 4096 bytes, long sentences (`message`) cut first.

    >>> len(fit_message(TrainingOutcome(outcome=Outcome.FAILED, message="x" * 9000)).encode()) <= MESSAGE_LIMIT
    True
    """
    document: dict[str, Any] = outcome.dump()
    message: str = document["message"]
    for limit in (len(message), 1000, 400, 100):
        document["message"] = message if len(message) <= limit else message[: limit - 1] + "…"
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) <= MESSAGE_LIMIT:
            return text
    for optional in ("gates", "metrics", "top", "checks"):
        document.pop(optional, None)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
