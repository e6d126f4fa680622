"""The same data, spec and seed make the same bytes: whatever the order of rows, the threads, the hash seed, the run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evermodel.artifact.model import describe_artifact
from evermodel_api.training import Estimator
from tests.unit.evermodel.bench import NOON, classes, numbers, save, spec_of, train

ROOT = Path(__file__).parents[4]
QUICK = {
    "RandomForestClassifier": {"n_estimators": 8},
    "RandomForestRegressor": {"n_estimators": 8, "n_jobs": 2},
    "MLPClassifier": {"hidden_layer_sizes": [8], "max_iter": 15},
    "MLPRegressor": {"hidden_layer_sizes": [8], "max_iter": 15},
    "XGBClassifier": {"n_estimators": 10},
    "XGBRegressor": {"n_estimators": 10, "n_jobs": 2},
    "HistGradientBoostingClassifier": {"max_iter": 10, "early_stopping": True},
    "HistGradientBoostingRegressor": {"max_iter": 10},
}
PROGRAM = """
import json, sys, pathlib
from evermodel.training.run import run_training
from evermodel_api.runs import TrainingOrder
for line in sys.stdin:
    outcome = run_training(TrainingOrder.model_validate_json(line), pathlib.Path("none"), lambda sentence: None)
    print(json.dumps([outcome.artifact.digest, outcome.data_digest]), flush=True)
"""


def start(folder: Path, shuffle: int, number: int, **environment: str) -> subprocess.Popen[str]:
    """Train every estimator in a process of its own."""
    data = {}
    for name, frame in {"numbers": numbers(600), "classes": classes(600)}.items():
        rows = frame.sample(frac=1, random_state=shuffle) if shuffle else frame
        data[name] = save(rows, folder / f"{name}.csv")
    orders = []
    for estimator in Estimator:
        spec = spec_of(data["numbers"], estimator, params=QUICK.get(estimator, {}))
        if spec["task"] == "Classification":
            spec["data"]["sources"][0]["file"]["uri"] = str(data["classes"])
        order = {"namespace": "n", "training": estimator, "run": number, "spec": spec, "store": (folder / "s").as_uri()}
        cause = {"by": "spec", "reason": "Created"}
        orders.append({**order, "specDigest": f"sha256:{number:064}", "asOf": NOON, "cause": cause})
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        cwd=ROOT,
    )
    assert process.stdin is not None
    process.stdin.write("".join(json.dumps(order) + "\n" for order in orders))
    process.stdin.close()
    process.stdin = None
    return process


def digests(process: subprocess.Popen[str]) -> list[list[str]]:
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """What two processes made that differ in all that must not count."""
    one = start(tmp_path_factory.mktemp("one"), 0, 1, PYTHONHASHSEED="1", OMP_NUM_THREADS="1")
    two = start(tmp_path_factory.mktemp("two"), 5, 7, PYTHONHASHSEED="2", OMP_NUM_THREADS="4", TZ="Asia/Tokyo")
    return dict(zip(Estimator, zip(digests(one), digests(two), strict=True), strict=True))


@pytest.mark.parametrize("estimator", list(Estimator))
def test_the_same_data_makes_the_same_model_bit_by_bit(two_runs, estimator):
    (digest, data), (other_digest, other_data) = two_runs[estimator]
    assert data == other_data
    assert digest == other_digest


def test_what_a_library_warned_of_is_kept_without_the_time(tmp_path):
    # given two algorithms, one of which XGBoost warns of, beginning with the time of the day
    spec = spec_of(
        save(classes(), tmp_path / "rows.csv"), "XGBClassifier", params={"n_estimators": 2, "device": "cuda"}
    )
    spec["algorithms"].append({"name": "other", "estimator": "DecisionTreeClassifier"})
    # when they are compared
    ran = train(tmp_path, spec)
    # then the words alone are in the artifact, once for all folds
    candidates = describe_artifact(ran.document["artifact"], ran.document["digest"]).evaluation["candidates"]
    (note,) = candidates[0]["notes"]
    assert note.startswith("WARNING: Device is changed from GPU to CPU")


def test_different_estimators_make_different_models(two_runs):
    assert len({one[0] for one, _ in two_runs.values()}) == len(Estimator)
