"""The words that all parts of a training share: its task, what is measured, parameters of classes."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema


class Task(StrEnum):
    """What the model answers: a class or a number."""

    CLASSIFICATION = "Classification"
    REGRESSION = "Regression"


class Metric(StrEnum):
    """What a model's answers are measured by. Losses are better when smaller, all others when larger."""

    ACCURACY = "accuracy"
    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ROC_AUC = "roc_auc"
    PR_AUC = "pr_auc"
    LOG_LOSS = "log_loss"
    BRIER = "brier"
    RMSE = "rmse"
    MAE = "mae"
    MAPE = "mape"
    R2 = "r2"

    @property
    def larger_is_better(self) -> bool:
        """Whether a larger value means a better model."""
        return self not in _LOSSES

    @property
    def task(self) -> Task:
        """The task whose models this metric measures."""
        return Task.REGRESSION if self in _OF_NUMBERS else Task.CLASSIFICATION

    @property
    def needs_probabilities(self) -> bool:
        """Whether it looks at probabilities instead of the class that was answered."""
        return self in {Metric.ROC_AUC, Metric.PR_AUC, Metric.LOG_LOSS, Metric.BRIER}


_OF_NUMBERS = frozenset({Metric.RMSE, Metric.MAE, Metric.MAPE, Metric.R2})
_LOSSES = frozenset({Metric.LOG_LOSS, Metric.BRIER, Metric.RMSE, Metric.MAE, Metric.MAPE})


class Cost(StrEnum):
    """What a gate may ask of a model beside its answers. All are better when smaller."""

    LATENCY = "latency_ms"
    """Median time of one answer to one row, in milliseconds, asked of the loaded model in the run's pod."""
    SIZE = "size_mb"
    """Size of the model file, in megabytes (1,000,000 bytes)."""
    ONNX_DIFFERENCE = "onnx_difference"
    """Largest difference between the answers of the ONNX form and of scikit-learn on golden and random rows."""


METRICS = {task: [str(metric) for metric in Metric if metric.task is task] for task in Task}
"""Names of the metrics of each task."""

Parameters = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True, "maxProperties": 64}),
]
"""Constructor parameters of a class; checked against its signature when the run starts."""


def _sorted_by_name(named: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(named.items()))


InAnyOrder = AfterValidator(_sorted_by_name)
"""For names whose order must decide nothing: Kubernetes sorts the keys of what it keeps, and a file has its own."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, 0 to 1."""
