"""Comparison of the answers with the truth: realised metrics against limits.

Limits are one-sided: a model that got better never alarms.
"""

from dataclasses import dataclass
from math import isfinite, isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.baseline import Baseline
from evermodel.artifact.signature import Signature
from evermodel.errors import SpecError
from evermodel.metrics import Answers, measure
from evermodel.monitoring.columns import level_text
from evermodel.monitoring.window import Labelled, Window
from evermodel_api.monitor import Performance, PerformanceLimit
from evermodel_api.training import Task


@dataclass(frozen=True, slots=True)
class MetricFinding:
    """One metric of a window."""

    metric: str
    value: float
    """NaN when it could not be measured."""
    reference: float
    """What the model scored on the test rows of its training; NaN when that was not measured."""
    limit: float
    """The strictest of the limits, as a value of the metric."""
    at_most: bool
    """Whether the value must be at most the limit (errors) or at least."""
    degraded: bool


@dataclass(frozen=True, slots=True)
class PerformanceFinding:
    """All metrics of a window."""

    metrics: list[MetricFinding]
    rows: int
    """Rows with an answer and a readable truth."""
    enough: bool
    """Whether enough rows have a label to judge."""

    @property
    def degraded(self) -> list[MetricFinding]:
        """Metrics beyond their limit."""
        return [metric for metric in self.metrics if metric.degraded]

    @property
    def holds(self) -> bool | None:
        """Whether the answers degraded; None when nothing could be judged."""
        if not self.enough or all(isnan(metric.value) for metric in self.metrics):
            return None
        return bool(self.degraded)


def check_limits(spec: Performance, signature: Signature, baseline: Baseline) -> None:
    """Whether every limit can be applied to this model.

    Raises:
        SpecError: `MetricUnsuited` when a metric is for the other task, `MetricNotMeasured` when maxDrop has nothing to
            be compared with.
    """
    for place, limit in enumerate(spec.metrics):
        where = f"performance.metrics[{place}]"
        if limit.name.task is not signature.task:
            raise SpecError(
                "MetricUnsuited",
                f"{where}: {limit.name} does not measure {signature.task}; use rmse, mae, r2 for Regression and "
                "accuracy, precision, recall, f1, roc_auc for Classification",
            )
        if limit.max_drop is not None and limit.name.value not in baseline.metrics:
            there = ", ".join(sorted(baseline.metrics)) or "none"
            raise SpecError(
                "MetricNotMeasured",
                f"{where}: maxDrop needs the {limit.name} of the test rows, and the training measured {there}; "
                f"add {limit.name} to its validation.metrics, or give min or max instead of maxDrop",
            )


def compare_answers(spec: Performance, signature: Signature, baseline: Baseline, window: Window) -> PerformanceFinding:
    """Measure the labelled rows of a window. `check_limits` has passed."""
    answers = _answers(signature, window.labelled)
    rows = len(answers.truth)
    enough = rows > 0 and rows / window.rows >= spec.labels.min_coverage
    findings = [_finding(limit, answers, baseline, enough=enough) for limit in spec.metrics]
    return PerformanceFinding(findings, rows, enough)


def _finding(limit: PerformanceLimit, answers: Answers, baseline: Baseline, *, enough: bool) -> MetricFinding:
    value = measure(limit.name, answers)
    reference = baseline.metrics.get(limit.name.value, nan)
    drop = nan if limit.max_drop is None else limit.max_drop
    lower = [b for b in (limit.min, reference - drop if limit.name.larger_is_better else nan) if b is not None]
    upper = [b for b in (limit.max, nan if limit.name.larger_is_better else reference + drop) if b is not None]
    least, most = max(filter(isfinite, lower), default=nan), min(filter(isfinite, upper), default=nan)
    degraded = enough and (value < least or value > most)
    at_most = isnan(least) or value > most
    return MetricFinding(limit.name.value, value, reference, most if at_most else least, at_most, degraded)


def _answers(signature: Signature, labelled: Labelled | None) -> Answers:
    """The rows with an answer and a truth that can be read. A class that the model does not know counts as wrong."""
    classes = len(signature.classes)
    if labelled is None:
        return Answers(np.empty(0), np.empty(0), None, classes)
    read = _numbers if signature.task is Task.REGRESSION else _class_numbers(signature)
    truth, predicted = read(labelled.truth), read(labelled.predicted)
    rows = np.flatnonzero(~np.isnan(truth) & ~np.isnan(predicted))
    return Answers(truth, predicted, labelled.probabilities, classes).take(rows)


def _numbers(values: list[Any]) -> NDArray[np.float64]:
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return nan
    return number if isfinite(number) else nan


def _class_numbers(signature: Signature) -> Any:
    """Classes as their numbers. They are told apart by their text, for a CSV file cannot tell 1 from "1"."""
    numbers = {level_text(label): float(i) for i, label in enumerate(signature.classes)}

    def read(values: list[Any]) -> NDArray[np.float64]:
        texts = [level_text(value) for value in values]
        return np.array([nan if text is None else numbers.get(text, -1.0) for text in texts], dtype=np.float64)

    return read
