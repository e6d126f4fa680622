"""Estimators that are made of others as compiled models."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from evermodel.compiled.compile_models import Compiler, compile_model, compile_scores
from evermodel.compiled.compile_steps import SCALERS, neutral_scale
from evermodel.compiled.compose import Blend, Part, Stack, Transformed
from evermodel.compiled.compose_calibrated import ISOTONIC, SIGMOID, Calibrated
from evermodel.compiled.features_steps import Step
from evermodel.compiled.model import Floats, Model, NotCompilableError


def _calibrated(fitted: Any, center: Floats) -> Model:
    curves = [_one_calibrated(part, center) for part in fitted.calibrated_classifiers_]
    return _blend(curves, center) if len(curves) > 1 else curves[0]


def _one_calibrated(part: Any, center: Floats) -> Model:
    if part.method not in {SIGMOID, ISOTONIC}:
        raise NotCompilableError(f"calibration by {part.method} has no compiled form")
    classes = np.searchsorted(part.classes, part.estimator.classes_)
    if len(part.classes) == 2:
        classes = np.array([1])
    curves = tuple(_curve(part.method, calibrator) for calibrator in part.calibrators)
    model = compile_scores(part.estimator, center)
    return Calibrated(model, len(part.classes), part.method, classes[: len(curves)].astype(np.int32), curves)


def _curve(method: str, calibrator: Any) -> Floats:
    if method == SIGMOID:
        return np.array([[calibrator.a_], [calibrator.b_]], dtype=np.float64)
    return np.array([calibrator.X_thresholds_, calibrator.y_thresholds_], dtype=np.float64)


def _voting(fitted: Any, center: Floats) -> Model:
    if getattr(fitted, "voting", "soft") != "soft":
        raise NotCompilableError("VotingClassifier by hard votes gives no probabilities")
    models = [compile_model(one, center) for one in fitted.estimators_]
    return _blend(models, center, fitted._weights_not_none)  # noqa: SLF001  without those of what was dropped


def _blend(models: Sequence[Model], center: Floats, weights: Sequence[float] | None = None) -> Blend:
    shares = np.ones(len(models)) if weights is None else np.asarray(weights, dtype=np.float64)
    parts = tuple(Part(model) for model in models)
    return Blend(len(center), models[0].outputs, parts, shares, float(shares.sum()))


def _bagging(fitted: Any, center: Floats) -> Model:
    classes = getattr(fitted, "classes_", None)
    outputs = 1 if classes is None else len(classes)
    parts = []
    for one, columns in zip(fitted.estimators_, fitted.estimators_features_, strict=True):
        if classes is not None and not hasattr(one, "predict_proba"):
            raise NotCompilableError("BaggingClassifier of classifiers that give no probabilities")
        model = compile_model(one, center[columns])
        partial = classes is not None and len(one.classes_) != outputs
        known = np.asarray(one.classes_, dtype=np.int32) if partial else None
        taken = None if np.array_equal(columns, np.arange(len(center))) else np.asarray(columns, dtype=np.int32)
        parts.append(Part(model, taken, known))
    return Blend(len(center), outputs, tuple(parts), np.ones(len(parts)), float(len(parts)))


def _stacking(fitted: Any, center: Floats) -> Model:
    models, last_only = [], []
    for one, method in zip(fitted.estimators_, fitted.stack_method_, strict=True):
        if isinstance(one, str):
            continue
        classifies = hasattr(one, "classes_")
        if classifies and method == "predict":
            raise NotCompilableError("StackingClassifier of classes that were answered")
        model = compile_scores(one, center) if method == "decision_function" else compile_model(one, center)
        models.append(model)
        last_only.append(method == "predict_proba" and len(fitted.classes_) == 2)
    width = sum(model.outputs - last for model, last in zip(models, last_only, strict=True))
    passes = bool(fitted.passthrough)
    inner = np.concatenate([np.zeros(width), center]) if passes else np.zeros(width)
    final = compile_model(fitted.final_estimator_, inner)
    return Stack(len(center), tuple(models), tuple(last_only), passes, final)


def _turned_target(fitted: Any, center: Floats) -> Model:
    model = compile_model(fitted.regressor_, center)
    turn = fitted.transformer_
    name = type(turn).__name__
    if name == "FunctionTransformer" and turn.func is None and turn.inverse_func is None:
        return model
    if name not in SCALERS:
        raise NotCompilableError(f"a target that is turned by {name} has no compiled form")
    return Transformed(model, (Step("affine", 1, 1, _back(name, turn)),))


def _back(name: str, turn: Any) -> dict[str, Floats]:
    """The inverse of a scaler, in the order in which scikit-learn computes it."""
    if name == "MinMaxScaler":
        given = {"subtract": turn.min_, "divide": turn.scale_}
    elif name == "StandardScaler":
        given = {"multiply": turn.scale_, "add": turn.mean_ if turn.with_mean else None}
    elif name == "RobustScaler":
        given = {
            "multiply": turn.scale_ if turn.with_scaling else None,
            "add": turn.center_ if turn.with_centering else None,
        }
    else:
        given = {"multiply": turn.scale_}
    own = {key: np.asarray(value, dtype=np.float64).reshape(1) for key, value in given.items() if value is not None}
    return neutral_scale(1) | own


COMPOSITIONS: dict[str, Compiler] = {
    "CalibratedClassifierCV": _calibrated,
    **dict.fromkeys(("VotingClassifier", "VotingRegressor"), _voting),
    **dict.fromkeys(("BaggingClassifier", "BaggingRegressor"), _bagging),
    **dict.fromkeys(("StackingClassifier", "StackingRegressor"), _stacking),
    "TransformedTargetRegressor": _turned_target,
}
