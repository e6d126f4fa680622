"""Where the workers of a search meet: results, claims, how far the search goes, and why it cannot go on.

Workers share nothing else. A claim only saves work: when two workers compute the same trial, they find the same.
"""

import threading
from collections.abc import Mapping
from typing import Literal, Protocol, Self

from evermodel.errors import DataError, RunError, SpecError
from evermodel.training.ledger import Trial
from evermodel_api.base import Schema
from evermodel_api.reasons import Reason


class Failure(Schema):
    """An error with a reason, as a document: why a worker cannot go on."""

    kind: Literal["data", "spec", "run"]
    """What is wrong: data and specs are wrong for all workers, a run may be better off elsewhere."""
    reason: Reason
    """A documented word."""
    message: str
    """One sentence for people."""

    @classmethod
    def of(cls, error: RunError) -> Self:
        """The document of an error."""
        kind = "data" if isinstance(error, DataError) else "spec" if isinstance(error, SpecError) else "run"
        return cls.model_validate({"kind": kind, "reason": error.reason, "message": str(error)})

    def as_error(self) -> RunError:
        """The error that was met."""
        return {"data": DataError, "spec": SpecError, "run": RunError}[self.kind](self.reason, self.message)


class Board(Protocol):
    """Where workers meet."""

    def results(self) -> Mapping[int, Trial]:
        """Trials that ended, by number."""

    def put(self, trial: Trial) -> None:
        """A trial ended. The first result stays; another one can differ from it in its times only."""

    def claim(self, number: int, worker: str) -> bool:
        """Whether this worker may begin the trial: nobody else seems to be at it."""

    def beat(self) -> None:
        """Say that the claims of this process are still meant."""

    def begun(self) -> int:
        """One more than the largest number among the trials that were begun."""

    def end(self) -> int | None:
        """The number at which the search ends early; None when it ends as planned."""

    def put_end(self, number: int) -> None:
        """No trial from this number on is begun any more."""

    def failure(self) -> Failure | None:
        """Why no worker needs to go on; None when they do."""

    def put_failure(self, failure: Failure) -> None:
        """Tell all workers that there is no use in going on."""


class MemoryBoard:
    """For the threads of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[int, Trial] = {}
        self._claims: dict[int, str] = {}
        self._end: int | None = None
        self._failure: Failure | None = None

    def results(self) -> Mapping[int, Trial]:
        """As `Board`."""
        with self._lock:
            return dict(self._results)

    def put(self, trial: Trial) -> None:
        """As `Board`."""
        with self._lock:
            self._results.setdefault(trial.number, trial)

    def claim(self, number: int, worker: str) -> bool:
        """As `Board`."""
        with self._lock:
            return self._claims.setdefault(number, worker) == worker

    def beat(self) -> None:
        """A thread dies with its process, so nothing has to be said."""

    def begun(self) -> int:
        """As `Board`."""
        with self._lock:
            return max((*self._claims, *self._results), default=-1) + 1

    def end(self) -> int | None:
        """As `Board`."""
        return self._end

    def put_end(self, number: int) -> None:
        """As `Board`."""
        self._end = number

    def failure(self) -> Failure | None:
        """As `Board`."""
        return self._failure

    def put_failure(self, failure: Failure) -> None:
        """As `Board`."""
        self._failure = failure
