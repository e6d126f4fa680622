"""Concept drift: whether the model began to err more often, or by more, within the window, and since when. Pure."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from evermodel.metrics import Answers
from evermodel.monitoring.statistics.adwin import changes
from evermodel.monitoring.statistics.change_point import change_point
from evermodel.monitoring.statistics.result import Floats
from evermodel_api.monitor import Concept
from evermodel_api.training import Task


@dataclass(frozen=True, slots=True)
class ConceptFinding:
    """What the stream of errors shows."""

    detector: str
    rows: int
    """Labelled rows, in the order in which they came."""
    drift: bool
    """Whether errors became more or larger; a model that got better never alarms."""
    before: float | None = None
    """Mean error before the change: the share of wrong answers, or the mean absolute error."""
    after: float | None = None
    since: datetime | None = None
    """When the change began; None where rows have no time."""
    row: int | None = None
    """The first labelled row after it."""


def find_concept_drift(
    spec: Concept, task: Task, answers: Answers, moments: list[datetime] | None = None
) -> ConceptFinding:
    """Look for a change of the errors.

    Args:
        spec: the detector.
        task: of the model.
        answers: to the labelled rows, in the order in which they came.
        moments: when each of them came.
    """
    errors = error_stream(task, answers)
    found = changes(_scaled(errors), spec.delta)
    if not found:
        return ConceptFinding(spec.detector, errors.size, drift=False)
    point = change_point(errors)
    if point is None or point.after <= point.before:
        return ConceptFinding(spec.detector, errors.size, drift=False)
    since = moments[point.place] if moments else None
    return ConceptFinding(
        spec.detector, errors.size, drift=True, before=point.before, after=point.after, since=since, row=point.place
    )


def error_stream(task: Task, answers: Answers) -> Floats:
    """1 for a wrong class and 0 for a right one; of numbers the absolute error."""
    if task is Task.REGRESSION:
        errors = np.abs(answers.predicted - answers.truth)
        return np.asarray(np.where(np.isfinite(errors), errors, np.finfo(np.float64).max))
    return np.asarray(answers.predicted != answers.truth, dtype=np.float64)


def _scaled(errors: Floats) -> Floats:
    """Errors in [0, 1], which ADWIN's limit is for: the largest hundredth counts as 1."""
    top = float(np.quantile(errors, 0.99)) if errors.size else 0.0
    return np.asarray(np.minimum(errors / top, 1.0) if top > 0.0 else errors > 0.0, dtype=np.float64)
