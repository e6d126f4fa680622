"""The classes of scikit-learn, XGBoost, LightGBM and imbalanced-learn, made with checked parameters and a seed.

A class inside another is written `{ClassName: {parameters}}`, a list of named ones
`[{name: {ClassName: {parameters}}}]`. Only names of `evermodel_api.training.classes` are ever made.
"""

import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evermodel.artifact.feature_score import SCORES, FeatureScore
from evermodel.artifact.frame import category_text
from evermodel.artifact.signature import ClassLabel
from evermodel.errors import SpecError
from evermodel.training.libraries import DEFAULTS, MODULES, MORE_PARAMETERS, NEEDS_ESTIMATOR, SINGLE, load_class
from evermodel_api.training import Task

CALIBRATION_FOLDS = 5
TOLERANCES: dict[str, float] = {}
"""Estimators whose answers may differ by so much when the same fit is repeated. Empty: every fit repeats to the bit
(docs/reproducible.md)."""

_INSIDE = frozenset({"estimator", "base_estimator", "final_estimator", "regressor", "classifier", "transformer"})
"""Parameters that take a class."""
_BY_CLASS = frozenset({"class_weight", "sampling_strategy"})
"""Parameters that may be told apart by class: {ill: 2, well: 1}."""
_FUNCTIONS = frozenset({"func", "inverse_func"})
_NUMPY_FUNCTIONS = ("exp", "expm1", "log", "log1p", "sqrt", "square")


@dataclass(frozen=True)
class _Maker:
    """What all classes of one step have in common."""

    seed: int
    task: Task | None
    classes: tuple[ClassLabel, ...]


def make_estimator(
    name: str, params: Mapping[str, Any], task: Task, seed: int, where: str, *, classes: Sequence[ClassLabel] = ()
) -> Any:
    """An estimator that is not fitted yet, seeded wherever it or a class inside it takes a `random_state`.

    Args:
        name: one of `evermodel_api.training.classes.ESTIMATORS`.
        params: constructor parameters; `a__b` is the parameter b of the estimator a inside.
        task: what it is for.
        seed: of the run. A number that the spec gives as `random_state` comes first.
        where: place in the spec, for messages.
        classes: the data's classes in the order of their numbers: parameters such as class_weight name them.

    Raises:
        SpecError: `ParameterUnknown` naming the parameters there are, `ParameterMissing` for one that has no default,
            `ParameterInvalid` for a value that names a class or function that is not there.
    """
    return _seeded(_make(name, params, where, _Maker(seed, task, tuple(classes))), seed)


def make_transformer(name: str, params: Mapping[str, Any], seed: int, where: str, *, task: Task | None = None) -> Any:
    """A preparation step that is not fitted yet. `task` tells TargetEncoder what the target is; else it guesses.

    Raises:
        SpecError: as `make_estimator`.
    """
    return _seeded(_make(name, params, where, _Maker(seed, task, ())), seed)


def make_selector(
    name: str, params: Mapping[str, Any], task: Task, seed: int, where: str, *, classes: Sequence[ClassLabel] = ()
) -> Any:
    """A feature selection that is not fitted yet.

    `score_func` is one of `artifact.feature_score.SCORES`; f_classif or f_regression when not given, as the task is.
    What needs an estimator gets LogisticRegression or Ridge when none is given.

    Raises:
        SpecError: as `make_estimator`.
    """
    return _seeded(_make(name, params, where, _Maker(seed, task, tuple(classes))), seed)


def make_sampler(
    name: str, params: Mapping[str, Any], seed: int, where: str, *, classes: Sequence[ClassLabel] = ()
) -> Any:
    """A resampling of imbalanced-learn.

    Raises:
        SpecError: as `make_estimator`.
    """
    return _seeded(_make(name, params, where, _Maker(seed, Task.CLASSIFICATION, tuple(classes))), seed)


