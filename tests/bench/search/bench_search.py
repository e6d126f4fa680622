"""How fast a search is: `python -m tests.bench.search.bench_search` prints it.

1. 60 trials by four workers against the same 60 trials by joblib (four processes), all pinned to two cores. The fits
   are real (gradient boosting, boosted trees, neighbours on 4,000 rows, 5 folds) and the same ones: joblib is told
   what the search proposed, and so has nothing to propose, to write down, or to wait for.
2. 1, 2 and 4 workers with a core each.
3. 1, 2 and 4 workers that have enough cores, as on nodes of their own: fits only take time (40 to 160 ms). It shows
   what the plan and the board cost, also on a machine that has fewer cores, or none to spare.
"""

# ruff: noqa: T201  what it prints is its answer
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evermodel.training.ledger import Fold, Trial
from evermodel.training.progress import Silent
from evermodel.training.search.local import end_with_parent, local_workers
from evermodel.training.search.plan import Plan
from evermodel.training.search.scores import choose
from evermodel.training.search.store_board import StoreBoard
from evermodel.training.search.trial import FoldFit, without_times
from evermodel.training.search.worker import Worker, run_search
from evermodel_api.training import Algorithm, Metric, Tuning

SEED = 1
ROWS = int(os.environ.get("BENCH_ROWS", "4000"))
TRIALS = int(os.environ.get("BENCH_TRIALS", "60"))
FOLDS = 5
ROOT = Path(__file__).parents[3]
ALGORITHMS = [
    {
        "name": "boosting",
        "estimator": "HistGradientBoostingClassifier",
        "params": {"max_iter": 60},
        "search": {
            "learning_rate": {"float": {"min": 0.02, "max": 0.3, "log": True}},
            "max_leaf_nodes": {"int": {"min": 7, "max": 31}},
        },
    },
    {
        "name": "xgboost",
        "estimator": "XGBClassifier",
        "params": {"n_estimators": 100, "n_jobs": 1},
        "search": {
            "max_depth": {"int": {"min": 2, "max": 6}},
            "learning_rate": {"float": {"min": 0.02, "max": 0.3, "log": True}},
        },
    },
    {
        "name": "neighbours",
        "estimator": "KNeighborsClassifier",
        "search": {"n_neighbors": {"int": {"min": 3, "max": 60}}},
    },
]


def plan() -> Plan:
    """The search. Nothing is pruned: joblib has no pruner."""
    tuning = Tuning(max_trials=TRIALS, pruner="None", workers=4)
    algorithms = tuple(Algorithm.model_validate(each) for each in ALGORITHMS)
    return Plan(algorithms, tuning, Metric.ROC_AUC, FOLDS, SEED)


def make(estimator: str, params: dict[str, Any]) -> Any:
    """An estimator, seeded."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from xgboost import XGBClassifier

    classes = {each.__name__: each for each in (HistGradientBoostingClassifier, KNeighborsClassifier, XGBClassifier)}
    made = classes[estimator](**params)
    return made.set_params(random_state=SEED) if "random_state" in made.get_params() else made


@dataclass
class Fitting:
    """Real fits on made rows."""

    rows: Any
    truth: Any

    def fit_fold(self, algorithm: Algorithm, params: dict[str, Any], fold: int) -> FoldFit:
        """Fit and measure."""
        began, cpu = time.monotonic(), time.process_time()
        score = fit_and_score(self.rows, self.truth, str(algorithm.estimator), params, fold)
        spent = time.process_time() - cpu
        return FoldFit(Fold(scores={"roc_auc": score}, seconds=time.monotonic() - began, cpu_seconds=spent))


class Waiting:
    """Fits that take time and no core."""

    def fit_fold(self, algorithm: Algorithm, params: dict[str, Any], fold: int) -> FoldFit:
        """Wait, as long as follows from what is fitted."""
        chance = random.Random(json.dumps([params, fold], sort_keys=True))
        time.sleep(chance.uniform(0.04, 0.16))
        return FoldFit(Fold(scores={"roc_auc": chance.random()}, seconds=0, cpu_seconds=0))


def fit_and_score(rows: Any, truth: Any, estimator: str, params: dict[str, Any], fold: int) -> float:
    """The area under the curve on the rows of the fold."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    held_out = np.arange(len(rows)) % FOLDS == fold
    model = make(estimator, params).fit(rows[~held_out], truth[~held_out])
    return float(roc_auc_score(truth[held_out], model.predict_proba(rows[held_out])[:, 1]))


def fitting() -> Fitting:
    """The objective."""
    from sklearn.datasets import make_classification

    return Fitting(*make_classification(ROWS, 20, n_informative=8, flip_y=0.1, random_state=SEED))


def trial_by_joblib(objective: Fitting, estimator: str, params: dict[str, Any]) -> list[float]:
    """All folds of a trial, as a task of joblib."""
    return [fit_and_score(objective.rows, objective.truth, estimator, params, fold) for fold in range(FOLDS)]


