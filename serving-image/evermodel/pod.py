"""A run in a pod: an order comes in as a file, the outcome goes out as the termination message, on failure too."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from evermodel.errors import RunError, SpecError
from evermodel_api.base import Schema
from evermodel_api.reasons import Reason
from evermodel_api.runs import MonitorOutcome, TrainingOutcome, fit_message

Order = TypeVar("Order", bound=Schema)
Outcome = TypeVar("Outcome", TrainingOutcome, MonitorOutcome)


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
    try:
        outcome = work(_read(order, schema))
    except Exception as error:
        reason = error.reason if isinstance(error, RunError) else Reason.CRASHED
        _write(log, failed(reason, str(error) or type(error).__name__))
        raise
    _write(log, outcome)
    return outcome


def _read(path: Path, schema: type[Order]) -> Order:
    try:
        return schema.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        cause = " ".join(str(error).split())[:300]
        raise SpecError(
            "OrderInvalid",
            f"{path} is no {schema.__name__}: {cause}; it is written by the operator, of the same release",
        ) from error


def _write(log: Path, outcome: TrainingOutcome | MonitorOutcome) -> None:
    try:
        log.write_text(fit_message(outcome), encoding="utf-8")
    except OSError as error:
        raise RunError(
            "Crashed", f"the outcome cannot be written to {log}: {error}; name a file by --termination-log"
        ) from error
