"""One evaluation: a window is looked at, the findings are weighed, the step is taken. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evermodel.monitoring.decide import Decision, decide
from evermodel.monitoring.drift import check_rules
from evermodel.monitoring.findings import Subject, describe, evidence, top
from evermodel.monitoring.look import look
from evermodel.monitoring.performance import check_estimate, check_limits
from evermodel.monitoring.report import document
from evermodel.monitoring.window import Window
from evermodel_api.monitor import BlockedRetraining, Memory, Situation
from evermodel_api.runs import MonitorOutcome


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The document for people, and the outcome for the operator."""

    document: dict[str, Any]
    outcome: MonitorOutcome


def evaluate(
    subject: Subject, window: Window, memory: Memory, now: datetime, situation: Situation | None = None
) -> Evaluation:
    """Judge one window.

    Args:
        subject: the version, its baseline and the spec.
        window: what is looked at.
        memory: what the evaluation before this one returned.
        now: the moment of this evaluation.
        situation: what the cluster shows; nothing asked for and nothing under way when not given.

    Raises:
        SpecError: `MetricUnsuited`, `MetricNotMeasured`, `EstimateUnsuited`, `StatisticUnsuited` when the spec cannot
            be applied to this model.
    """
    if subject.spec.performance:
        check_limits(subject.spec.performance, subject.signature, subject.baseline)
        check_estimate(subject.spec.performance, subject.signature, subject.baseline)
    if subject.spec.drift:
        check_rules(subject.spec.drift, subject.baseline)
    findings = look(subject, window, now)
    found = evidence(subject, findings)
    decision = decide(subject.spec, memory, found, now, situation)
    outcome = MonitorOutcome(
        message=describe(subject, window, findings),
        window_from=window.start,
        window_to=window.end,
        rows=window.rows,
        label_coverage=round(window.coverage, 4),
        reference_rows=subject.baseline.rows,
        drifted=found.drifted,
        degraded=_any(found.degraded, found.concept, found.estimated),
        healthy_data=found.healthy_data,
        top=top(findings),
        state=decision.state,
        alert=decision.alert,
        retrain=decision.retrain,
        blocked=_blocked(decision),
        next=decision.blocked.until if decision.blocked else None,
        ended=decision.ended,
        decision=decision.reason,
        memory=decision.memory,
    )
    return Evaluation(document(subject, window, findings, decision, now), outcome)


def _any(*findings: bool | None) -> bool | None:
    """Whether any of them holds; None when none could be judged."""
    judged = [finding for finding in findings if finding is not None]
    return any(judged) if judged else None


def _blocked(decision: Decision) -> BlockedRetraining | None:
    found = decision.blocked
    return BlockedRetraining(reason=found.reason, message=found.message) if found else None
