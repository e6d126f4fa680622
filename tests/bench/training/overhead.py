"""What a run costs beside a plain scikit-learn script that does the same steps: whole processes, in turn, on two cores.

python -m tests.bench.training.overhead [--rows 1000000] [--pairs 5] [--estimators ...] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.bench.training.whole_process import Ran, run_whole, two_cores, versions

SEED = 7
"""Of the table. Both sides train with the seed 42."""
ESTIMATORS = ("LogisticRegression", "HistGradientBoostingClassifier", "XGBClassifier")
TIME_LIMIT, MEMORY_LIMIT = 1.15, 1.3


@dataclass(frozen=True)
class Overhead:
    """Of one estimator; medians, and ratios pair by pair."""

    estimator: str
    plain_seconds: float
    our_seconds: float
    time_ratio: float
    time_ratio_low: float
    time_ratio_high: float
    plain_peak_mb: float
    our_peak_mb: float
    memory_ratio: float
    plain_roc_auc: float
    our_roc_auc: float
    phases: dict[str, float]
    """Seconds of our last run by its phases."""


def training_of(estimator: str, table: Path) -> dict[str, Any]:
    """The ModelTraining with the same steps as `plain`."""
    fill: dict[str, Any] = {"SimpleImputer": {"strategy": "median"}}
    numbers, categories = [fill], [{"OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1}}]
    if estimator == "LogisticRegression":
        numbers, categories = [fill, {"StandardScaler": {}}], [{"OneHotEncoder": {"handle_unknown": "ignore"}}]
    spec = {
        "task": "Classification",
        "target": "bought",
        "data": {
            "sources": [{"name": "customers", "file": {"uri": str(table)}}],
            "split": {"kind": "Stratified", "test": 0.2},
        },
        "pipeline": {
            "columns": [
                {"name": "numbers", "select": {"type": "number"}, "steps": numbers},
                {"name": "categories", "select": {"type": "category"}, "steps": categories},
            ]
        },
        "algorithms": [
            {
                "name": "only",
                "estimator": estimator,
                "params": {"tree_method": "hist"} if estimator == "XGBClassifier" else {},
            }
        ],
        "validation": {"metrics": ["roc_auc", "f1", "precision", "recall", "accuracy"]},
        "run": {"seed": 42},
    }
    return {
        "apiVersion": "evermodel.dev/v1alpha1",
        "kind": "ModelTraining",
        "metadata": {"name": "customers"},
        "spec": spec,
    }


def measure(estimator: str, table: Path, scratch: Path, pairs: int, cores: list[int]) -> Overhead:
    """Run both in turn, after one pair that is not counted."""
    file = scratch / f"{estimator}.yaml"
    file.write_text(yaml.safe_dump(training_of(estimator, table)))
    store = scratch / "store"
    train = [sys.executable, "-m", "evermodel", "train", "-f", str(file), "--store", str(store), "--json"]
    script = [sys.executable, "-m", "tests.bench.training.plain", str(table), estimator, str(scratch / "model.joblib")]
    # the machine's own caches of compiled modules may be cold or read-only: both sides get one, warm after the first pair
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(scratch / "compiled")
    ours: list[Ran] = []
    plain: list[Ran] = []
    for _ in range(pairs + 1):
        shutil.rmtree(store, ignore_errors=True)  # each run is the first one of its training
        ours.append(run_whole(train, cores, environment))
        plain.append(run_whole(script, cores, environment))
    answer = json.loads(ours[-1].out)
    ledger = json.loads(Path(answer["ledger"].removeprefix("file://")).read_text())
    return _compared(estimator, ours[1:], plain[1:], ledger["phases"])


def _compared(estimator: str, ours: list[Ran], plain: list[Ran], phases: dict[str, float]) -> Overhead:
    times = [our.seconds / other.seconds for our, other in zip(ours, plain, strict=True)]
    peaks = [our.peak_mb / other.peak_mb for our, other in zip(ours, plain, strict=True)]
    return Overhead(
        estimator=estimator,
        plain_seconds=statistics.median(ran.seconds for ran in plain),
        our_seconds=statistics.median(ran.seconds for ran in ours),
        time_ratio=statistics.median(times),
        time_ratio_low=min(times),
        time_ratio_high=max(times),
        plain_peak_mb=statistics.median(ran.peak_mb for ran in plain),
        our_peak_mb=statistics.median(ran.peak_mb for ran in ours),
        memory_ratio=statistics.median(peaks),
        plain_roc_auc=json.loads(plain[-1].out)["metrics"]["roc_auc"],
        our_roc_auc=json.loads(ours[-1].out)["metrics"]["roc_auc"],
        phases=phases,
    )


def as_text(measured: list[Overhead]) -> str:
    """The table, as it stands in docs/benchmarks.md."""
    lines = [
        "| estimator | plain | evermodel | time (median of pairs, range) | plain peak | evermodel peak | memory | ROC AUC |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.estimator} | {each.plain_seconds:.1f} s | {each.our_seconds:.1f} s "
        f"| {each.time_ratio:.2f} ({each.time_ratio_low:.2f} to {each.time_ratio_high:.2f}) "
        f"| {each.plain_peak_mb:.0f} MB | {each.our_peak_mb:.0f} MB | {each.memory_ratio:.2f} "
        f"| {each.plain_roc_auc:.4f}, {each.our_roc_auc:.4f} |"
        for each in measured
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, and print; the exit code is 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS, default=ESTIMATORS)
    parser.add_argument("--cores", nargs="+", type=int, default=two_cores())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "customers.parquet"
        # in a process of its own: the peak of what is started is counted from this one's size
        make = [sys.executable, "-m", "tests.bench.training.made_table", str(table)]
        subprocess.run([*make, "--rows", str(arguments.rows), "--seed", str(SEED)], check=True)
        measured = [
            measure(estimator, table, Path(scratch), arguments.pairs, arguments.cores)
            for estimator in arguments.estimators
        ]
    if arguments.json:
        print(json.dumps([asdict(each) for each in measured]))  # noqa: T201  the answer
    else:
        print(f"{versions()}; table seed {SEED}, {arguments.pairs} pairs, cores {arguments.cores}")  # noqa: T201
        print(as_text(measured))  # noqa: T201
        for each in measured:
            print(f"phases of {each.estimator}: {each.phases}")  # noqa: T201
    missed = [each for each in measured if each.time_ratio > TIME_LIMIT or each.memory_ratio > MEMORY_LIMIT]
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
