"""Jobs: one for each run of a training and for each evaluation of a monitor."""

from evermodel_api.base import Resources, SecretKey, parse_duration
from evermodel_api.runs import Exit, MonitorOrder, TrainingOrder
from evermodel_api.training import TrainingSpec
from evermodel_operator import labels
from evermodel_operator.children.metadata import metadata
from evermodel_operator.children.pod import CONTAINER, PodShape, pod_template
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings

_NEVER_RETRIED = [int(Exit.DATA_WRONG), int(Exit.SPEC_WRONG)]
EVALUATION_DEADLINE_SECONDS = 600
_MONITORING_RESOURCES = Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "1Gi"})


def training_labels(training: str, run: int) -> dict[str, str]:
    """Labels of a run's Job, order and pods."""
    return {**labels.common("training"), labels.TRAINING: training, labels.RUN: str(run)}


def training_job(owner: Object, order: TrainingOrder, record: str, settings: Settings) -> Object:
    """The Job of one run. `record` is the annotation from which the run can be recorded later."""
    name = f"{order.training}-{order.run}"
    spec = order.spec
    shape = PodShape(
        command="train",
        image=settings.runtime_image,
        order_name=name,
        resources=spec.run.resources,
        labels=training_labels(order.training, order.run),
        secrets=_secrets(spec),
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(owner, name, shape.labels, {labels.RUN_RECORD: record}),
        "spec": {
            "backoffLimit": spec.run.backoff_limit,
            "activeDeadlineSeconds": max(1, int(parse_duration(spec.run.deadline).total_seconds())),
            "podFailurePolicy": _failure_policy(),
            "template": pod_template(shape, settings, container={}, spec={"restartPolicy": "Never"}),
        },
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
            "podFailurePolicy": _failure_policy(),
            "template": pod_template(shape, settings, container={}, spec={"restartPolicy": "Never"}),
        },
    }


def _failure_policy() -> Object:
    """Wrong data and wrong specs would be wrong again; a disrupted pod is nobody's fault."""
    return {
        "rules": [
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": _NEVER_RETRIED},
            },
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        ]
    }


def _secrets(spec: TrainingSpec) -> tuple[SecretKey, ...]:
    return tuple(source.sql.secret_ref for source in spec.data.sources if source.sql is not None)
