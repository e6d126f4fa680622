"""A rehearsal as a pod, or a person, does it: the log is read, the candidate answers, the report is written."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from evermodel.artifact import layout
from evermodel.artifact.signature import Signature
from evermodel.artifact.store import absolute_uri, write_bytes
from evermodel.errors import DataError
from evermodel.monitoring.columns import CategoryColumn, category_column
from evermodel.monitoring.predictor import Predictor
from evermodel.monitoring.rehearsal.compare import Answered, Comparison, compare
from evermodel.monitoring.rehearsal.logged import Logged, read_newest
from evermodel.monitoring.report import encode
from evermodel.monitoring.subject import read_signature
from evermodel_api.digest import digest_bytes
from evermodel_api.reasons import Reason
from evermodel_api.rehearsal import RehearsalCheck, RehearsalLimits, RehearsalOrder, RehearsalOutcome

EXAMPLES = 10
"""Rows that the report shows."""
_TOLD = 8


def rehearse(order: RehearsalOrder) -> RehearsalOutcome:
    """Let the candidate answer what the live version was asked.

    Raises:
        DataError: `SignatureDiffers` when the candidate cannot be asked what users ask; why an artifact cannot be
            loaded; `PredictionFailed`.
        RunError: `StoreUnavailable`.
    """
    live = read_signature(order.live_artifact.uri, order.live_artifact.digest)
    candidate = read_signature(order.artifact.uri, order.artifact.digest)
    check_signatures(order, live, candidate)
    store = absolute_uri(order.store)
    logged = read_newest(store, order.deployment, order.live, live, order.now, order.limits.rows)
    if logged is None:
        message = f"{order.live} has no logged request to answer again; {order.candidate} was not compared with it"
        return RehearsalOutcome(passed=True, message=message, reason=Reason.NOTHING_TO_REHEARSE)
    _check_features(order, logged, candidate)
    labels, probabilities = Predictor(order.artifact.uri, order.artifact.digest, candidate)(logged.table)
    answered = Answered(labels, probabilities, are_numbers=not candidate.classes)
    comparison = compare(logged.answers, answered, _slices(order.limits, logged), order.limits)
    document = encode(_report(order, logged, answered, comparison))
    uri = layout.rehearsal_file(store, order.deployment, order.candidate)
    write_bytes(uri, document)
    return RehearsalOutcome(
        passed=comparison.passed,
        message=_message(order, comparison, len(answered)),
        reason=None if comparison.passed else Reason.REHEARSAL_REFUSED,
        rows=len(answered),
        checks=sorted(comparison.checks, key=lambda check: check.passed)[:_TOLD],
        report=uri,
        report_digest=digest_bytes(document),
    )


def check_signatures(order: RehearsalOrder, live: Signature, candidate: Signature) -> None:
    """Hold the candidate's inputs and answers against the live ones.

    Raises:
        DataError: `SignatureDiffers`: what users would have to send, or would be told, that they are not used to.
    """
    known = {column.name: column.kind for column in live.columns}
    new = [column.name for column in candidate.columns if column.name not in known]
    other = [column.name for column in candidate.columns if known.get(column.name, column.kind) != column.kind]
    if new or other:
        what = f"needs {', '.join(new)}" if new else f"takes {', '.join(other)} as another kind of column"
        raise _differs(order, f"{what}, which users of {order.live} do not send so")
    if (live.task, live.classes) != (candidate.task, candidate.classes):
        said = ", ".join(map(str, candidate.classes)) or "numbers"
        raise _differs(
            order, f"answers {said}, and {order.live} answers {', '.join(map(str, live.classes)) or 'numbers'}"
        )


def _differs(order: RehearsalOrder, what: str) -> DataError:
    return DataError(
        "SignatureDiffers",
        f"{order.candidate} {what}; serve it under another ModelDeployment, or train with the live signature",
    )


def _check_features(order: RehearsalOrder, logged: Logged, candidate: Signature) -> None:
    if redacted := [name for name in candidate.names if name not in logged.features]:
        raise DataError(
            "RehearsalImpossible",
            f"the log of {order.live} does not hold {', '.join(redacted)}, without which {order.candidate} cannot be "
            "asked; log the columns (spec.log.redact), or do without a rehearsal",
        )


def _slices(limits: RehearsalLimits, logged: Logged) -> Mapping[str, CategoryColumn]:
    if unknown := [name for name in limits.by if name not in logged.features]:
        raise DataError(
            "RehearsalImpossible", f"by: the log has no column {', '.join(unknown)}; name columns that are logged"
        )
    return {name: category_column(logged.table[name]) for name in limits.by}


def _message(order: RehearsalOrder, comparison: Comparison, rows: int) -> str:
    told = [_told(check) for check in comparison.checks if not check.passed or check.slice is None]
    verdict = "may go on" if comparison.passed else "is refused"
    return f"{order.candidate} {verdict}: of {rows} rows that {order.live} had answered, {'; '.join(told)}."


def _told(check: RehearsalCheck) -> str:
    where = f" where {check.slice}" if check.slice else ""
    limit = "" if check.limit is None else f" (at most {check.limit:.4g})"
    if check.name == "shift":
        return f"the answers' distribution moves by {check.value:.4g}{limit}"
    return f"{check.value:.2%} are answered differently{where}{limit}"


def _report(order: RehearsalOrder, logged: Logged, answered: Answered, comparison: Comparison) -> dict[str, Any]:
    return {
        "order": order.dump(),
        "inputs": logged.inputs,
        "rows": len(answered),
        "passed": comparison.passed,
        "checks": [check.dump() for check in comparison.checks],
        "examples": _examples(logged, answered, comparison),
    }


def _examples(logged: Logged, answered: Answered, comparison: Comparison) -> list[dict[str, Any]]:
    """The rows that are answered most differently."""
    order = np.argsort(-comparison.distances, kind="stable")
    places = [int(place) for place in order[:EXAMPLES] if comparison.distances[place] > 0]
    names = sorted(logged.features)
    rows = logged.table.take(pa.array(places, pa.int64())).to_pylist()
    return [
        {
            "id": row[layout.ID],
            "row": row[layout.ROW],
            "features": {name: row[name] for name in names},
            "live": json.loads(row[layout.PREDICTION]),
            "candidate": answered.labels[place],
            "distance": float(comparison.distances[place]),
        }
        for place, row in zip(places, rows, strict=True)
    ]
