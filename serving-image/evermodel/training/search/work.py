"""What the leader of a search leaves in the store for the other workers, and how they take part."""

import json
import time
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from evermodel.artifact.layout import WORK, run_file
from evermodel.artifact.store import absolute_uri, read_bytes, write_bytes
from evermodel.errors import RunError
from evermodel.training.progress import Silent
from evermodel.training.search.local import end_with_parent
from evermodel.training.search.plan import plan_search
from evermodel.training.search.store_board import StoreBoard
from evermodel.training.search.trial import Objective
from evermodel.training.search.worker import Worker, run_search
from evermodel_api.base import Digest, Schema
from evermodel_api.digest import digest_bytes
from evermodel_api.runs import TrainingOrder

LOOK_EVERY = 2.0
"""Seconds between two looks of a pod for its work: the leader collects first."""


class Work(Schema):
    """What a worker has to know."""

    order: TrainingOrder
    """The order of the run."""
    data: Digest
    """sha256 of the rows after cleaning."""
    snapshot: str
    """URI of the rows, as the leader read them."""

    @property
    def identity(self) -> str:
        """16 hexadecimal digits that follow from the order and the rows: a run that reads others searches anew."""
        document = [self.order.dump(), self.data]
        return digest_bytes(json.dumps(document, sort_keys=True).encode()).removeprefix("sha256:")[:16]

    @property
    def board(self) -> str:
        """URI of the directory in which the workers meet."""
        return _beside_record(self.order, f"search/{self.identity}")


def write_work(work: Work) -> str:
    """Leave the work in the store; its URI.

    Raises:
        RunError: `StoreUnavailable`.
    """
    uri = work_uri(work.order)
    write_bytes(uri, work.model_dump_json(by_alias=True).encode())
    return uri


def work_uri(order: TrainingOrder) -> str:
    """Where the work of a run lies."""
    return _beside_record(order, WORK)


def _beside_record(order: TrainingOrder, name: str) -> str:
    return run_file(absolute_uri(order.store), order.training, order.run, name)


def read_work(uri: str) -> Work:
    """The work at this URI.

    Raises:
        FileNotFoundError: when it is not there.
        RunError: `StoreUnavailable`; `OrderInvalid` when the file is no work.
    """
    try:
        return Work.model_validate_json(read_bytes(absolute_uri(uri)))
    except ValidationError as error:
        raise RunError(
            "OrderInvalid", f"{uri} is no work of this release: {str(error).splitlines()[0]}; start the run again"
        ) from error


def open_board(work: Work, clock: Callable[[], float] = time.monotonic) -> StoreBoard:
    """Where the workers of a run meet."""
    return StoreBoard(work.board, clock)


def run_worker(work_uri: str, index: int, objective_factory: Callable[[Work], Objective]) -> Work:
    """Take part in the search of a run until it is over; the work that was done.

    Args:
        work_uri: of what the leader left.
        index: number of this worker; the leader is 0.
        objective_factory: makes what fits and measures, from the snapshot.

    Raises:
        RunError: as `run_search`, and what the factory raises.
    """
    end_with_parent()
    work = read_work(work_uri)
    run_search(plan_search(work.order.spec), objective_factory(work), open_board(work), Worker(str(index)), Silent())
    return work


def run_pod_worker(
    order: TrainingOrder,
    index: int,
    objective_factory: Callable[[Work], Objective],
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Take part as a pod of an Indexed Job, as soon as its leader has left the work.

    A leader that was started again may have read other rows: then there is other work, and it is done too. A run that
    ends without a search leaves none; its Job ends with its leader, and this pod with it.

    Raises:
        RunError: as `run_worker`.
    """
    uri = work_uri(order)
    done: Any = None
    while True:
        work = _work_of(uri, order)
        if work is None:
            wait(LOOK_EVERY)
        elif work == done:
            return
        else:
            done = run_worker(uri, index, objective_factory)


def _work_of(uri: str, order: TrainingOrder) -> Work | None:
    """The work at this URI; None when there is none, or that of a former training of the same name."""
    try:
        work = read_work(uri)
    except FileNotFoundError:
        return None
    return work if work.order == order else None
