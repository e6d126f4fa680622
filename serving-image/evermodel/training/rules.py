"""The rules of a ModelTraining: in Python what its schemas say in CEL for the API server.

Each class has as many rules here as in its `cel`, in the same order. A class whose rules are not written down here is
an error at once, not a rule that holds only in a cluster.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from evermodel_api.base import Rule, Schema
from evermodel_api.training import (
    OF_TASK,
    Algorithm,
    Augment,
    ColumnSchema,
    CombineStep,
    Data,
    FloatRange,
    Gate,
    HttpSource,
    IntRange,
    PrepareStep,
    RowStep,
    RunSettings,
    Select,
    Source,
    Split,
    Task,
    TrainingSpec,
)

_BY_OWN_KIND = {"Time": ["TimeSeriesSplit"], "Group": ["GroupKFold"]}


def broken_rules(spec: TrainingSpec) -> Iterator[Rule]:
    """The rules that the spec breaks, from the outside in."""
    for part in _parts(spec):
        for rule, holds in zip(part.cel, _HOLDS.get(type(part), ()), strict=True):
            if not holds(part):
                yield rule


def _parts(value: Any) -> Iterator[Schema]:
    """The spec and everything in it that may have rules."""
    if isinstance(value, Schema):
        yield value
        value = [getattr(value, name) for name in type(value).model_fields]
    elif isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _parts(item)


def _one_of(*names: str) -> Callable[[Any], bool]:
    def holds(part: Any) -> bool:
        return sum(getattr(part, name) is not None for name in names) == 1

    return holds


def _differ(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names)


def _objectives_fit(spec: TrainingSpec) -> bool:
    objective = spec.tuning.objective if spec.tuning else None
    overfit = spec.validation.overfit.metric if spec.validation.overfit else None
    return all(metric is None or metric.task is spec.task for metric in (objective, overfit))


def _gates_fit(spec: TrainingSpec) -> bool:
    return all(gate.score is None or gate.score.task is spec.task for gate in spec.gates)


def _cv_kind(spec: TrainingSpec) -> str | None:
    return spec.validation.cv.kind if spec.validation.cv else None


def _no_strata(spec: TrainingSpec) -> bool:
    stratified = spec.data.split.kind == "Stratified" or _cv_kind(spec) == "StratifiedKFold"
    return spec.task is Task.CLASSIFICATION or not stratified


def _of_classes_only(spec: TrainingSpec) -> bool:
    given = (spec.validation.calibration, spec.validation.threshold, spec.pipeline.resample)
    return spec.task is Task.CLASSIFICATION or all(part is None for part in given)


def _cv_fits_split(spec: TrainingSpec) -> bool:
    kind = _cv_kind(spec)
    return kind is None or kind in _BY_OWN_KIND.get(spec.data.split.kind or "", ["StratifiedKFold", "KFold"])


def _versus_says_how(gate: Gate) -> bool:
    ways = (gate.rule is not None) + (gate.max_drop is not None)
    return ways == (1 if gate.versus is not None else 0)


def _containers_fit_alone(spec: TrainingSpec) -> bool:
    alone = (spec.tuning is None or spec.tuning.workers == 1) and spec.run.engine is None
    return alone or all(algorithm.container is None for algorithm in spec.algorithms)


_HOLDS: dict[type[Schema], tuple[Callable[[Any], bool], ...]] = {
    TrainingSpec: (
        lambda spec: all(a.estimator is None or a.estimator in OF_TASK[spec.task] for a in spec.algorithms),
        lambda spec: all(metric.task is spec.task for metric in spec.validation.metrics),
        _gates_fit,
        _objectives_fit,
        _no_strata,
        _of_classes_only,
        _cv_fits_split,
        lambda spec: _differ([algorithm.name for algorithm in spec.algorithms]),
        lambda spec: spec.target not in spec.data.exclude,
        lambda spec: spec.tuning is None or spec.run.engine is None or spec.tuning.workers == 1,
        _containers_fit_alone,
    ),
    Data: (
        lambda data: len(data.sources) == 1 or bool(data.combine),
        lambda data: _differ([source.name for source in data.sources]),
    ),
    Source: (_one_of("sql", "file", "http"),),
    HttpSource: (lambda http: http.next is None or http.page_parameter is None,),
    CombineStep: (_one_of("aggregate", "join", "union"),),
    RowStep: (_one_of("dedupe", "drop_missing", "augment"),),
    Augment: (lambda augment: (augment.method == "jitter") == bool(augment.columns),),
    ColumnSchema: (
        lambda column: column.type in {"int", "number"} or (column.min is None and column.max is None),
        lambda column: column.type == "category" or not column.values,
    ),
    Split: (lambda split: (split.kind in {"Group", "Time"}) == (split.by is not None),),
    PrepareStep: (_one_of("ratio", "difference", "product", "log", "is_missing", "date_parts", "elapsed"),),
    Select: (lambda select: (select.type is not None) != bool(select.columns),),
    Algorithm: (
        _one_of("estimator", "container"),
        lambda algorithm: algorithm.container is None or not algorithm.search,
    ),
    IntRange: (
        lambda range_: range_.min <= range_.max,
        lambda range_: not range_.log or (range_.min >= 1 and range_.step == 1),
    ),
    FloatRange: (
        lambda range_: range_.min <= range_.max,
        lambda range_: not range_.log or range_.min > 0,
    ),
    Gate: (
        _one_of("min", "max", "versus"),
        _versus_says_how,
        lambda gate: gate.confidence is None or gate.rule is not None,
        lambda gate: gate.min_rows is None or gate.by is not None,
        lambda gate: gate.cost is None or (gate.max is not None and gate.by is None),
    ),
    RunSettings: (lambda run: run.oom is None or "memory" in run.resources.limits,),
}
