"""Comparison of the answers with the truth: realised metrics against limits, or estimated ones without labels.

Limits are one-sided: a model that got better never alarms. A few labels prove little, so that a metric must be beyond
its limit by more than chance has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan

import numpy as np
from scipy.special import ndtri

from evermodel.artifact.baseline import AnswersProfile, Baseline
from evermodel.artifact.signature import Signature
from evermodel.errors import SpecError
from evermodel.metrics import Answers, measure, scorer
from evermodel.monitoring.answers import labelled_answers, read_answers
from evermodel.monitoring.estimate import BAND, Estimate, estimate_classes, estimate_numbers
from evermodel.monitoring.statistics.result import Floats
from evermodel.monitoring.window import Answered, Window
from evermodel_api.monitor import Performance, PerformanceLimit
from evermodel_api.training import Metric, Task

_BOOTSTRAPS = 100
_SEED = 0


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
    margin: float = 0.0
    """How far beyond its limit the value must be before it is more than chance."""


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
    answers, _ = labelled_answers(signature, window.labelled)
    rows = len(answers.truth)
    enough = rows > 0 and rows / window.rows >= spec.labels.min_coverage
    errors = standard_errors([limit.name for limit in spec.metrics], answers) if enough else {}
    z = float(ndtri(spec.confidence))
    findings = [
        _finding(limit, measure(limit.name, answers), z * errors.get(limit.name, 0.0), baseline, enough=enough)
        for limit in spec.metrics
    ]
    return PerformanceFinding(findings, rows, enough)


def standard_errors(metrics: Sequence[Metric], answers: Answers) -> dict[Metric, float]:
    """Standard error of each metric, from rows drawn again with a fixed seed; left out where it is not defined."""
    rows, random = len(answers.truth), np.random.default_rng(_SEED)
    scorers = {metric: scorer(metric, answers) for metric in metrics}
    draws: dict[Metric, list[float]] = {metric: [] for metric in scorers}
    for _ in range(_BOOTSTRAPS):
        weights = np.bincount(random.integers(0, rows, rows), minlength=rows).astype(np.float64)
        for metric, score in scorers.items():
            draws[metric].append(score(weights))
    found = {metric: np.array(values) for metric, values in draws.items()}
    return {metric: float(values.std()) for metric, values in found.items() if np.isfinite(values).all()}


def bounds(limit: PerformanceLimit, baseline: Baseline) -> tuple[float, float]:
    """The least and the largest value that the limit allows; NaN where it sets none."""
    reference = baseline.metrics.get(limit.name.value, nan)
    drop = nan if limit.max_drop is None else limit.max_drop
    lower = [b for b in (limit.min, reference - drop if limit.name.larger_is_better else nan) if b is not None]
    upper = [b for b in (limit.max, nan if limit.name.larger_is_better else reference + drop) if b is not None]
    return max(filter(isfinite, lower), default=nan), min(filter(isfinite, upper), default=nan)


def _finding(
    limit: PerformanceLimit, value: float, margin: float, baseline: Baseline, *, enough: bool
) -> MetricFinding:
    """Whether a value is beyond its limit by more than the margin that chance has."""
    least, most = bounds(limit, baseline)
    degraded = enough and (value + margin < least or value - margin > most)
    at_most = isnan(least) or value - margin > most
    reference = baseline.metrics.get(limit.name.value, nan)
    allowed = most if at_most else least
    return MetricFinding(limit.name.value, value, reference, allowed, at_most, degraded, margin)


def check_estimate(spec: Performance, signature: Signature, baseline: Baseline) -> None:
    """Whether the estimate that the spec asks for can be made of this model.

    Raises:
        SpecError: `EstimateUnsuited`.
    """
    if spec.estimate is None:
        return
    classes, method = signature.task is Task.CLASSIFICATION, spec.estimate.method
    if (method == "cbpe") is not classes:
        message = (
            f"performance.estimate.method: {method} does not fit {signature.task}; use {'cbpe' if classes else 'dle'}"
        )
        raise SpecError("EstimateUnsuited", message)
    if baseline.answers is None or (not classes and not baseline.answers.losses):
        message = (
            "performance.estimate: the training had too few test rows to learn from (100 are needed), or is older than "
            "this field; train again with more rows, or leave it out"
        )
        raise SpecError("EstimateUnsuited", message)


def compare_estimates(
    spec: Performance, signature: Signature, baseline: Baseline, answered: Answered, rows: Floats | None
) -> list[MetricFinding]:
    """Estimate the metrics of a window without labels. `check_estimate` has passed.

    Args:
        spec: limits.
        signature: of the model.
        baseline: of the model.
        answered: to the rows that are looked at.
        rows: for a regression the rows, shape (rows, columns + 1), as `estimate_numbers` takes them.
    """
    profile = baseline.answers
    assert profile is not None  # noqa: S101  check_estimate has passed
    findings = []
    for limit in spec.metrics:
        if signature.task is Task.REGRESSION:
            found = estimate_numbers(limit.name, profile, rows) if rows is not None and len(rows) else None
        else:
            found = _estimate_classes(limit.name, profile, signature, answered)
        if found is not None and isfinite(found.value):
            margin = BAND * found.error if isfinite(found.error) else nan
            findings.append(_finding(limit, found.value, margin, baseline, enough=True))
    return findings


def _estimate_classes(
    metric: Metric, profile: AnswersProfile, signature: Signature, answered: Answered
) -> Estimate | None:
    """None without probabilities, or without a readable answer."""
    if answered.probabilities is None:
        return None
    predicted = read_answers(signature, answered.predicted)
    known = predicted >= 0.0
    if not known.any():
        return None
    return estimate_classes(metric, profile, answered.probabilities[known], predicted[known].astype(np.intp))
