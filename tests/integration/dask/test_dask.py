"""Fits by a real Dask cluster: a scheduler and two workers, processes on loopback."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from evermodel.errors import RunError, SpecError
from evermodel.training import dask as dask_module
from evermodel.training.dask import run_search_on_dask
from evermodel.training.progress import Silent
from evermodel.training.search.board import MemoryBoard
from evermodel.training.search.store_board import StoreBoard
from evermodel.training.search.trial import without_times
from evermodel.training.search.worker import Worker, run_search
from evermodel_api.training import Algorithm
from tests.integration.dask.fitting import forest
from tests.unit.evermodel.training.search.bench import plan_of

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).parents[3]
SEARCH = {
    "max_depth": {"int": {"min": 1, "max": 9}},
    "n_estimators": {"int": {"min": 3, "max": 20}},
    "max_features": {"float": {"min": 0.2, "max": 1}},
}
FOREST = Algorithm.model_validate({"name": "forest", "estimator": "RandomForestClassifier", "search": SEARCH})
PLAN = plan_of(18, algorithms=(FOREST,))


class Cluster:
    """A scheduler and workers."""

    def __init__(self, workers):
        self.processes = []
        self.scheduler = self._scheduler()
        for _ in range(workers):
            self.start_worker()

    def _start(self, command, options, **named):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        process = subprocess.Popen(
            [sys.executable, "-m", command, *options], env=environment, cwd=ROOT, text=True, **named
        )
        self.processes.append(process)
        return process

    def _scheduler(self):
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        process = self._start("distributed.cli.dask_scheduler", options, stderr=subprocess.PIPE)
        for line in process.stderr:
            if found := re.search(r"tcp://127\.0\.0\.1:\d+", line):
                return found[0]
        raise AssertionError("the scheduler did not start")

    def start_worker(self):
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        self._start("distributed.cli.dask_worker", [self.scheduler, *options], stderr=subprocess.DEVNULL)

    def end(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
            if process.stderr:
                process.stderr.close()


@pytest.fixture(scope="module")
def cluster():
    made = Cluster(2)
    yield made
    made.end()


@pytest.fixture(scope="module")
def alone():
    return run_search(PLAN, forest(), MemoryBoard(), Worker(), Silent())


def without(trials):
    return [without_times(trial) for trial in trials]


def search(cluster, objective=None, plan=PLAN, board=None):
    return run_search_on_dask(
        plan, objective or forest(), board or MemoryBoard(), Worker(), Silent(), cluster.scheduler
    )


def test_a_cluster_finds_what_one_process_finds(cluster, alone):
    # when the same search is made by a cluster
    found = search(cluster)
    # then its record is the same, and more than one lane took part
    assert without(found.trials) == without(alone.trials)
    assert found.chosen.number == alone.chosen.number
    assert len({trial.worker for trial in found.trials}) == 2
    assert {trial.state for trial in found.trials} >= {"Complete", "Failed"}


def test_every_fit_is_computed_by_the_cluster(cluster, monkeypatch):
    # given an objective that this process cannot use
    objective = forest()
    monkeypatch.setattr("tests.integration.dask.fitting.Forest.fit_fold", None)
    # then the search works all the same
    assert len(search(cluster, objective, plan_of(4, algorithms=(FOREST,))).trials) == 4


def test_what_is_wrong_with_the_spec_comes_back_as_it_is(cluster):
    wrong = Algorithm.model_validate(
        {"name": "forest", "estimator": "RandomForestClassifier", "params": {"max_depth": 3}}
    )
    with pytest.raises(SpecError, match="none of 1 trials could be fitted; the first: a depth of 3 is not wanted"):
        search(cluster, plan=plan_of(algorithms=(wrong,)))


def test_an_error_of_the_code_comes_back_as_it_is(cluster):
    wrong = Algorithm.model_validate(
        {"name": "forest", "estimator": "RandomForestClassifier", "params": {"no_such": 3}}
    )
    with pytest.raises(TypeError, match="no_such"):
        search(cluster, plan=plan_of(algorithms=(wrong,)))


def test_a_worker_of_the_cluster_that_is_killed_changes_nothing(alone, tmp_path):
    # given a cluster of its own
    cluster = Cluster(2)
    try:
        board = StoreBoard(str(tmp_path), time.monotonic)

        def kill():
            while len(board.results()) < 4:
                time.sleep(0.01)
            cluster.processes[-1].send_signal(signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        found = search(cluster, board=board)
        killer.join()
        # then the other one does all the work
        assert without(found.trials) == without(alone.trials)
    finally:
        cluster.end()


def test_a_scheduler_that_is_lost_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(dask_module, "PATIENCE", 10.0)  # a busy machine takes its time with the first fit
    cluster = Cluster(1)
    try:
        board = StoreBoard(str(tmp_path), time.monotonic)

        def kill():
            until = time.monotonic() + 60
            while len(board.results()) < 2 and time.monotonic() < until:
                time.sleep(0.01)
            cluster.end()

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(RunError, match=cluster.scheduler) as caught:
            search(cluster, board=board)
        killer.join()
        assert (caught.value.reason, type(caught.value)) == ("EngineUnreachable", RunError)
    finally:
        cluster.end()


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr(dask_module, "PATIENCE", 0.5)
    with pytest.raises(RunError, match="cannot be used") as caught:
        run_search_on_dask(PLAN, forest(), MemoryBoard(), Worker(), Silent(), "tcp://127.0.0.1:9")
    assert caught.value.reason == "EngineUnreachable"


def test_a_cluster_without_workers_is_told(monkeypatch):
    monkeypatch.setattr(dask_module, "PATIENCE", 1.0)
    cluster = Cluster(0)
    try:
        with pytest.raises(RunError, match="has workers") as caught:
            search(cluster)
        assert caught.value.reason == "EngineUnreachable"
    finally:
        cluster.end()
