"""How the search of a run is computed: in this process, by processes beside it, by other pods, or by a Dask cluster."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evermodel.data.snapshot import read_snapshot
from evermodel.training.develop import Objective
from evermodel.training.documents import Searched
from evermodel.training.material import make_material
from evermodel.training.search.board import Board, MemoryBoard
from evermodel.training.search.local import local_workers
from evermodel.training.search.plan import Plan, plan_search
from evermodel.training.search.work import Work, open_board, run_pod_worker, run_worker, write_work
from evermodel.training.search.worker import SearchResult, Worker, run_search
from evermodel_api.base import parse_duration
from evermodel_api.runs import TrainingOrder

if TYPE_CHECKING:
    from evermodel.training.run import Run


@dataclass(frozen=True)
class Workers:
    """Who takes part in the search beside this process."""

    processes: int = 0
    """Processes that are started on this machine."""
    pods: int = 0
    """Pods of the same Job, which find the work in the store by themselves."""


ALONE = Workers()


def on_this_machine(order: TrainingOrder) -> Workers:
    """Workers are processes where there is no cluster."""
    return Workers(processes=_workers(order) - 1)


def in_cluster(order: TrainingOrder) -> Workers:
    """Workers are the other pods of the Job."""
    return Workers(pods=_workers(order) - 1)


def _workers(order: TrainingOrder) -> int:
    return order.spec.tuning.workers if order.spec.tuning is not None else 1


def search_trials(run: "Run", objective: Objective) -> Searched:
    """Search, and say what was found.

    Raises:
        SpecError, DataError: as the objective; `FitFailed` when nothing could be fitted.
        RunError: `StoreUnavailable`, `EngineUnreachable`.
    """
    order = run.order
    plan = plan_search(order.spec)
    found = _search(run, objective, plan)
    return Searched(found.trials, found.chosen.number, found.search)


def _search(run: "Run", objective: Objective, plan: Plan) -> SearchResult:
    leader = Worker("0", deadline=_deadline(run.order))
    if run.order.spec.run.engine is not None:
        from evermodel.training.dask import run_search_on_dask  # noqa: PLC0415  slow to import

        return run_search_on_dask(
            plan, objective, _board(run, objective), leader, run.progress, run.order.spec.run.engine.dask.scheduler
        )
    if run.workers == ALONE:
        return run_search(plan, objective, _board(run, objective), leader, run.progress)
    work = _work(run, objective)
    uri = write_work(work)
    command = [sys.executable, "-m", "evermodel", "train", "--work", uri, "--worker"]
    with local_workers(run.workers.processes + 1, command, run.progress.say):
        return run_search(plan, objective, open_board(work), leader, run.progress)


def _deadline(order: TrainingOrder) -> float | None:
    tuning = order.spec.tuning
    if tuning is None or tuning.timeout is None:
        return None
    return time.monotonic() + parse_duration(tuning.timeout).total_seconds()


def _board(run: "Run", objective: Objective) -> Board:
    """In the store, so that a run that is begun again goes on; in memory where its rows are not kept."""
    return MemoryBoard() if run.snapshot is None else open_board(_work(run, objective))


def _work(run: "Run", objective: Objective) -> Work:
    assert run.snapshot is not None  # noqa: S101  rows are always kept for workers
    return Work(order=run.order, data=objective.material.dataset.digest, snapshot=run.snapshot)


def work_alongside(uri: str, index: int) -> None:
    """What a process does that the leader has started.

    Raises:
        RunError: as `run_worker`.
    """
    run_worker(uri, index, _objective)


def work_in_pod(order: TrainingOrder, index: int) -> None:
    """What a pod does that is not the leader.

    Raises:
        RunError: as `run_pod_worker`.
    """
    run_pod_worker(order, index, _objective)


def _objective(work: Work) -> Objective:
    order = work.order
    digest = work.snapshot.rsplit("/", 1)[-1].removesuffix(".parquet")
    material = make_material(read_snapshot(order.store, f"sha256:{digest}"), order.spec)
    exchange = None if order.exchange is None else Path(order.exchange)
    return Objective(order.spec, material, material.folds(order.spec), exchange)
