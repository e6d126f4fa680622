"""Past runs for tests: small, whole ledgers, written into a store as a run writes them."""

from pathlib import Path
from typing import Any

from evermodel.artifact.layout import CARD, EDA_PAGE, LEDGER, run_file
from evermodel.artifact.records import RunRecord, write_record
from evermodel.artifact.store import absolute_uri, write_bytes
from evermodel.training.ledger import Ledger
from evermodel_api.runs import Outcome

SPEC = {
    "task": "Classification",
    "target": "diagnosis",
    "data": {
        "sources": [{"name": "patients", "file": {"uri": "patients.csv"}}],
        "rows": [{"dedupe": {"keys": ["patient_id"]}}],
        "split": {"kind": "Stratified", "test": 0.2},
    },
    "algorithms": [{"name": "knn", "estimator": "KNeighborsClassifier", "params": {"n_neighbors": 5}}],
    "validation": {"metrics": ["roc_auc", "f1"]},
    "gates": [{"metric": "roc_auc", "min": 0.8}, {"metric": "roc_auc", "versus": "champion", "rule": "NotWorse"}],
    "run": {"seed": 42},
}


def digest(character: str) -> str:
    """A digest that people can tell from others."""
    return f"sha256:{character * 64}"


def trial(number: int, score: float = 0.9, **changes: Any) -> dict[str, Any]:
    """A trial of three folds."""
    folds = [
        {"scores": {"roc_auc": score + step, "f1": score - 0.1}, "seconds": 0.5, "cpuSeconds": 0.4}
        for step in (-0.01, 0.0, 0.01)
    ]
    return {
        "number": number,
        "algorithm": "knn" if number % 2 else "xgboost",
        "estimator": "KNeighborsClassifier" if number % 2 else "XGBClassifier",
        "params": {"n_neighbors": 3 + number},
        "searched": {"n_neighbors": 3 + number},
        "state": "Complete",
        "folds": folds,
        "scores": {"roc_auc": score, "f1": score - 0.1},
        **changes,
    }


def _gates() -> list[dict[str, Any]]:
    least = {"metric": "roc_auc", "rule": "min", "value": "0.9123", "limit": "0.8000", "passed": True}
    difference = {"limit": "0.9000", "champion": "0.9000", "interval": "-0.0100 to 0.0400"}
    return [least, {**least, "rule": "NotWorse", **difference}]


def ledger_of(run: int = 1, **changes: Any) -> Ledger:
    """A ledger of the training `heart`; `changes` are fields by their names on the wire."""
    document = {
        "training": "heart",
        "run": run,
        "outcome": "Succeeded",
        "message": "knn, roc_auc 0.9123 on 60 test rows; its gates hold.",
        "cause": {"by": "schedule", "reason": "Scheduled"},
        "task": "Classification",
        "target": "diagnosis",
        "asOf": f"2026-11-24T{run % 24:02d}:30:00.123456Z",
        "seconds": 12.25,
        "cpuSeconds": 33.5,
        "peakMemoryMb": 310.4,
        "phases": {"Collecting": 1.5, "Searching": 9.0, "Fitting": 0.5},
        "spec": SPEC,
        "specDigest": digest("a"),
        "seed": 42,
        "image": "evermodel/serving:1.0",
        "environment": {"python": "3.11.7", "libraries": {"scikit-learn": "1.9.1", "numpy": "2.4.1"}},
        "data": {
            "digest": digest("d"),
            "columns": {"age": digest("1"), "sex": digest("2")},
            "rowsRead": 303,
            "rows": 300,
            "quarantined": 3,
            "trainingRows": 240,
            "testRows": 60,
            "sources": [{"name": "patients", "rows": 303, "seconds": 0.25}],
            "snapshot": "file:///store/snapshots/d.parquet",
        },
        "search": {"sampler": "TPE", "objective": "roc_auc", "trials": 4, "workers": 2, "seconds": 9.0},
        "trials": [trial(0, 0.85), trial(1, 0.91), trial(2, 0.7, state="Pruned"), trial(3, 0.88)],
        "chosen": 1,
        "algorithm": "knn",
        "estimator": "KNeighborsClassifier",
        "params": {"n_neighbors": 4, "weights": "distance"},
        "metrics": {"roc_auc": 0.9123, "f1": 0.8},
        "intervals": {"roc_auc": (0.88, 0.94)},
        "trainMetrics": {"roc_auc": 0.97},
        "threshold": 0.41,
        "costs": {"latency_ms": 1.5, "size_mb": 0.2},
        "slices": [{"by": "sex", "level": "female", "rows": 20, "judged": True, "scores": {"roc_auc": 0.9}}],
        "gates": _gates(),
        "champion": f"heart-{run - 1}" if run > 1 else None,
        "version": f"heart-{run}",
        "artifact": {"uri": f"file:///store/artifacts/{'e' * 64}", "digest": digest("e"), "sizeBytes": 12345},
        "features": ["age", "sex"],
        **changes,
    }
    return Ledger.model_validate(document)


def remember(store: Path, ledger: Ledger, documents: dict[str, bytes] | None = None, *, whole: bool = True) -> None:
    """Write a run's record, and its documents as well when `whole`."""
    record = RunRecord(
        outcome=Outcome(ledger.outcome),
        message=ledger.message,
        artifact=ledger.artifact,
        data_digest=ledger.data.digest,
        rows=ledger.data.rows,
        algorithm=ledger.algorithm,
        metrics=ledger.metrics,
        gates=ledger.gates,
        seconds=ledger.seconds,
        order=digest("0"),
    )
    if whole:
        written = {LEDGER: ledger.model_dump_json(by_alias=True).encode()}
        written |= {CARD: b"<h1>card</h1>", EDA_PAGE: b"<h1>data</h1>", **(documents or {})}
        for name, content in written.items():
            write_bytes(run_file(absolute_uri(str(store)), ledger.training, ledger.run, name), content)
    write_record(str(store), ledger.training, ledger.run, record)
