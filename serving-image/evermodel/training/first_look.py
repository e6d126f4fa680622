"""What can be said of a spec before any row is read: every class is made once, with the parameters it would get."""

from typing import Any

from evermodel.errors import SpecError
from evermodel.training.classes import make_estimator, make_sampler, make_selector, make_transformer
from evermodel_api.runs import TrainingOrder
from evermodel_api.training import Algorithm, SearchRange, TrainingSpec


def look_first(order: TrainingOrder) -> None:
    """Refuse what cannot work, in the run's first second.

    Raises:
        SpecError: `ParameterUnknown`, `ParameterMissing`, `ParameterInvalid`; `PickleRefused` when the spec asks for
            pickles and the cluster's admin does not allow them.
    """
    spec = order.spec
    if "pickle" in spec.register_.formats and not order.allow_pickle:
        raise SpecError(
            "PickleRefused",
            "register.formats asks for pickle, and a pickle can run any code when it is loaded; ask the admin of this "
            "cluster to set artifacts.allowPickle, or leave it out",
        )
    seed = spec.run.seed
    for i, branch in enumerate(spec.pipeline.columns):
        for j, step in enumerate(branch.steps):
            for name, parameters in step.items():
                make_transformer(name, parameters, seed, f"pipeline.columns[{i}].steps[{j}].{name}", task=spec.task)
    for name, parameters in (spec.pipeline.select or {}).items():
        make_selector(name, parameters, spec.task, seed, f"pipeline.select.{name}")
    for name, parameters in (spec.pipeline.resample or {}).items():
        make_sampler(name, parameters, seed, f"pipeline.resample.{name}")
    for algorithm in spec.algorithms:
        _look_at(algorithm, spec)


def _look_at(algorithm: Algorithm, spec: TrainingSpec) -> None:
    if algorithm.estimator is None:
        return
    where = f"algorithms[{algorithm.name}]"
    make_estimator(algorithm.estimator, algorithm.params, spec.task, spec.run.seed, f"{where}.params")
    searched = {name: _first(values) for name, values in algorithm.search.items()}
    params = {**algorithm.params, **searched}
    make_estimator(algorithm.estimator, params, spec.task, spec.run.seed, f"{where}.search")


def _first(values: SearchRange) -> Any:
    if values.int_ is not None:
        return values.int_.min
    return values.float_.min if values.float_ is not None else (values.choices or [None])[0]
