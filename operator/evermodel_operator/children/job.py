"""Jobs: one for each run of a training, each evaluation of a monitor, and each time a version is made again."""

from collections.abc import Iterable
from datetime import timedelta

from evermodel_api.base import Resources, parse_duration
from evermodel_api.digest import digest_bytes
from evermodel_api.runs import Exit, MonitorOrder, ReproduceOrder, TrainingOrder
from evermodel_api.training import TrainingSpec
from evermodel_api.training.run import RunSettings
from evermodel_operator import labels
from evermodel_operator.children.metadata import metadata
from evermodel_operator.children.pod import COLLECT, CONTAINER, Component, PodShape, pod_template
from evermodel_operator.children.run_pod import fit_container, own_images, run_template
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings

_WRONG = [int(Exit.DATA_WRONG), int(Exit.SPEC_WRONG)]
"""Exit codes of what would be wrong again."""
_KILLED = 137
"""Exit code of a process that was killed: out of memory, nearly always."""
EVALUATION_DEADLINE_SECONDS = 600
_MONITORING_RESOURCES = Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "1Gi"})
_AGAIN_NAME_LIMIT = 48
_AGAIN_DIGITS = 8


def training_labels(training: str, run: int) -> dict[str, str]:
    """Labels of a run's Job, order and pods."""
    return {**labels.common("training"), labels.TRAINING: training, labels.RUN: str(run)}


def training_job(
    owner: Object, order: TrainingOrder, record: str, settings: Settings, resources: Resources | None = None
) -> Object:
    """The Job of one run.

    Args:
        owner: the ModelTraining.
        order: what the run does.
        record: the annotation from which the run can be recorded later.
        settings: what the installer decided.
        resources: what each pod asks for and may use; `run.resources` when None.
    """
    run = order.spec.run
    own = training_labels(order.training, order.run)
    queue = {labels.QUEUE: run.queue_name} if run.queue_name else {}
    template = run_template(order, settings, resources or run.resources, own)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(owner, f"{order.training}-{order.run}", {**own, **queue}, {labels.RUN_RECORD: record}),
        "spec": {
            # Kueue starts it when there is room; the deadline counts from then on.
            **({"suspend": True} if run.queue_name else {}),
            "activeDeadlineSeconds": _seconds(run.deadline),
            **_completion(order.spec),
            "template": template,
        },
    }


def _completion(spec: TrainingSpec) -> Object:
    """When the Job has ended, and what is tried again.

    A run with several pods has ended when pod 0 has: it leads, and what the others leave is in the store. A pod of them
    that is killed comes again, whoever killed it. A single pod that was killed had too little memory, which the same
    Job cannot change: the run ends, and the operator may start one with more (`run.oom`).
    """
    workers = spec.tuning.workers if spec.tuning else 1
    named = [CONTAINER]
    if fits := own_images(spec):
        named += [COLLECT, *(fit_container(number, algorithm) for number, algorithm in enumerate(fits))]
    if workers == 1:
        policy = _failure_policy(named, [*_WRONG, _KILLED])
        return {"backoffLimit": spec.run.backoff_limit, "podFailurePolicy": policy}
    return {
        "completionMode": "Indexed",
        "completions": workers,
        "parallelism": workers,
        "backoffLimitPerIndex": spec.run.backoff_limit,
        "maxFailedIndexes": workers,
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
        "podFailurePolicy": _failure_policy(named, _WRONG),
    }


def monitor_labels(monitor: str, evaluation: str, version: str) -> dict[str, str]:
    """Labels of an evaluation's Job, order and pods."""
    return {
        **labels.common("monitoring"),
        labels.MONITOR: monitor,
        labels.EVALUATION: evaluation,
        labels.VERSION: version,
    }


def monitor_job(owner: Object, order: MonitorOrder, image: str, settings: Settings) -> Object:
    """The Job of one evaluation, in the image of the version that is looked at."""
    name = f"{order.monitor}-monitor-{order.evaluation}"
    shape = PodShape(
        command="monitor",
        component=Component.MONITORING,
        namespace=order.namespace,
        image=image,
        order_name=name,
        resources=_MONITORING_RESOURCES,
        labels=monitor_labels(order.monitor, order.evaluation, order.version),
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(owner, name, shape.labels),
        "spec": {
            "backoffLimit": 1,
            "activeDeadlineSeconds": EVALUATION_DEADLINE_SECONDS,
            "podFailurePolicy": _failure_policy([CONTAINER], _WRONG),
            "template": pod_template(shape, settings, container={}, spec={"restartPolicy": "Never"}),
        },
    }


def reproduction_name(version: str, request: str) -> str:
    """Name of the Job and the order of one wish to make a version again: another wish has another name."""
    digest = digest_bytes(f"{version}\n{request}".encode()).removeprefix("sha256:")
    return f"{version[:_AGAIN_NAME_LIMIT]}-again-{digest[:_AGAIN_DIGITS]}"


def reproduction_labels(version: str) -> dict[str, str]:
    """Labels of a reproduction's Job, order and pods."""
    return {**labels.common("training"), labels.REPRODUCTION: version}


def reproduction_job(
    owner: Object, order: ReproduceOrder, request: str, run: RunSettings, settings: Settings
) -> Object:
    """The Job that makes a version again, in the image that made it; `run` says what a run of its training may use."""
    name = reproduction_name(order.version, request)
    shape = PodShape(
        command="reproduce",
        component=Component.TRAINING,
        namespace=order.namespace,
        image=order.image or settings.runtime_image,
        order_name=name,
        resources=run.resources,
        labels=reproduction_labels(order.version),
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(owner, name, shape.labels, {labels.REPRODUCE: request}),
        "spec": {
            "backoffLimit": run.backoff_limit,
            "activeDeadlineSeconds": _seconds(run.deadline),
            "podFailurePolicy": _failure_policy([CONTAINER], [*_WRONG, _KILLED]),
            "template": pod_template(shape, settings, container={}, spec={"restartPolicy": "Never"}),
        },
    }


def _seconds(duration: str) -> int:
    return max(1, int(parse_duration(duration) / timedelta(seconds=1)))


def _failure_policy(containers: Iterable[str], codes: list[int]) -> Object:
    """The first rule that fits is followed: a disrupted pod is nobody's fault, however its containers ended."""
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            *(
                {"action": "FailJob", "onExitCodes": {"containerName": name, "operator": "In", "values": codes}}
                for name in containers
            ),
        ]
    }
