"""The ModelTraining of each real table, and the answers of what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from evermodel.artifact.frame import model_frame
from evermodel.artifact.model import load_artifact, predict
from tests.bench.training.real_tables import RealTable

TRIALS = {"affairs": 30, "segments": 30, "diamonds": 16}
"""So many fit into a minute of two cores. A number of trials, unlike a time, gives the same model each time."""
FOLDS = {"affairs": 5, "segments": 5, "diamonds": 3}

_RATE = {"float": {"min": 0.02, "max": 0.2, "log": True}}
_SHARE = {"float": {"min": 0.4, "max": 1.0}}
_BOOSTED = {"n_estimators": 200, "learning_rate": 0.06}


def training_of(table: RealTable, path: Path, seed: int) -> dict[str, Any]:
    """What a user writes: several algorithms with ranges, the default pipeline, a fixed number of trials."""
    spec = {
        "task": table.task,
        "target": table.target,
        "data": {"sources": [{"name": "rows", "file": {"uri": str(path)}}], "split": {"test": 0.25}},
        "algorithms": _algorithms("Classifier" if table.task == "Classification" else "Regressor"),
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


def _algorithms(kind: str) -> list[dict[str, Any]]:
    leaves = {"int": {"min": 7, "max": 63, "log": True}}
    lightgbm = {"subsample_freq": 1, "subsample": 0.9, "colsample_bytree": 0.8, "num_leaves": 15, **_BOOSTED}
    xgboost = {"subsample": 0.9, "colsample_bytree": 0.8, "max_depth": 5, **_BOOSTED}
    trees = {"n_estimators": 150, "min_samples_leaf": 1}
    together = [
        {"lightgbm": {f"LGBM{kind}": lightgbm}},
        {"xgboost": {f"XGB{kind}": xgboost}},
        {"trees": {f"ExtraTrees{kind}": trees}},
    ]
    vote: dict[str, Any] = {
        "name": "vote",
        "estimator": f"Voting{kind}",
        "params": {"estimators": together},
        "search": {
            "lightgbm__learning_rate": _RATE,
            "lightgbm__num_leaves": leaves,
            "xgboost__learning_rate": _RATE,
            "xgboost__max_depth": {"int": {"min": 2, "max": 8}},
            "trees__min_samples_leaf": {"int": {"min": 1, "max": 16, "log": True}},
            "weights": {"choices": [[1, 1, 1], [2, 2, 1], [3, 3, 1], [1, 1, 2]]},
        },
    }
    if kind == "Classifier":
        vote["params"]["voting"] = "soft"
    return [
        {
            "name": "lightgbm",
            "estimator": f"LGBM{kind}",
            "params": lightgbm,
            "search": {"learning_rate": _RATE, "num_leaves": leaves, "colsample_bytree": _SHARE},
        },
        {
            "name": "xgboost",
            "estimator": f"XGB{kind}",
            "params": xgboost,
            "search": {
                "learning_rate": _RATE,
                "max_depth": {"int": {"min": 2, "max": 8}},
                "colsample_bytree": _SHARE,
            },
        },
        vote,
    ]


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