def worker_main(what: str, root: str, number: str) -> None:
    """What a worker process does."""
    end_with_parent()
    objective = fitting() if what == "search" else Waiting()
    run_search(plan(), objective, StoreBoard(root, time.monotonic), Worker(number), Silent())


def search(what: str, workers: int) -> tuple[float, list[Trial]]:
    """Seconds and trials of a search; starting the processes is part of it."""
    objective = fitting() if what == "search" else Waiting()
    program = "import sys; from tests.bench.search.bench_search import worker_main; worker_main(*sys.argv[1:])"
    with tempfile.TemporaryDirectory() as root:
        began = time.monotonic()
        with local_workers(workers, [sys.executable, "-c", program, what, root], print):
            found = run_search(plan(), objective, StoreBoard(root, time.monotonic), Worker(), Silent())
        return time.monotonic() - began, list(found.trials)


def by_joblib(trials: list[Trial], workers: int) -> tuple[float, list[list[float]]]:
    """Seconds and scores of the same fits; starting the processes is part of it."""
    import joblib

    objective = fitting()
    began = time.monotonic()
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        tasks = (joblib.delayed(trial_by_joblib)(objective, trial.estimator, trial.params) for trial in trials)
        scores = joblib.Parallel(n_jobs=workers)(tasks)
    return time.monotonic() - began, scores


def measured(what: str, cores: int, workers: int, trials: str) -> dict[str, Any]:
    """One measurement in a process of its own, which is pinned to its cores before it imports anything.

    `cpu` is the CPU time of it and of its children: what others do on the machine does not change it.
    """
    pin = f"import os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{cores}]); "
    call = f"from tests.bench.search.bench_search import report; report({what!r}, {workers}, {trials!r})"
    command, one_thread = [sys.executable, "-c", pin + call], {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=one_thread) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, out
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return {**answer, "cpu": usage.ru_utime + usage.ru_stime}


def report(what: str, workers: int, trials: str) -> None:
    """Measure, and print one JSON document. The first trials of a plan warm the libraries up."""
    objective = fitting()
    for each in plan().algorithms:
        objective.fit_fold(each, each.params, 0)
    if what != "joblib":
        seconds, found = search(what, workers)
        Path(trials).write_text(json.dumps([trial.model_dump(mode="json") for trial in found]))
        record = json.dumps([without_times(trial) for trial in found])
        answer = {"seconds": seconds, "chosen": choose(plan(), found).number, "record": record}
    else:
        told = [Trial.model_validate(each) for each in json.loads(Path(trials).read_text())]
        seconds, scores = by_joblib(told, workers)
        assert scores == [[fold.scores["roc_auc"] for fold in trial.folds] for trial in told]
        answer = {"seconds": seconds}
    print(json.dumps(answer))


def main() -> None:
    """Measure and print."""
    import joblib
    import optuna
    import sklearn
    import xgboost

    libraries = {"joblib": joblib, "optuna": optuna, "scikit-learn": sklearn, "xgboost": xgboost}
    versions = ", ".join(f"{name} {library.__version__}" for name, library in libraries.items())
    print(f"seed {SEED}; {TRIALS} trials x {FOLDS} folds x {ROWS} rows; Python {platform.python_version()}, {versions}")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        trials = str(Path(folder, "trials.json"))
        for turn in range(int(os.environ.get("BENCH_TURNS", "3"))):
            ours = measured("search", 2, 4, trials)
            theirs = measured("joblib", 2, 4, trials)
            ratios.append(theirs["seconds"] / ours["seconds"])
            print(
                f"turn {turn}: 4 workers on 2 cores {ours['seconds']:.1f} s ({ours['cpu']:.1f} s of CPU), "
                f"joblib {theirs['seconds']:.1f} s ({theirs['cpu']:.1f} s of CPU), {ratios[-1]:.2f} x as fast"
            )
        print(f"median {sorted(ratios)[len(ratios) // 2]:.2f} x as fast as joblib; 0.9 is needed")
        scaled = {workers: measured("search", workers, workers, trials) for workers in (1, 2, 4)}
        apart = {workers: measured("nodes", 64, workers, trials) for workers in (1, 2, 4)}
    for workers, answer in apart.items():
        speed = apart[1]["seconds"] / answer["seconds"]
        print(f"{workers} workers on nodes of their own: {answer['seconds']:.1f} s, {speed:.2f} x one worker")
    for workers, answer in scaled.items():
        speed = scaled[1]["seconds"] / answer["seconds"]
        cpu = f"{answer['cpu']:.1f} s of CPU"
        print(f"{workers} workers on {workers} cores: {answer['seconds']:.1f} s ({cpu}), {speed:.2f} x one worker")
    assert len({answer["record"] for answer in scaled.values()} | {ours["record"]}) == 1, "the records differ"
    print("the records are the same")


if __name__ == "__main__":
    main()
