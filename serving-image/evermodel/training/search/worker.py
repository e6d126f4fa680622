"""The search itself: each worker takes the lowest trial that may begin and that nobody is at, until none is left."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from evermodel.errors import DataError, RunError, SpecError
from evermodel.training.ledger import Search, Trial
from evermodel.training.progress import Progress
from evermodel.training.search.board import Board, Failure
from evermodel.training.search.plan import Plan, planned_trials
from evermodel.training.search.propose import Proposer
from evermodel.training.search.scores import choose
from evermodel.training.search.trial import Fits, Objective, compute_trial, one_by_one

TICK = 0.5
"""Seconds between two looks at the deadline and at what others did."""
BEAT_EVERY = 5.0
"""Seconds between two signs of life."""
WAITS = (0.01, 1.0)
"""Seconds between two looks for a trial, the shortest and the longest."""


@dataclass(frozen=True)
class Worker:
    """Who takes part."""

    name: str = "0"
    """Told in the ledger. No two workers of a search may have the same."""
    deadline: float | None = None
    """When, by the clock, no trial may begin any more. The leader's counts, which has one for all."""
    clock: Callable[[], float] = time.monotonic
    """Seconds from any moment on."""
    wait: Callable[[float], None] = time.sleep
    """Waits so many seconds."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found."""

    trials: tuple[Trial, ...]
    """By number."""
    chosen: Trial
    """The best one."""
    search: Search
    """How it went, for the ledger."""


def run_search(plan: Plan, objective: Objective, board: Board, worker: Worker, progress: Progress) -> SearchResult:
    """Take part in a search until every trial of it has ended, whoever computes them.

    The leader calls it for the result, all others for the work. The deadline is the leader's to see: it then writes on
    the board at which number the search ends, which is after the last trial that was begun, so that all agree.

    Args:
        plan: what is searched; the same for all workers.
        objective: fits and measures.
        board: where the workers meet.
        worker: this one.
        progress: is told each time that trials ended; from a thread of its own as long as a fit goes on.

    Raises:
        SpecError: `FitFailed` when no trial could be fitted; whatever else the objective says is wrong with the spec,
            whichever worker met it.
        DataError: what the objective says is wrong with the data.
        RunError: `StoreUnavailable`, or what the objective raises that is no fault of the user.
    """
    return conclude(plan, board, worker, progress, lambda: take_part(plan, one_by_one(objective), board, worker))


def conclude(plan: Plan, board: Board, worker: Worker, progress: Progress, work: Callable[[], None]) -> SearchResult:
    """Do the work of a search, watch over it, and say what it found."""
    began = worker.clock()
    telling = _Telling(plan, board, worker, progress)
    with _watch(plan, board, worker, telling):
        work()
    telling.tell()
    last = _last(plan, board)
    trials = tuple(trial for number, trial in sorted(board.results().items()) if number < last)
    search = Search(
        sampler=plan.tuning.sampler if plan.searched else "None",
        objective=plan.objective,
        trials=planned_trials(plan),
        workers=plan.tuning.workers,
        stopped_by="Done" if last == planned_trials(plan) else "Timeout",
        seconds=round(worker.clock() - began, 3),
    )
    return SearchResult(trials, choose(plan, trials), search)


def take_part(plan: Plan, fits: Fits, board: Board, worker: Worker) -> None:
    """Compute trials as long as there are any.

    Raises:
        RunError: as `run_search`.
    """
    proposer = Proposer(plan)
    shortest, longest = WAITS
    pause = shortest
    while True:
        if (failure := board.failure()) is not None:
            raise failure.as_error()
        _end_in_time(plan, board, worker)
        known, last = board.results(), _last(plan, board)
        if all(number in known for number in range(last)):
            return
        number = next((n for n in startable(plan, known, last) if board.claim(n, worker.name)), None)
        if number is None:
            worker.wait(pause)
            pause = min(2 * pause, longest)
            continue
        pause = shortest
        with _told_to_all(board):
            trial = compute_trial(plan, number, proposer.propose(number, known), known, fits)
        board.put(trial.model_copy(update={"worker": worker.name}))


def startable(plan: Plan, known: Mapping[int, Trial], last: int) -> list[int]:
    """Numbers below `last` of the trials that have not ended and whose proposals can be made: 0..n-lag have ended."""
    first = next((number for number in range(last) if number not in known), last)
    return [number for number in range(first, min(first + plan.lag, last)) if number not in known]


def _last(plan: Plan, board: Board) -> int:
    """One more than the number of the last trial."""
    planned, end = planned_trials(plan), board.end()
    return planned if end is None else min(end, planned)


def _end_in_time(plan: Plan, board: Board, worker: Worker) -> None:
    if worker.deadline is not None and worker.clock() >= worker.deadline and board.end() is None:
        board.put_end(min(max(board.begun(), 1), planned_trials(plan)))


@contextmanager
def _told_to_all(board: Board) -> Iterator[None]:
    """What is wrong for one worker is wrong for all."""
    try:
        yield
    except (DataError, SpecError) as error:
        board.put_failure(Failure.of(error))
        raise


class _Telling:
    """Tells how far the search is, whenever something ended."""

    def __init__(self, plan: Plan, board: Board, worker: Worker, progress: Progress) -> None:
        self._plan, self._board, self._clock, self._progress = plan, board, worker.clock, progress
        self._began = worker.clock()
        self._at_first: int | None = None
        self._told: tuple[int, int] | None = None

    def tell(self) -> None:
        known, last = self._board.results(), _last(self._plan, self._board)
        ended = [trial for number, trial in known.items() if number < last]
        if self._at_first is None:
            self._at_first = len(ended)
        if self._told != (len(ended), last):
            self._told = (len(ended), last)
            self._progress.trials(len(ended), last, self._best(ended), self._seconds_left(len(ended), last))

    def _best(self, ended: list[Trial]) -> str | None:
        metric = self._plan.objective
        if not any(trial.state == "Complete" for trial in ended):
            return None
        score = choose(self._plan, ended).scores.get(metric)
        return None if score is None else f"{metric} {score:.4f}"

    def _seconds_left(self, ended: int, last: int) -> float | None:
        computed = ended - (self._at_first or 0)
        return (last - ended) * (self._clock() - self._began) / computed if computed else None


@contextmanager
def _watch(plan: Plan, board: Board, worker: Worker, telling: _Telling) -> Iterator[None]:
    """While fits go on, give signs of life, keep the deadline and tell what others did, from a thread beside them."""
    over = threading.Event()

    def look() -> None:
        last_beat = time.monotonic()
        while not over.wait(TICK):
            try:
                _end_in_time(plan, board, worker)
                telling.tell()
                if time.monotonic() - last_beat >= BEAT_EVERY:
                    last_beat = time.monotonic()
                    board.beat()
            except RunError:  # the store is away for a moment: the worker itself meets it, or it comes back
                continue

    thread = threading.Thread(target=look, name="search-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
