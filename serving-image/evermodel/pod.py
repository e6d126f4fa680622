"""A run in a pod: an order comes in as a file, the outcome goes out as the termination message, on failure too."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from evermodel.errors import RunError, SpecError
from evermodel_api.base import Schema
from evermodel_api.reasons import Reason
from evermodel_api.rehearsal import RehearsalOutcome
from evermodel_api.runs import MonitorOutcome, ReproduceOutcome, TrainingOutcome, fit_message

Order = TypeVar("Order", bound=Schema)
Outcome = TypeVar("Outcome", TrainingOutcome, MonitorOutcome, ReproduceOutcome, RehearsalOutcome)


def obey(
    order: Path,
    schema: type[Order],
    log: Path,
    work: Callable[[Order], Outcome],
    failed: Callable[[Reason, str], Outcome],
) -> Outcome:
    """Read the order, do the work and write its outcome to the termination log.

    Args:
        order: file with the order, written by the operator.
        schema: what it is an order of.
        log: where Kubernetes reads the termination message.
        work: does what the order says.
        failed: the outcome that tells of a failure, from its reason and its sentence.

    Raises:
        RunError: `OrderInvalid`, or what `work` raises; it was written to the log before.
    """
    if os.getpid() == 1:
        end_on_sigterm()
    try:
        outcome = work(_read(order, schema))
    except Exception as error:
        reason = error.reason if isinstance(error, RunError) else Reason.CRASHED
        _write(log, failed(reason, str(error) or type(error).__name__))
        raise
    _write(log, outcome)
    return outcome


def end_on_sigterm() -> None:
    """End at once, with code 143, when Kubernetes deletes or evicts the pod.

    The first process of a container has no default handlers: without one it works on until it is killed, and a killed
    pod looks like one that used too much memory. A handler of Python's own would wait for a fit in C to come back, so
    a thread waits for the signal's number instead. What is half done is done again: runs are idempotent.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def wait() -> None:
        while os.read(reader, 1) != bytes([signal.SIGTERM]):
            pass
        os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=wait, name="evermodel-sigterm", daemon=True).start()


def _read(path: Path, schema: type[Order]) -> Order:
    try:
        return schema.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        cause = " ".join(str(error).split())[:300]
        raise SpecError(
            "OrderInvalid",
            f"{path} is no {schema.__name__}: {cause}; it is written by the operator, of the same release",
        ) from error


def _write(log: Path, outcome: Schema) -> None:
    try:
        log.write_text(fit_message(outcome), encoding="utf-8")
    except OSError as error:
        raise RunError(
            "Crashed", f"the outcome cannot be written to {log}: {error}; name a file by --termination-log"
        ) from error
