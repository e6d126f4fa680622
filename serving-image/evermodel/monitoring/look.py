"""Looking at one window: everything that the spec asks for. Pure but for reading the window's columns."""

from datetime import datetime

import numpy as np

from evermodel.artifact.baseline import Baseline
from evermodel.monitoring.answers import labelled_answers, read_answers, scores
from evermodel.monitoring.concept import ConceptFinding, find_concept_drift
from evermodel.monitoring.drift import DatasetDrift, compare_answers, judge
from evermodel.monitoring.findings import Findings, Subject
from evermodel.monitoring.multivariate import compare_rows
from evermodel.monitoring.performance import MetricFinding, compare_estimates
from evermodel.monitoring.performance import compare_answers as compare_with_truth
from evermodel.monitoring.quality import check_age
from evermodel.monitoring.scan import Scanned, scan
from evermodel.monitoring.statistics.result import Floats
from evermodel.monitoring.window import Answered, Window
from evermodel_api.monitor import MonitorSpec
from evermodel_api.training import Task

_WHOLE_ROWS = 5000


def wants_answers(spec: MonitorSpec) -> bool:
    """Whether what was answered to rows without a label matters."""
    of_answers = spec.drift is not None and spec.drift.prediction is not None
    return of_answers or (spec.performance is not None and spec.performance.estimate is not None)


def look(subject: Subject, window: Window, now: datetime) -> Findings:
    """Look at a window; one with fewer rows than `window.minRows` shows its age and nothing else."""
    spec, baseline = subject.spec, subject.baseline
    age = check_age(spec.quality, window.newest, window.start, now) if window.start else []
    if window.rows == 0 or window.rows < spec.window.min_rows:
        return Findings(quality=age)
    scanned = scan(spec, baseline, window, _WHOLE_ROWS if _wants_rows(spec, subject) else 0)
    performance = spec.performance
    return Findings(
        drift=_drift(spec, subject, window, scanned),
        performance=compare_with_truth(performance, subject.signature, baseline, window) if performance else None,
        concept=_concept(spec, subject, window),
        estimates=_estimates(spec, subject, window, scanned),
        quality=[*scanned.quality, *age],
    )


def _wants_rows(spec: MonitorSpec, subject: Subject) -> bool:
    regression = subject.signature.task is Task.REGRESSION
    estimated = regression and spec.performance is not None and spec.performance.estimate is not None
    return estimated or (spec.drift is not None and spec.drift.multivariate is not None)


def _drift(spec: MonitorSpec, subject: Subject, window: Window, scanned: Scanned) -> DatasetDrift | None:
    if spec.drift is None:
        return None
    answers, rows = None, None
    if spec.drift.prediction is not None and window.answered is not None:
        answers = compare_answers(spec.drift, subject.baseline, scores(subject.signature, window.answered))
    if spec.drift.multivariate is not None and scanned.cells:
        names = list(scanned.cells)
        matrix = np.stack([scanned.cells[name] for name in names], axis=1)
        rows = compare_rows(spec.drift, subject.baseline, names, matrix)
    return judge(spec.drift, subject.baseline, scanned.columns, answers, rows)


def _concept(spec: MonitorSpec, subject: Subject, window: Window) -> ConceptFinding | None:
    if spec.performance is None or spec.performance.concept is None:
        return None
    answers, rows = labelled_answers(subject.signature, window.labelled)
    moments = window.labelled.moments if window.labelled else None
    known = [moments[i] for i in rows] if moments is not None else None
    return find_concept_drift(spec.performance.concept, subject.signature.task, answers, known)


def _estimates(spec: MonitorSpec, subject: Subject, window: Window, scanned: Scanned) -> list[MetricFinding]:
    if spec.performance is None or spec.performance.estimate is None or window.answered is None:
        return []
    answered, rows = window.answered, None
    if subject.signature.task is Task.REGRESSION:
        rows = _rows_with_answers(subject, answered, scanned)
    return compare_estimates(spec.performance, subject.signature, subject.baseline, answered, rows)


def _rows_with_answers(subject: Subject, answered: Answered, scanned: Scanned) -> Floats | None:
    """Rows as the trees of direct loss estimation take them; a column that the window lacks is missing everywhere."""
    names = _tree_columns(subject.baseline)
    predicted = read_answers(subject.signature, answered.predicted)[scanned.places]
    absent = np.full(scanned.places.size, np.nan)
    rows = np.stack([*(scanned.cells.get(name, absent) for name in names), predicted], axis=1)
    readable: Floats = rows[~np.isnan(predicted)]
    return readable if len(readable) else None


def _tree_columns(baseline: Baseline) -> list[str]:
    assert baseline.answers is not None  # noqa: S101  check_estimate has passed
    return next(iter(baseline.answers.losses.values())).columns
