"""The rules of a ModelTraining that span fields: in Python what its schemas say in CEL for the API server."""

from collections.abc import Iterator

from evermodel_api.base import Rule
from evermodel_api.training import (
    Algorithm,
    ColumnBranch,
    Estimator,
    Gate,
    RowStep,
    Select,
    Source,
    Task,
    TrainingSpec,
)

_FITS_TASK, _METRICS_FIT, _GATES_FIT, _NO_STRATA, _NAMES_DIFFER, _TARGET_STAYS = TrainingSpec.cel


def broken_rules(spec: TrainingSpec) -> Iterator[Rule]:
    """The rules that the spec breaks, from the outside in."""
    if not all(_fits(algorithm, spec.task) for algorithm in spec.algorithms):
        yield _FITS_TASK
    if any(metric.task is not spec.task for metric in spec.validation.metrics):
        yield _METRICS_FIT
    if any(gate.metric.task is not spec.task for gate in spec.gates):
        yield _GATES_FIT
    stratified = spec.data.split.kind == "Stratified" or spec.validation.cv.kind == "StratifiedKFold"
    if spec.task is Task.REGRESSION and stratified:
        yield _NO_STRATA
    if len({algorithm.name for algorithm in spec.algorithms}) < len(spec.algorithms):
        yield _NAMES_DIFFER
    if spec.target in spec.data.exclude:
        yield _TARGET_STAYS
    yield from _broken_parts(spec)


def _broken_parts(spec: TrainingSpec) -> Iterator[Rule]:
    if any((source.sql is None) == (source.file is None) for source in spec.data.sources):
        yield Source.cel[0]
    if any((step.dedupe is None) == (step.drop_missing is None) for step in spec.data.rows):
        yield RowStep.cel[0]
    if any(not _selects_one_way(branch) for branch in spec.pipeline.columns):
        yield Select.cel[0]
    for gate in spec.gates:
        yield from _broken_gate(gate)


def _broken_gate(gate: Gate) -> Iterator[Rule]:
    one_limit, versus_says_how, confidence_belongs = Gate.cel
    if sum(limit is not None for limit in (gate.min, gate.max, gate.versus)) != 1:
        yield one_limit
    ways = sum(way is not None for way in (gate.rule, gate.max_drop))
    if ways != (1 if gate.versus is not None else 0):
        yield versus_says_how
    if gate.confidence is not None and gate.rule is None:
        yield confidence_belongs


def _selects_one_way(branch: ColumnBranch) -> bool:
    return (branch.select.type is None) == bool(branch.select.columns)


def _fits(algorithm: Algorithm, task: Task) -> bool:
    if task is Task.REGRESSION:
        return algorithm.estimator.endswith("Regressor") or algorithm.estimator is Estimator.LINEAR_REGRESSION
    return algorithm.estimator.endswith("Classifier") or algorithm.estimator is Estimator.LOGISTIC_REGRESSION
