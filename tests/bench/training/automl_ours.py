"""The ModelTraining of each real table, and the answers of what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from evermodel.artifact.frame import model_frame
from evermodel.artifact.model import load_artifact, predict
from tests.bench.training.real_tables import RealTable

TRIALS = {"affairs": 120, "segments": 28, "diamonds": 18}
"""So many fit into a minute of two cores. A number of trials, unlike a time, gives the same model each time."""
FOLDS = {"affairs": 5, "segments": 5, "diamonds": 3}

_RATE = {"float": {"min": 0.02, "max": 0.2, "log": True}}
_SHARE = {"float": {"min": 0.4, "max": 1.0}}
_DEPTH = {"int": {"min": 2, "max": 9}}
_LEAVES = {"int": {"min": 7, "max": 127, "log": True}}
_ROUNDS = {"int": {"min": 50, "max": 800, "log": True}}


def training_of(table: RealTable, path: Path, seed: int) -> dict[str, Any]:
    """What a user writes: several algorithms with ranges, the default pipeline, a fixed number of trials.

    The benchmark holds rows out by itself, so the run's own test, which it cannot go without, is as small as it may be.
    """
    kind = "Classifier" if table.task == "Classification" else "Regressor"
    spec = {
        "task": table.task,
        "target": table.target,
        "data": {"sources": [{"name": "rows", "file": {"uri": str(path)}}], "split": {"test": 0.05}},
        "algorithms": [*_alone(kind), _linear(table.task), _together(kind)],
        "validation": {"cv": {"folds": FOLDS[table.name]}, "metrics": [table.metric]},
        "tuning": {"objective": table.metric, "maxTrials": TRIALS[table.name], "workers": 2},
        "run": {"seed": seed},
    }
    return {
        "apiVersion": "evermodel.dev/v1alpha1",
        "kind": "ModelTraining",
        "metadata": {"name": table.name},
        "spec": spec,
    }


def _boosted(kind: str) -> dict[str, dict[str, Any]]:
    rounds = {"n_estimators": 400, "learning_rate": 0.05, "subsample": 0.9, "colsample_bytree": 0.7}
    return {
        f"LGBM{kind}": {"subsample_freq": 1, "num_leaves": 31, **rounds},
        f"XGB{kind}": {"max_depth": 6, **rounds},
    }


def _alone(kind: str) -> list[dict[str, Any]]:
    shared = {"n_estimators": _ROUNDS, "learning_rate": _RATE, "colsample_bytree": _SHARE}
    (lightgbm, its), (xgboost, others) = _boosted(kind).items()
    return [
        {"name": "lightgbm", "estimator": lightgbm, "params": its, "search": {"num_leaves": _LEAVES, **shared}},
        {"name": "xgboost", "estimator": xgboost, "params": others, "search": {"max_depth": _DEPTH, **shared}},
    ]


def _linear(task: str) -> dict[str, Any]:
    """The plain model that every other one has to be better than."""
    if task == "Regression":
        return {"name": "linear", "estimator": "Ridge"}
    return {"name": "linear", "estimator": "LogisticRegression", "params": {"max_iter": 1000}}


def _together(kind: str) -> dict[str, Any]:
    """Their mean, with randomized trees, which err elsewhere."""
    (lightgbm, its), (xgboost, others) = _boosted(kind).items()
    trees = {"n_estimators": 60, "min_samples_leaf": 2, "max_features": 0.7}
    members = [
        {"lightgbm": {lightgbm: its}},
        {"xgboost": {xgboost: others}},
        {"trees": {f"ExtraTrees{kind}": trees}},
    ]
    return {
        "name": "together",
        "estimator": f"Voting{kind}",
        "params": {"estimators": members, "weights": [2, 2, 1], **({"voting": "soft"} if kind == "Classifier" else {})},
        "search": {
            "lightgbm__n_estimators": _ROUNDS,
            "lightgbm__num_leaves": _LEAVES,
            "xgboost__n_estimators": _ROUNDS,
            "xgboost__max_depth": _DEPTH,
            "trees__min_samples_leaf": {"int": {"min": 1, "max": 8, "log": True}},
            "weights": {"choices": [[1, 1, 1], [2, 2, 1], [1, 2, 1], [2, 1, 1]]},
        },
    }


def main() -> None:
    """Answer the test rows by a run's artifact: ARTIFACT TEST ANSWERS."""
    uri, test, answers = sys.argv[1:]
    loaded = load_artifact(uri, None)
    answered = predict(loaded, model_frame(loaded.signature, pd.read_csv(test)))
    if answered.probabilities is None:
        frame = pd.DataFrame({"answer": answered.labels})
    else:
        frame = pd.DataFrame(answered.probabilities, columns=[str(label) for label in loaded.signature.classes])
    frame.to_csv(answers, index=False)


if __name__ == "__main__":
    main()
