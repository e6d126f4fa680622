"""Ledgers for tests of what reads them: a search with all kinds of trials, and the least that a ledger can be."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from evermodel.training.ledger import DataRead, Fold, Ledger, Search, SliceScore, SourceRead, Trial
from evermodel_api.training import Cause
from evermodel_api.version import Artifact, GateVerdict

METRICS = ("roc_auc", "f1", "accuracy")
SIGNATURE: dict[str, Any] = {
    "task": "Classification",
    "target": "diagnosis",
    "columns": [
        {"name": "age", "kind": "number", "datatype": "INT64", "min": 29.0, "max": 77.0},
        {"name": "vessels", "kind": "number", "datatype": "FP64", "min": 0.0, "max": 3.0, "missing": True},
        {"name": "sex", "kind": "category", "datatype": "BYTES", "levels": ["female", "male"], "takesMissing": False},
        {
            "name": "thal",
            "kind": "category",
            "datatype": "BYTES",
            "levels": ["fixed_defect", "normal", "reversible_defect"],
            "missing": True,
        },
    ],
    "classes": [0, 1],
}


def digest_of(letter: str) -> str:
    """A digest that can be told from others."""
    return f"sha256:{letter * 64}"


def trial(number: int, state: str = "Complete") -> Trial:
    """A trial whose numbers follow from its own."""
    generator = np.random.default_rng(number)
    folds = 0 if state == "Failed" else 2 if state == "Pruned" else 5
    level = 0.8 + 0.1 * (1 - np.exp(-number / 8)) - (0.08 if state == "Pruned" else 0)
    scores = [
        {m: float(level - 0.05 * i + generator.normal(0, 0.01)) for i, m in enumerate(METRICS)} for _ in range(folds)
    ]
    searched = {"max_depth": int(generator.integers(2, 7)), "learning_rate": float(generator.random())}
    return Trial(
        number=number,
        algorithm=("xgboost", "kneighbors")[number % 2],
        estimator=("XGBClassifier", "KNeighborsClassifier")[number % 2],
        params={"n_estimators": 200, **searched},
        searched=searched,
        state=state,
        folds=[Fold(scores=one, seconds=0.4, cpu_seconds=0.7) for one in scores],
        scores={m: float(np.mean([one[m] for one in scores])) for m in METRICS} if scores else {},
        notes=["ValueError: max_depth <1> is too small"] if state == "Failed" else [],
        worker=str(number % 4),
    )


def trials(n: int = 30) -> list[Trial]:
    """Most whole, some given up, one failed."""
    return [trial(i, "Failed" if i == 7 else "Pruned" if i % 5 == 4 else "Complete") for i in range(n)]


def whole_ledger(**changes: Any) -> Ledger:
    """A run with everything in it."""
    made = trials()
    best = max((one for one in made if one.state == "Complete"), key=lambda one: one.scores["roc_auc"])
    values: dict[str, Any] = {
        "training": "heart",
        "run": 5,
        "outcome": "Succeeded",
        "message": "xgboost, roc_auc 0.9012 on 61 test rows; its gates hold.",
        "cause": Cause(by="driftmonitor/heart", reason="Drift"),
        "task": "Classification",
        "target": "diagnosis",
        "as_of": datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        "seconds": 96.4,
        "cpu_seconds": 240.0,
        "peak_memory_mb": 412.6,
        "phases": {"Collecting": 3.1, "Preparing": 1.2, "Searching": 80.0, "Fitting": 6.0, "Judging": 5.0},
        "spec": {
            "task": "Classification",
            "data": {"split": {"test": 0.2}, "rows": [{"dedupe": {"keys": ["age"]}}]},
            "pipeline": {"resample": {"RandomOverSampler": {}}},
            "validation": {"threshold": {"metric": "f1"}},
        },
        "spec_digest": digest_of("5"),
        "seed": 42,
        "image": f"evermodel@{digest_of('1')}",
        "environment": {"python": "3.11.2", "libraries": {"scikit-learn": "1.9.1", "numpy": "2.4.6"}},
        "data": DataRead(
            digest=digest_of("d"),
            columns={"age": digest_of("a"), "sex": digest_of("b")},
            rows_read=310,
            rows=303,
            quarantined=4,
            training_rows=242,
            test_rows=61,
            sources=[
                SourceRead(name="patients", rows=310, seconds=2.5),
                SourceRead(name="labs", rows=900, seconds=0.6),
            ],
            snapshot=f"file:///store/snapshots/{'d' * 64}.parquet",
        ),
        "search": Search(sampler="TPE", objective="roc_auc", trials=30, workers=4, seconds=80.0),
        "trials": made,
        "chosen": best.number,
        "algorithm": best.algorithm,
        "estimator": best.estimator,
        "params": best.params,
        "metrics": {"roc_auc": 0.9012, "f1": 0.82, "accuracy": 0.836},
        "intervals": {"roc_auc": (0.84, 0.95), "f1": (0.71, 0.9), "accuracy": (0.75, 0.92)},
        "train_metrics": {"roc_auc": 0.9999, "f1": 0.99, "accuracy": 0.992},
        "threshold": 0.43,
        "costs": {"latency_ms": 1.24, "size_mb": 0.62, "onnx_difference": 3.1e-7},
        "slices": [
            SliceScore(
                by="sex", level="female", rows=22, judged=True, scores={"roc_auc": 0.81, "f1": 0.7, "accuracy": 0.8}
            ),
            SliceScore(
                by="sex", level="male", rows=37, judged=True, scores={"roc_auc": 0.93, "f1": 0.86, "accuracy": 0.85}
            ),
            SliceScore(by="thal", level="fixed_defect", rows=2, judged=False, scores={"accuracy": 0.5}),
        ],
        "gates": [
            GateVerdict(metric="roc_auc", rule="min", value="0.9012", limit="0.8000", passed=True),
            GateVerdict(
                metric="roc_auc",
                rule="NotWorse",
                value="0.9012",
                limit="0.8890",
                champion="0.8890",
                interval="-0.0120 to 0.0391",
                passed=True,
            ),
            GateVerdict(
                metric="recall",
                rule="maxDrop",
                slice="sex=female",
                value="0.70",
                limit="0.75",
                champion="0.80",
                passed=False,
            ),
        ],
        "champion": "heart-4",
        "version": "heart-5",
        "artifact": Artifact(uri=f"file:///store/artifacts/{'e' * 64}", digest=digest_of("e"), size_bytes=620_000),
        "features": ["age", "vessels", "sex", "thal"],
        "signature": SIGNATURE,
    }
    return Ledger(**{**values, **changes})


def least_ledger(**changes: Any) -> Ledger:
    """A regression with one algorithm, and nothing that can be left out."""
    values: dict[str, Any] = {
        "training": "price",
        "run": 1,
        "outcome": "Succeeded",
        "message": "ridge, rmse 3.1 on 10 test rows; it has no gates to pass.",
        "cause": Cause(by="spec", reason="Created"),
        "task": "Regression",
        "target": "price",
        "as_of": datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        "seconds": 1.0,
        "cpu_seconds": 1.0,
        "peak_memory_mb": 100.0,
        "spec": {},
        "spec_digest": digest_of("5"),
        "seed": 0,
        "data": DataRead(digest=digest_of("d"), rows_read=50, rows=50, training_rows=40, test_rows=10),
    }
    return Ledger(**{**values, **changes})
