"""A board in the artifact store: files that are written whole, without locks, on any file or object store.

```
<root>/trials/<number>.json    how a trial went
<root>/claims/<number>.json    who is at it; written again and again as long as it is
<root>/end.json                where the search ends early
<root>/failure.json            why it cannot go on
```

A claim that does not change for a while is nobody's. Each worker measures the while by its own clock, so that clocks
of different machines need not agree.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from uuid import uuid4

from pydantic import ValidationError

from evermodel.artifact.store import list_names, read_bytes, write_bytes
from evermodel.errors import DataError
from evermodel.training.ledger import Trial
from evermodel.training.search.board import Failure

STALE_AFTER = 30.0
"""Seconds after which a claim that does not change is nobody's."""


class StoreBoard:
    """For the processes and pods of a run."""

    def __init__(self, root: str, clock: Callable[[], float], stale_after: float = STALE_AFTER) -> None:
        """A board below this URI.

        Args:
            root: URI; it must name the order and the rows, since results of others would be taken for their own.
            clock: seconds from any moment on, never going back.
            stale_after: seconds after which a claim that does not change is nobody's.
        """
        self._root = root.rstrip("/")
        self._clock = clock
        self._stale_after = stale_after
        self._process = f"{os.getpid()}-{uuid4().hex[:8]}"
        self._beats = 0
        self._results: dict[int, Trial] = {}
        self._mine: dict[int, str] = {}
        self._seen: dict[int, tuple[bytes, float]] = {}
        self._lock = threading.Lock()

    def results(self) -> Mapping[int, Trial]:
        """As `Board`.

        Raises:
            RunError: `StoreUnavailable`.
        """
        numbers = _numbers(list_names(f"{self._root}/trials"))
        with self._lock:
            for number in numbers:
                if number not in self._results and (trial := self._read_trial(number)) is not None:
                    self._results[number] = trial
            return dict(self._results)

    def _read_trial(self, number: int) -> Trial | None:
        uri = f"{self._root}/trials/{number}.json"
        try:
            return Trial.model_validate_json(read_bytes(uri))
        except FileNotFoundError:  # a store may list what it does not give yet
            return None
        except ValidationError as error:
            raise DataError(
                "RecordInvalid", f"{uri} is no trial of a search; remove the file and train again"
            ) from error

    def put(self, trial: Trial) -> None:
        """As `Board`.

        Raises:
            RunError: `StoreUnavailable`.
        """
        with self._lock:
            self._mine.pop(trial.number, None)
        if self._read_trial(trial.number) is None:
            write_bytes(f"{self._root}/trials/{trial.number}.json", trial.model_dump_json(by_alias=True).encode())

    def claim(self, number: int, worker: str) -> bool:
        """As `Board`. A worker that begins again takes over what it had claimed before it died.

        Raises:
            RunError: `StoreUnavailable`.
        """
        held = self._held(number)
        if held is not None and json.loads(held)["worker"] != worker and not self._is_stale(number, held):
            return False
        mine = self._document(worker)
        uri = f"{self._root}/claims/{number}.json"
        write_bytes(uri, mine)
        if self._held(number) != mine:  # another one wrote at the same moment, and after this one
            return False
        with self._lock:
            self._mine[number] = worker
        return True

    def _held(self, number: int) -> bytes | None:
        try:
            return read_bytes(f"{self._root}/claims/{number}.json")
        except FileNotFoundError:
            return None

    def _is_stale(self, number: int, held: bytes) -> bool:
        content, since = self._seen.get(number, (b"", 0.0))
        if content != held:
            self._seen[number] = (held, self._clock())
            return False
        return self._clock() - since > self._stale_after

    def _document(self, worker: str) -> bytes:
        return json.dumps({"worker": worker, "process": self._process, "beat": self._beats}).encode()

    def beat(self) -> None:
        """As `Board`: called from a thread beside the fits.

        Raises:
            RunError: `StoreUnavailable`.
        """
        with self._lock:
            self._beats += 1
            for number, worker in self._mine.items():
                write_bytes(f"{self._root}/claims/{number}.json", self._document(worker))

    def begun(self) -> int:
        """As `Board`."""
        names = [*list_names(f"{self._root}/claims"), *list_names(f"{self._root}/trials")]
        return max(_numbers(names), default=-1) + 1

    def end(self) -> int | None:
        """As `Board`."""
        try:
            return int(json.loads(read_bytes(f"{self._root}/end.json"))["trials"])
        except FileNotFoundError:
            return None

    def put_end(self, number: int) -> None:
        """As `Board`."""
        write_bytes(f"{self._root}/end.json", json.dumps({"trials": number}).encode())

    def failure(self) -> Failure | None:
        """As `Board`."""
        try:
            return Failure.model_validate_json(read_bytes(f"{self._root}/failure.json"))
        except FileNotFoundError:
            return None

    def put_failure(self, failure: Failure) -> None:
        """As `Board`."""
        write_bytes(f"{self._root}/failure.json", failure.model_dump_json(by_alias=True).encode())


def _numbers(names: list[str]) -> list[int]:
    return [int(name.removesuffix(".json")) for name in names if name.removesuffix(".json").isdecimal()]
