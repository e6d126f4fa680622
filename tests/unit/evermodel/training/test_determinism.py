"""The same data, spec and seed make the same bytes: whatever the threads, the processes, the hash seed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evermodel.artifact.skops_file import dump_model
from evermodel.training.classes import TOLERANCES, make_estimator
from evermodel.training.repeatable import is_thread_proof, repeatable
from evermodel_api.training import Task
from evermodel_api.training.classes import ESTIMATORS, SAMPLERS, SELECTORS, TRANSFORMERS
from tests.unit.evermodel.training.every_class import CLASSES, NUMBERS, TARGET

ROOT = Path(__file__).parents[4]
LABELS = [
    *ESTIMATORS,
    *(f"transformer {name}" for name in TRANSFORMERS),
    *(f"selector {name}" for name in SELECTORS),
    *(f"sampler {name}" for name in SAMPLERS),
]


def start(jobs: int, **environment: str) -> subprocess.Popen[str]:
    """Fit every class in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.unit.evermodel.training.every_class", str(jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Threads that wait must not burn the cores that the tests share.
        env={**os.environ, **environment, "OMP_WAIT_POLICY": "passive"},
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def two_runs():
    """What two processes made that differ in all that must not count."""
    processes = [
        start(1, PYTHONHASHSEED="1", OMP_NUM_THREADS="1"),
        start(4, PYTHONHASHSEED="2", OMP_NUM_THREADS="4", TZ="Asia/Tokyo"),
    ]
    runs = []
    for process in processes:
        out, err = process.communicate(timeout=500)
        assert process.returncode == 0, err
        runs.append({line[0]: line[1:] for line in map(json.loads, out.splitlines())})
    return runs


def test_every_class_was_fitted(two_runs):
    one, other = two_runs
    assert set(one) == set(other) == set(LABELS)


@pytest.mark.parametrize("label", LABELS)
def test_the_same_data_makes_the_same_model_bit_by_bit(two_runs, label):
    (digest, alike), (other_digest, other_alike) = (run[label] for run in two_runs)
    # whatever the threads, jobs and hash seed
    assert digest == other_digest
    # and the file holds the model whole: what is loaded answers alike, and has the same bytes
    assert alike
    assert other_alike


def test_no_class_needs_a_tolerance():
    """Should one need it, docs/reproducible.md has to name it too."""
    assert TOLERANCES == {}


@pytest.mark.parametrize("name", ["nothing to fit"])
def test_numpys_own_chance_is_seeded_for_a_fit_and_put_back(name):
    # given a process that drew from it before
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    with repeatable(name, 1):
        first = np.random.random()  # noqa: NPY002
    with repeatable(name, 1):
        second = np.random.random()  # noqa: NPY002
    with repeatable(name, 2):
        third = np.random.random()  # noqa: NPY002
    # then a fit draws by its seed, and the process goes on as if nothing had been
    assert first == second != third
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_boosted_trees_keep_their_threads_and_neighbours_do_not():
    made = {
        name: make_estimator(name, {}, Task.CLASSIFICATION, 0, name) for name in ESTIMATORS if name in KEPT | FENCED
    }
    assert {name for name, estimator in made.items() if is_thread_proof(estimator)} == KEPT


KEPT = {"HistGradientBoostingClassifier", "LGBMClassifier", "XGBClassifier"}
FENCED = {"KNeighborsClassifier", "LogisticRegression", "RandomForestClassifier", "SVC"}


@pytest.mark.parametrize("name", ["XGBRegressor", "LGBMRegressor"])
def test_boosted_trees_are_the_same_with_more_threads_on_many_rows(name):
    # given enough rows for every thread to have its share
    rows = np.tile(NUMBERS, (150, 1)) + np.random.default_rng(1).normal(size=(24000, 8))
    truth = rows @ np.arange(8) + np.tile(TARGET, 150)
    # when one and three threads fit
    digests = set()
    for jobs in (1, 3):
        estimator = make_estimator(name, {"n_estimators": 10, "n_jobs": jobs}, Task.REGRESSION, 0, name)
        with repeatable(estimator, 0):
            digests.add(dump_model(estimator.fit(rows, truth)))
    assert len(digests) == 1


def test_another_seed_makes_another_model():
    models = set()
    for seed in (0, 1):
        estimator = make_estimator("RandomForestClassifier", {"n_estimators": 3}, Task.CLASSIFICATION, seed, "x")
        models.add(dump_model(estimator.fit(NUMBERS, CLASSES)))
    assert len(models) == 2
