"""The scikit-learn and XGBoost classes that a spec may name, made with checked parameters and a seed."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from evermodel.errors import SpecError
from evermodel_api.training import Algorithm, Estimator, Transformer

_MODULES: dict[str, str] = {
    Estimator.LINEAR_REGRESSION: "sklearn.linear_model",
    Estimator.LOGISTIC_REGRESSION: "sklearn.linear_model",
    Estimator.DECISION_TREE_CLASSIFIER: "sklearn.tree",
    Estimator.DECISION_TREE_REGRESSOR: "sklearn.tree",
    Estimator.RANDOM_FOREST_CLASSIFIER: "sklearn.ensemble",
    Estimator.RANDOM_FOREST_REGRESSOR: "sklearn.ensemble",
    Estimator.KNEIGHBORS_CLASSIFIER: "sklearn.neighbors",
    Estimator.KNEIGHBORS_REGRESSOR: "sklearn.neighbors",
    Estimator.MLP_CLASSIFIER: "sklearn.neural_network",
    Estimator.MLP_REGRESSOR: "sklearn.neural_network",
    Estimator.HIST_GRADIENT_BOOSTING_CLASSIFIER: "sklearn.ensemble",
    Estimator.HIST_GRADIENT_BOOSTING_REGRESSOR: "sklearn.ensemble",
    Estimator.XGB_CLASSIFIER: "xgboost",
    Estimator.XGB_REGRESSOR: "xgboost",
    Transformer.SIMPLE_IMPUTER: "sklearn.impute",
    Transformer.STANDARD_SCALER: "sklearn.preprocessing",
    Transformer.MIN_MAX_SCALER: "sklearn.preprocessing",
    Transformer.ROBUST_SCALER: "sklearn.preprocessing",
    Transformer.ONE_HOT_ENCODER: "sklearn.preprocessing",
    Transformer.ORDINAL_ENCODER: "sklearn.preprocessing",
}

_DEFAULTS: dict[str, dict[str, Any]] = {
    # a column without any value stays a column: the model must not change its width with the rows of a fold
    Transformer.SIMPLE_IMPUTER: {"keep_empty_features": True},
    # a served model meets levels that training never saw, and must answer
    Transformer.ONE_HOT_ENCODER: {"handle_unknown": "infrequent_if_exist", "sparse_output": False},
    Transformer.ORDINAL_ENCODER: {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    # XGBoost takes every core of the node by itself
    Estimator.XGB_CLASSIFIER: {"n_jobs": 1},
    Estimator.XGB_REGRESSOR: {"n_jobs": 1},
}
"""Where our default differs from the library's. What a spec says comes first."""


def make_transformer(transformer: Transformer, parameters: Mapping[str, Any], where: str) -> Any:
    """A preparation step that is not fitted yet.

    Args:
        transformer: which class.
        parameters: its constructor parameters.
        where: place in the spec, for messages.

    Raises:
        SpecError: `ParameterUnknown`.
    """
    defaults = dict(_DEFAULTS.get(transformer, {}))
    if parameters.get("handle_unknown") == "error":
        defaults.pop("unknown_value", None)
    return _make(transformer, {**defaults, **parameters}, where)


def make_estimator(algorithm: Algorithm, seed: int) -> Any:
    """An estimator that is not fitted yet, seeded wherever its class has a `random_state`.

    Raises:
        SpecError: `ParameterUnknown` naming the parameters there are.
    """
    where = f"algorithms[{algorithm.name}].params"
    estimator = _make(algorithm.estimator, {**_DEFAULTS.get(algorithm.estimator, {}), **algorithm.params}, where)
    # null means chance to the library; the same data and spec must make the same model
    if algorithm.params.get("random_state") is None and "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=seed)
    return estimator


def _make(name: str, parameters: Mapping[str, Any], where: str) -> Any:
    cls = getattr(importlib.import_module(_MODULES[name]), name)
    known = cls().get_params(deep=False)
    for parameter in parameters:
        if parameter not in known:
            raise SpecError(
                "ParameterUnknown",
                f"{where}: {name} has no parameter {parameter!r}; it has {', '.join(sorted(known))}",
            )
    return cls(**{key: _as_declared(cls, key, value) for key, value in parameters.items()})


def _as_declared(cls: type, key: str, value: Any) -> Any:
    """JSON has no tuples; scikit-learn wants one where its own default is one."""
    declared = inspect.signature(cls).parameters.get(key)
    if isinstance(value, list) and declared is not None and isinstance(declared.default, tuple):
        return tuple(value)
    return value
