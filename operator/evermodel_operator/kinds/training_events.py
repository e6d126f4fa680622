"""What a training says in Events: starts, ends, and the verdicts of a version that is refused. Pure."""

from datetime import datetime

from evermodel_api.reasons import Reason
from evermodel_api.runs import Outcome, TrainingOrder
from evermodel_api.training import Budget, Cause, PastRun
from evermodel_api.version import GateVerdict, VersionSpec
from evermodel_operator.plan import Event

NOTE_BYTES = 1024
"""Kubernetes keeps no more of an Event."""


def asked_by(cause: Cause) -> str:
    """A cause in words."""
    return f"{cause.reason}, asked by {cause.by}"


def waits(cause: Cause, budget: Budget, until: datetime) -> str:
    """A run that the budget holds back, in words."""
    spent = f"the budget of {budget.runs} runs in {budget.per} is spent until {until.isoformat(timespec='seconds')}"
    return f"A run ({asked_by(cause)}) waits: {spent}."


def started_event(order: TrainingOrder, memory: str | None) -> Event:
    """A run was started."""
    champion = f"; it will meet {order.champion.version}" if order.champion else ""
    more = f" with {memory} of memory" if memory else ""
    return Event("Normal", Reason.RUN_STARTED, f"Started run {order.run} ({asked_by(order.cause)}){more}{champion}.")


def ended_event(run: PastRun, versions: list[VersionSpec]) -> Event:
    """A run ended; `versions` are those that ended runs made."""
    if run.outcome == Outcome.FAILED:
        if run.reason == Reason.REPLACED:
            return Event("Normal", Reason.REPLACED, f"Run {run.id} is stopped: {run.message}")
        reason = Reason.DISRUPTED if run.reason == Reason.DISRUPTED else Reason.RUN_FAILED
        return Event("Warning", reason, f"Run {run.id} failed: {run.message}")
    if run.outcome == Outcome.SKIPPED:
        return Event("Normal", Reason.UNCHANGED, f"Run {run.id} made nothing: {run.message}")
    if run.outcome == Outcome.REFUSED:
        gates = next((version.gates for version in versions if str(version.version) == run.id), [])
        head = f"Run {run.id} made {run.version}, which is refused: {run.message}"
        return Event("Warning", Reason.GATE_REFUSED, refusal(head, gates))
    return Event("Normal", Reason.RUN_SUCCEEDED, f"Run {run.id} made {run.version}: {run.message}")


def refusal(head: str, gates: list[GateVerdict]) -> str:
    """The verdict table in at most 1 KiB: a line for each gate, those that do not hold first."""
    lines = [_line(gate) for gate in sorted(gates, key=lambda gate: gate.passed)]
    while lines:
        left = len(gates) - len(lines)
        tail = [f"and {left} more in the version's spec.gates"] if left else []
        text = "\n".join([head, *lines, *tail])
        if len(text.encode()) <= NOTE_BYTES:
            return text
        lines.pop()
    return head


def _line(gate: GateVerdict) -> str:
    where = f" of {gate.slice}" if gate.slice else ""
    champion = f", champion {gate.champion}" if gate.champion is not None else ""
    interval = f", interval {gate.interval}" if gate.interval is not None else ""
    verdict = "holds" if gate.passed else "does not hold"
    return f"{gate.metric}{where} {gate.rule}: {gate.value}, limit {gate.limit}{champion}{interval}: {verdict}"
