"""Runs of a training: what travels with a run's Job, and what is recorded when it has ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from evermodel_api.base import Digest, Schema, Timestamp
from evermodel_api.reasons import Reason
from evermodel_api.runs import Outcome, TrainingOrder, TrainingOutcome
from evermodel_api.training import Cause, CurrentRun, OutOfMemory, PastRun
from evermodel_api.version import GateVerdict, Lineage, VersionSpec
from evermodel_operator import labels
from evermodel_operator.children.pod import CONTAINER
from evermodel_operator.kinds.failures import memory_limit, why_failed
from evermodel_operator.kinds.pods import answer, image_used
from evermodel_operator.kinds.reading import annotation, finished_as, finished_at, is_going, label, name_of
from evermodel_operator.plan import Object

MESSAGE_LIMIT = 700
OLD_MESSAGE_LIMIT = 200
OLD_METRICS_LIMIT = 4
"""Of older runs less is kept: a status has to stay small. Their versions have everything."""
_METRICS_LIMIT = 16
_GATES_LIMIT = 20
"""As many as a ModelVersion holds."""


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
    scheduled: Timestamp | None = None
    """The last moment of the schedule that was acted on, by this run or before."""
    image: str | None = None
    """The image that it runs, as the operator's settings name it."""
    memory: str | None = None
    """The memory limit of its pods, where it is more than the spec says."""

    @classmethod
    def make(
        cls,
        order: TrainingOrder,
        acknowledged: dict[str, str],
        *,
        scheduled: datetime | None = None,
        memory: str | None = None,
    ) -> "RunRecord":
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
            scheduled=scheduled,
            image=order.image,
            memory=memory,
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


def leading(pods: list[Object]) -> list[Object]:
    """The pods whose answer counts: of an Indexed Job those with index 0, of other Jobs all."""
    return [pod for pod in pods if label(pod, labels.COMPLETION_INDEX) in {None, "0"}]


def has_ended(job: Object) -> bool:
    """Whether a Job has ended or is being deleted."""
    return finished_as(job) is not None or is_going(job)


@dataclass(frozen=True)
class Recorded:
    """An ended run, and the version that it made."""

    run: PastRun
    version: VersionSpec | None = None


def record_run(job: Object, pods: list[Object], record: RunRecord, oom: OutOfMemory | None, now: datetime) -> Recorded:
    """What to remember of a Job that has ended, or that has to end because it has too little memory."""
    outcome = answer(leading(pods), TrainingOutcome)
    if outcome is not None and outcome.artifact is not None and outcome.data_digest is not None:
        return _with_version(job, pods, record, outcome, now)
    if outcome is not None and outcome.outcome is Outcome.SKIPPED:
        past = _past(record, job, now, Outcome.SKIPPED, outcome.message)
        return Recorded(past.model_copy(update={"data_digest": outcome.data_digest}))
    why = why_failed(job, pods, outcome, oom)
    past = _past(record, job, now, Outcome.FAILED, f"{why.reason}: {why.message}" if why.reason else why.message)
    changes: dict[str, object] = {"reason": why.reason}
    if why.reason == Reason.OUT_OF_MEMORY:
        changes["memory"] = memory_limit(job)
    return Recorded(past.model_copy(update=changes))


def lost_run(run: CurrentRun, now: datetime) -> PastRun:
    """A run whose Job is gone before it ended."""
    message = "Its Job was deleted while the run was under way; ask for a new run if you want one."
    return PastRun(
        id=run.id,
        outcome=Outcome.FAILED,
        cause=run.cause,
        spec_digest=run.spec_digest,
        started=run.started,
        finished=now,
        reason=Reason.CRASHED,
        message=message,
    )


def replaced_run(record: RunRecord, moment: str, now: datetime) -> PastRun:
    """A run that is stopped because the schedule's `moment` has come."""
    message = f"{Reason.REPLACED}: the schedule's moment {moment} came while it worked, and a new run takes its place."
    past = _past(record, {}, now, Outcome.FAILED, message)
    return past.model_copy(update={"reason": str(Reason.REPLACED)})


def shortened(run: PastRun) -> PastRun:
    """A run as it is kept when it is not the newest any more."""
    message = run.message
    if len(message) > OLD_MESSAGE_LIMIT:
        message = message[: OLD_MESSAGE_LIMIT - 1] + "…"
    metrics = dict(list(run.metrics.items())[:OLD_METRICS_LIMIT])
    return run.model_copy(update={"message": message, "metrics": metrics})


def _past(record: RunRecord, job: Object, now: datetime, outcome: Outcome, message: str) -> PastRun:
    return PastRun(
        id=str(record.run),
        outcome=outcome,
        cause=record.cause,
        spec_digest=record.spec_digest,
        started=record.started,
        finished=finished_at(job) or now,
        image=record.image,
        memory=record.memory,
        message=message[:MESSAGE_LIMIT],
    )


def _with_version(
    job: Object, pods: list[Object], record: RunRecord, outcome: TrainingOutcome, now: datetime
) -> Recorded:
    assert outcome.artifact is not None  # noqa: S101  checked by the caller; tells the type checker
    assert outcome.data_digest is not None  # noqa: S101
    measured = list(outcome.metrics.items())[:_METRICS_LIMIT]
    metrics = {name: f"{value:.4g}" for name, value in measured}
    version = VersionSpec(
        model=record.training,
        version=record.run,
        artifact=outcome.artifact,
        image=image_used(leading(pods)) or _image(job),
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
        gates=_bounded(outcome.gates),
        approval=record.approval,
        parent=record.parent,
    )
    past = _past(record, job, now, outcome.outcome, outcome.message).model_copy(
        update={"version": name_of(job), "metrics": metrics, "data_digest": outcome.data_digest}
    )
    return Recorded(past, version)


def _bounded(gates: list[GateVerdict]) -> list[GateVerdict]:
    """As many verdicts as a version holds; where there are more, those that do not hold come first."""
    if len(gates) <= _GATES_LIMIT:
        return gates
    return sorted(gates, key=lambda gate: gate.passed)[:_GATES_LIMIT]


def _image(job: Object) -> str:
    containers = job["spec"]["template"]["spec"]["containers"]
    return str(next(container["image"] for container in containers if container["name"] == CONTAINER))
