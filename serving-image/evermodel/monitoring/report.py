"""The whole document of one evaluation: what was looked at, what was found, what was decided, and from which bytes."""

import json
from datetime import datetime
from math import isfinite
from typing import Any

from evermodel.monitoring.decide import Decision
from evermodel.monitoring.distributions import distributions
from evermodel.monitoring.drift import ColumnDrift
from evermodel.monitoring.findings import Findings, Subject, describe, top
from evermodel.monitoring.performance import MetricFinding
from evermodel.monitoring.window import Window
from evermodel_api.digest import digest_bytes

PICTURES = 12
"""Columns whose distributions are kept in the report."""


def document(subject: Subject, window: Window, findings: Findings, decision: Decision, now: datetime) -> dict[str, Any]:
    """The document, ready for JSON. It depends on its inputs and on nothing else, so the same inputs give the same."""
    return {
        "state": decision.state.value,
        "message": describe(subject, window, findings),
        "at": _moment(now),
        "version": subject.version,
        "window": _window(window),
        "reference": {"version": subject.version, "digest": subject.digest, "rows": subject.baseline.rows},
        "columns": _columns(findings),
        "dataset": _dataset(findings),
        "distributions": [each.dump() for each in distributions(subject.baseline, window.columns, _shown(findings))],
        "performance": _performance(findings),
        "quality": [
            {"check": c.check, "column": c.column, "value": c.value, "limit": c.limit, "passed": c.passed}
            for c in findings.quality
        ],
        "prediction": _prediction(findings),
        "multivariate": _rows(findings),
        "concept": _concept(findings),
        "estimates": [_estimate(m) for m in findings.estimates],
        "top": [finding.dump() for finding in top(findings)],
        "decision": {
            "alert": decision.alert,
            "retrain": decision.retrain is not None,
            "cause": decision.retrain.value if decision.retrain else None,
            "blocked": decision.blocked.message if decision.blocked else None,
            "ended": decision.ended.value if decision.ended else None,
            "reason": decision.reason,
        },
        "memory": decision.memory.dump(),
        "inputs": {**window.inputs, "spec": digest_bytes(encode(subject.spec.dump())), "artifact": subject.digest},
    }


def _shown(findings: Findings) -> list[str]:
    """The columns whose pictures are kept: the largest effects first."""
    judged = findings.drift.judged if findings.drift else []
    ordered = sorted(judged, key=lambda c: (not c.drifted, -c.effect / max(c.limit, 1e-9), c.column))
    return [column.column for column in ordered[:PICTURES]]


def encode(content: dict[str, Any]) -> bytes:
    """Canonical bytes: sorted keys, no spaces, one newline at the end.

    Raises:
        ValueError: when a number is not finite, which JSON does not know.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _window(window: Window) -> dict[str, Any]:
    return {
        "rows": window.rows,
        "seen": window.seen,
        "labelCoverage": window.coverage,
        "absent": list(window.absent),
        "from": _moment(window.start) if window.start else None,
        "to": _moment(window.end) if window.end else None,
    }


def _columns(findings: Findings) -> list[dict[str, Any]]:
    return [_column(c) for c in (findings.drift.columns if findings.drift else [])]


def _prediction(findings: Findings) -> dict[str, Any] | None:
    found = findings.drift.prediction if findings.drift else None
    return _column(found) if found else None


def _rows(findings: Findings) -> dict[str, Any] | None:
    found = findings.drift.rows if findings.drift else None
    if found is None:
        return None
    value, p = _number(found.found.value), _number(found.found.p)
    return {"test": found.test, "value": value, "p": p, "limit": found.limit, "drifted": found.drifted}


def _concept(findings: Findings) -> dict[str, Any]:
    found = findings.concept
    if found is None:
        return {"detector": None, "drift": False}
    return {
        "detector": found.detector,
        "drift": found.drift,
        "rows": found.rows,
        "before": found.before,
        "after": found.after,
        "since": _moment(found.since) if found.since else None,
        "row": found.row,
    }


def _estimate(metric: MetricFinding) -> dict[str, Any]:
    return {
        "metric": metric.metric,
        "value": _number(metric.value),
        "low": _number(metric.value - metric.margin),
        "high": _number(metric.value + metric.margin),
        "reference": _number(metric.reference),
        "limit": _number(metric.limit),
        "degraded": metric.degraded,
    }


def _column(c: ColumnDrift) -> dict[str, Any]:
    return {
        "column": c.column,
        "test": c.test,
        "statistic": _number(c.found.value),
        "p": _number(c.found.p),
        "testLimit": _number(c.found.limit),
        "pCorrected": _number(c.p_corrected),
        "measure": c.measure,
        "effect": _number(c.effect),
        "limit": c.limit,
        "rows": c.found.n_cur,
        "drifted": c.drifted,
    }


def _dataset(findings: Findings) -> dict[str, Any] | None:
    found = findings.drift
    if found is None:
        return None
    return {"share": found.share, "limit": found.limit, "judged": len(found.judged), "drifted": found.holds}


def _performance(findings: Findings) -> list[dict[str, Any]]:
    found = findings.performance
    return [
        {
            "metric": m.metric,
            "value": _number(m.value),
            "reference": _number(m.reference),
            "limit": _number(m.limit),
            "margin": _number(m.margin),
            "rows": found.rows,
            "judged": found.enough and isfinite(m.value),
            "degraded": m.degraded,
        }
        for m in (found.metrics if found else [])
        if found is not None
    ]


def _number(value: float) -> float | None:
    """JSON knows no NaN: what could not be measured is null."""
    return float(value) if isfinite(value) else None


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