def with_probabilities(estimator: Any) -> Any:
    """The classifier itself, or calibrated (sigmoid) where it gives no probabilities.

    One copy is fitted on all rows; the calibration is learnt from its answers in five folds.
    """
    if hasattr(estimator, "predict_proba"):
        return estimator
    from sklearn.calibration import CalibratedClassifierCV  # noqa: PLC0415  heavy: only a fit needs it
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415

    from evermodel.artifact.class_scores import AnswerScores  # noqa: PLC0415

    scored = estimator if hasattr(estimator, "decision_function") else AnswerScores(estimator)
    return CalibratedClassifierCV(scored, method="sigmoid", cv=StratifiedKFold(CALIBRATION_FOLDS), ensemble=False)


def _make(name: str, params: Mapping[str, Any], where: str, maker: _Maker) -> Any:
    cls = load_class(name)
    known = _parameters(name, cls)
    own = {key: value for key, value in params.items() if "__" not in key}
    for key in own:
        if key not in known:
            raise _unknown(name, key, known, where)
    given = {key: _value(cls, key, value, f"{where}.{key}", maker) for key, value in own.items()}
    given = {**_defaults(name, own, known, maker), **given}
    if name in SINGLE and "n_jobs" in given:
        given["n_jobs"] = 1
    lacking = [key for key, default in known.items() if default is inspect.Parameter.empty and key not in given]
    if lacking:
        raise SpecError("ParameterMissing", f"{where}: {name} needs {', '.join(lacking)}; {_example(lacking[0])}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that will be removed says so again when it is fitted
        instance = cls(**given)
    inner = {key: value for key, value in params.items() if "__" in key}
    return _set_inside(instance, inner, where, maker) if inner else instance


def _parameters(name: str, cls: type) -> dict[str, Any]:
    """The parameters that a class takes, with their defaults."""
    if MODULES[name] == "xgboost":  # its constructor says nothing of most of them
        return dict(cls().get_params(deep=False))
    declared = inspect.signature(cls).parameters.values()
    known = {p.name: p.default for p in declared if p.kind is not inspect.Parameter.VAR_KEYWORD}
    return {**known, **dict.fromkeys(MORE_PARAMETERS.get(name, ()))}


def _defaults(name: str, own: Mapping[str, Any], known: Mapping[str, Any], maker: _Maker) -> dict[str, Any]:
    """What the class is made with where the spec says nothing."""
    defaults = dict(DEFAULTS.get(name, {}))
    if own.get("handle_unknown") == "error":
        defaults.pop("unknown_value", None)
    if own.get("force_col_wise"):
        defaults.pop("force_row_wise", None)
    if name == "TargetEncoder":
        defaults["cv"] = _encoder_folds(5, maker)
        if maker.task is Task.REGRESSION:
            defaults["target_type"] = "continuous"  # whole numbers look like classes
    if "score_func" in known:
        defaults["score_func"] = FeatureScore(
            "f_regression" if maker.task is Task.REGRESSION else "f_classif", maker.seed
        )
    if name == "StackingClassifier":
        defaults["final_estimator"] = load_class("LogisticRegression")()  # the library's own, made where it is seen
    if name in NEEDS_ESTIMATOR and "estimator" not in own:
        regression = maker.task is Task.REGRESSION
        defaults["estimator"] = load_class("Ridge")() if regression else load_class("LogisticRegression")(max_iter=1000)
    return defaults


def _encoder_folds(folds: int, maker: _Maker) -> Any:
    """Folds by which TargetEncoder encodes the rows it learns from: its own are drawn by chance without a seed."""
    from sklearn.model_selection import KFold, StratifiedKFold  # noqa: PLC0415  heavy: only a fit needs it

    kind = KFold if maker.task is Task.REGRESSION else StratifiedKFold
    return kind(folds, shuffle=True, random_state=maker.seed)


def _value(cls: type, key: str, value: Any, where: str, maker: _Maker) -> Any:
    """A value of the spec as its class takes it."""
    if key == "cv" and cls.__name__ == "TargetEncoder" and isinstance(value, int):
        return _encoder_folds(value, maker)
    if key == "estimators" and isinstance(value, list):
        return [_named(item, f"{where}[{i}]", maker) for i, item in enumerate(value)]
    if key in _INSIDE or _names_class(value):
        return _inside(value, where, maker)
    if key in _BY_CLASS and isinstance(value, Mapping):
        return {_class_number(label, where, maker): weight for label, weight in value.items()}
    if key == "constant" and cls.__name__ == "DummyClassifier":
        return _class_number(value, where, maker)
    if key in {"score_func", *_FUNCTIONS} and value is not None:
        return _function(key, value, where, maker)
    declared = inspect.signature(cls).parameters.get(key)
    if isinstance(value, list) and declared is not None and isinstance(declared.default, tuple):
        return tuple(value)  # JSON has no tuples
    return value


def _function(key: str, value: Any, where: str, maker: _Maker) -> Any:
    """A function by its name: the spec can name no others."""
    if key == "score_func":
        return FeatureScore(_one_of(value, SCORES, where), maker.seed)
    return getattr(np, _one_of(value, _NUMPY_FUNCTIONS, where))


def _names_class(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in MODULES


def _inside(value: Any, where: str, maker: _Maker) -> Any:
    """The class that is written inside another."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, params),) = value.items()
        if name in MODULES and isinstance(params or {}, Mapping):
            return _make(name, params or {}, f"{where}.{name}", maker)
        raise SpecError(
            "ParameterInvalid", f"{where}: {name!r} is no class that a spec may name; {_example('estimator')}"
        )
    if isinstance(value, Mapping) or (isinstance(value, str) and value in MODULES):
        raise SpecError("ParameterInvalid", f"{where}: {value!r} does not name one class; {_example('estimator')}")
    return value


def _named(item: Any, where: str, maker: _Maker) -> tuple[str, Any]:
    if isinstance(item, Mapping) and len(item) == 1:
        ((name, value),) = item.items()
        if value == "drop" or isinstance(value, Mapping):
            return str(name), _inside(value, f"{where}.{name}", maker)
    raise SpecError("ParameterInvalid", f"{where}: {item!r} is no name with a class; {_example('estimators')}")


def _example(key: str) -> str:
    if key == "estimators":
        return "write estimators: [{first: {LogisticRegression: {C: 0.5}}}, {second: {GaussianNB: {}}}]"
    return f"write {key}: {{LogisticRegression: {{C: 0.5}}}}"


def _set_inside(instance: Any, inner: Mapping[str, Any], where: str, maker: _Maker) -> Any:
    known = instance.get_params(deep=True)
    for key, value in inner.items():
        if key not in known:
            raise _unknown(type(instance).__name__, key, known, where)
        owner, _, last = key.rpartition("__")
        instance.set_params(**{key: _value(type(known[owner]), last, value, f"{where}.{key}", maker)})
    return instance


def _unknown(name: str, key: str, known: Mapping[str, Any], where: str) -> SpecError:
    there = ", ".join(sorted(known)) or "none"
    return SpecError("ParameterUnknown", f"{where}: {name} has no parameter {key!r}; it has {there}")


def _one_of(value: Any, names: Sequence[str], where: str) -> str:
    if value in names:
        return str(value)
    raise SpecError("ParameterInvalid", f"{where}: {value!r} is not known here; use one of {', '.join(names)}")


def _class_number(label: Any, where: str, maker: _Maker) -> int:
    numbers = {category_text(known): number for number, known in enumerate(maker.classes)}
    number = numbers.get(category_text(label))
    if number is None:
        raise SpecError(
            "ParameterInvalid",
            f"{where} names the class {label!r}, which the target has not; it has {', '.join(map(str, numbers))}",
        )
    return number


def _seeded(instance: Any, seed: int) -> Any:
    """Give the seed wherever there is none: null means chance to the libraries."""
    if hasattr(instance, "get_params"):
        for key, value in sorted(instance.get_params(deep=True).items()):
            if value is None and key.rpartition("__")[2] == "random_state":
                instance.set_params(**{key: seed})
    return instance
