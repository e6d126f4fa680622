"""A search whose fits are computed by an existing Dask cluster, through joblib's dask backend.

The leader runs as many lanes (threads) as trials may be computed at a time. Each lane is a worker of the search; its
fits are tasks of joblib: all folds of a trial at once, or one after the other where the pruner may end it. The lanes
only wait, so the record is the one that any other workers make.

The cluster's workers run this image, and best one thread each: a process fits one model at a time, since libraries tell
their warnings to the whole process.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from evermodel.errors import RunError
from evermodel.training.progress import Progress
from evermodel.training.search.board import Board, Failure
from evermodel.training.search.plan import Plan
from evermodel.training.search.trial import FoldFit, Objective
from evermodel.training.search.worker import SearchResult, Worker, conclude, take_part
from evermodel_api.training import Algorithm

PATIENCE = 10.0
"""Seconds in which the scheduler must answer and have a worker, and in which a lost one must come back."""

ATTEMPTS = 4
"""How often fits are sent to a cluster that loses them with the workers that held their data."""

_one_fit = threading.Lock()
"""Held while a process of the cluster fits."""


def run_search_on_dask(
    plan: Plan, objective: Objective, board: Board, worker: Worker, progress: Progress, scheduler: str
) -> SearchResult:
    """As `run_search`, with the fits computed by a Dask cluster.

    Args:
        plan: what is searched.
        objective: fits and measures; sent to the cluster once, so it must be picklable.
        board: where the lanes meet.
        worker: the leader.
        progress: is told as in `run_search`.
        scheduler: address of the cluster's scheduler, such as `tcp://scheduler.dask:8786`.

    Raises:
        RunError: `EngineUnreachable` when the scheduler does not answer, has no worker, or is lost; else as
            `run_search`.
    """
    with _connected(scheduler) as client:
        sent = _Sent(client, objective)
        lanes = _Lanes(plan, board, worker, client, sent, scheduler)
        return conclude(plan, board, worker, progress, lanes.run)


@contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    """A client of a cluster that has a worker."""
    from distributed import Client  # noqa: PLC0415  only where there is a cluster

    try:
        client: Any = Client(scheduler, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise _unreachable(scheduler, error) from error
    try:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, TimeoutError) as error:
            raise _unreachable(scheduler, error) from error
        yield client
    finally:
        client.close(timeout=PATIENCE)


def _unreachable(scheduler: str, error: object) -> RunError:
    return RunError(
        "EngineUnreachable",
        f"run.engine.dask: the cluster of {scheduler} cannot be used: {error}; check that its scheduler is reachable "
        "from here, and that it has workers that run the image of this run",
    )


class _Sent:
    """The objective in the memory of the cluster's workers. It is lost when all workers die that hold it."""

    def __init__(self, client: Any, objective: Objective) -> None:
        self._client, self._objective = client, objective
        self._lock = threading.Lock()
        self.future = self._scatter()

    def _scatter(self) -> Any:
        return self._client.scatter(self._objective, broadcast=True, hash=False)

    def again(self, lost: Any) -> None:
        """Send it anew, once for all lanes that found the same one lost."""
        with self._lock:
            if self.future is lost:
                self.future = self._scatter()


@dataclass
class _Lanes:
    """The lanes of one search."""

    plan: Plan
    board: Board
    worker: Worker
    client: Any
    """`distributed.Client`."""
    sent: _Sent
    scheduler: str
    errors: list[Exception] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Compute all trials, or raise what the first lane met."""
        count = min(self.plan.lag, max(1, sum(self.client.ncores().values())))
        # daemons: a lane that waits for a lost cluster must not keep the process
        lanes = [threading.Thread(target=self._lane, args=(number,), daemon=True) for number in range(count)]
        for lane in lanes:
            lane.start()
        answered = time.monotonic()
        while any(lane.is_alive() for lane in lanes) and not self.errors:
            self.stopped.wait(0.1)
            if self.client.status == "running":
                answered = time.monotonic()
            elif time.monotonic() - answered > PATIENCE:
                self.errors.append(_unreachable(self.scheduler, "it does not answer any more"))
        self.stopped.set()
        if self.errors:
            raise self.errors[0]

    def _lane(self, number: int) -> None:
        import joblib  # noqa: PLC0415  heavy

        lane = replace(self.worker, name=f"{self.worker.name}.{number}", wait=self._wait)
        try:
            with joblib.parallel_config(backend="dask", client=self.client):
                take_part(self.plan, self._fits, self.board, lane)
        except RunError as error:
            self._stop(error)
        except Exception as error:  # noqa: BLE001  a thread's errors are nobody's; they are raised by the leader
            self._stop(self._explained(error))

    def _fits(self, algorithm: Algorithm, params: dict[str, Any], folds: range) -> Iterator[FoldFit]:
        for answer in self._answers(algorithm, params, folds):
            if isinstance(answer, Failure):
                raise answer.as_error()
            yield answer

    def _answers(self, algorithm: Algorithm, params: dict[str, Any], folds: range) -> list[FoldFit | Failure]:
        import joblib  # noqa: PLC0415  heavy
        from distributed.client import FutureCancelledError  # noqa: PLC0415  as above

        for attempt in range(ATTEMPTS):
            self._wait(0)
            sent = self.sent.future
            try:
                tasks = [joblib.delayed(_fit_there)(sent, algorithm, params, fold) for fold in folds]
                return list(joblib.Parallel()(tasks))
            except FutureCancelledError:
                if attempt + 1 == ATTEMPTS:
                    raise
                self.sent.again(sent)
        raise AssertionError(attempt)

    def _wait(self, seconds: float) -> None:
        if self.stopped.wait(seconds):
            raise RunError("EngineUnreachable", "another fit of this search failed; its error is told")

    def _stop(self, error: Exception) -> None:
        self.errors.append(error)
        self.stopped.set()

    def _explained(self, error: Exception) -> Exception:
        """What the cluster says in its own words; what is none of its own stays as it is."""
        own = type(error).__module__.partition(".")[0] in {"distributed", "concurrent", "asyncio"}
        lost = own or isinstance(error, OSError | TimeoutError)
        return _unreachable(self.scheduler, f"{type(error).__name__}: {error}") if lost else error


def _fit_there(objective: Any, algorithm: Algorithm, params: dict[str, Any], fold: int) -> FoldFit | Failure:
    """One fit, in a process of the cluster. Errors with a reason come back as they are: Python cannot pickle them."""
    import joblib  # noqa: PLC0415  heavy
    from distributed import Future  # noqa: PLC0415  as above

    if isinstance(objective, Future):  # joblib keeps to this process where the cluster has one core
        answer: FoldFit | Failure = objective.client.submit(
            _fit_there, objective, algorithm, params, fold, pure=False
        ).result()
        return answer
    # what an estimator does in parallel stays in this process
    with _one_fit, joblib.parallel_config(backend="threading"):
        try:
            fit: FoldFit = objective.fit_fold(algorithm, params, fold)
        except RunError as error:
            return Failure.of(error)
        else:
            return fit
