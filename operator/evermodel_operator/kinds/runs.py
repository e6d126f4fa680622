"""Runs of a training: what travels with a run's Job, and what is recorded when it has ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from evermodel_api.base import Digest, Schema, Timestamp
from evermodel_api.reasons import Reason
from evermodel_api.runs import Outcome, TrainingOrder, TrainingOutcome
from evermodel_api.training import Cause, PastRun
from evermodel_api.version import Lineage, VersionSpec
from evermodel_operator import labels
from evermodel_operator.children.pod import CONTAINER
from evermodel_operator.kinds.pods import answer, image_used, trouble
from evermodel_operator.kinds.reading import annotation, failure_of, finished_as, finished_at, is_going, label, name_of
from evermodel_operator.plan import Object

_MESSAGE_LIMIT = 1000


class RunRecord(Schema):
    """The annotation of a training Job: what is needed to record its run, whatever befell the operator meanwhile."""

    training: str
    """Name of the ModelTraining."""
    run: int
    """Number of the run."""
    cause: Cause
    """Why it was started."""
    spec_digest: Digest
    """sha256 of the spec it runs."""
    seed: int
    """Seed of every random choice."""
    approval: Literal["Auto", "Manual"]
    """Whether its version waits for a person."""
    parent: str | None = None
    """The champion when it was started."""
    started: Timestamp
    """When it was started."""
    acknowledged: dict[str, str]
    """The last request of each asker that was acted on, this run's included."""

    @classmethod
    def make(cls, order: TrainingOrder, acknowledged: dict[str, str]) -> "RunRecord":
        """The record of the run that `order` starts."""
        return cls(
            training=order.training,
            run=order.run,
            cause=order.cause,
            spec_digest=order.spec_digest,
            seed=order.spec.run.seed,
            approval=order.spec.register_.approval,
            parent=order.champion.version if order.champion else None,
            started=order.as_of,
            acknowledged=acknowledged,
        )

    @classmethod
    def of(cls, job: Object) -> "RunRecord | None":
        """The record on a Job, or None where somebody removed it."""
        try:
            return cls.model_validate_json(annotation(job, labels.RUN_RECORD) or "")
        except ValidationError:
            return None

    def text(self) -> str:
        """The annotation's value."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


def run_number(thing: Object) -> int:
    """Number of the run that a Job or pod belongs to."""
    return int(label(thing, labels.RUN) or 0)


def has_ended(job: Object) -> bool:
    """Whether a Job has ended or is being deleted."""
    return finished_as(job) is not None or is_going(job)


@dataclass(frozen=True)
class Recorded:
    """An ended run, and the version that it made."""

    run: PastRun
    version: VersionSpec | None = None


def record_run(job: Object, pods: list[Object], record: RunRecord, now: datetime) -> Recorded:
    """What to remember of a Job that has ended."""
    outcome = answer(pods, TrainingOutcome)
    if outcome is not None and outcome.artifact is not None and outcome.data_digest is not None:
        return _with_version(job, pods, record, outcome, now)
    return Recorded(_past(record, job, now, Outcome.FAILED, _why_failed(job, pods, outcome)))


def lost_run(record_id: str, cause: Cause, digest: str, started: datetime, now: datetime) -> PastRun:
    """A run whose Job is gone before it ended."""
    message = "Its Job was deleted while the run was under way; ask for a new run if you want one."
    return PastRun(
        id=record_id,
        outcome=Outcome.FAILED,
        cause=cause,
        spec_digest=digest,
        started=started,
        finished=now,
        message=message,
    )


def _past(record: RunRecord, job: Object, now: datetime, outcome: Outcome, message: str) -> PastRun:
    return PastRun(
        id=str(record.run),
        outcome=outcome,
        cause=record.cause,
        spec_digest=record.spec_digest,
        started=record.started,
        finished=finished_at(job) or now,
        message=message[:_MESSAGE_LIMIT],
    )


def _why_failed(job: Object, pods: list[Object], outcome: TrainingOutcome | None) -> str:
    """The run's own words where it has left some, else what Kubernetes knows."""
    if outcome is not None:
        return f"{outcome.reason}: {outcome.message}" if outcome.reason else outcome.message
    reason, message = failure_of(job)
    found = trouble(pods)
    if reason == Reason.DEADLINE_EXCEEDED:
        doing = f"; {found.message}" if found else ""
        return f"{reason}: the run took longer than run.deadline{doing}; raise run.deadline or give it more resources"
    if found is not None:
        return f"{found.reason}: {found.message}"
    if finished_as(job) == "Complete":
        return "Crashed: the run ended well and its answer is lost with its pod; ask for a new run."
    return f"{reason or Reason.CRASHED}: {message or 'its pod is gone and left no message; ask for a new run.'}"


def _with_version(
    job: Object, pods: list[Object], record: RunRecord, outcome: TrainingOutcome, now: datetime
) -> Recorded:
    assert outcome.artifact is not None  # noqa: S101  checked by the caller; tells the type checker
    assert outcome.data_digest is not None  # noqa: S101
    metrics = {name: f"{value:.4g}" for name, value in outcome.metrics.items()}
    version = VersionSpec(
        model=record.training,
        version=record.run,
        artifact=outcome.artifact,
        image=image_used(pods) or _image(job),
        training=Lineage(
            name=record.training,
            run=str(record.run),
            spec_digest=record.spec_digest,
            data_digest=outcome.data_digest,
            seed=record.seed,
            cause=record.cause,
        ),
        algorithm=outcome.algorithm or "",
        metrics=metrics,
        gates=outcome.gates,
        approval=record.approval,
        parent=record.parent,
    )
    past = _past(record, job, now, outcome.outcome, outcome.message).model_copy(
        update={"version": name_of(job), "metrics": metrics, "data_digest": outcome.data_digest}
    )
    return Recorded(past, version)


def _image(job: Object) -> str:
    containers = job["spec"]["template"]["spec"]["containers"]
    return str(next(container["image"] for container in containers if container["name"] == CONTAINER))
