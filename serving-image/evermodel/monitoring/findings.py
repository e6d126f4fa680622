"""What one window shows, and what of it matters most. Pure."""

from dataclasses import dataclass, field
from math import isnan

from evermodel.artifact.baseline import Baseline
from evermodel.artifact.signature import Signature
from evermodel.monitoring.decide import Evidence
from evermodel.monitoring.drift import DatasetDrift
from evermodel.monitoring.performance import PerformanceFinding
from evermodel.monitoring.quality import QualityCheck
from evermodel.monitoring.window import Window
from evermodel_api.monitor import Finding, MonitorSpec

_TOP = 5
_NAMES = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged, and by what."""

    spec: MonitorSpec
    version: str
    digest: str
    """Identity of the artifact."""
    signature: Signature
    baseline: Baseline


@dataclass(frozen=True, slots=True)
class Findings:
    """What one window shows; None is what was not asked for, or could not be looked at."""

    drift: DatasetDrift | None = None
    performance: PerformanceFinding | None = None
    quality: list[QualityCheck] = field(default_factory=list)

    @property
    def failed(self) -> list[QualityCheck]:
        """Quality checks that do not hold."""
        return [check for check in self.quality if not check.passed]


def evidence(subject: Subject, findings: Findings) -> Evidence:
    """What the decision needs of it."""
    asked = subject.spec.quality is not None and bool(findings.quality)
    return Evidence(
        version=subject.version,
        drifted=findings.drift.holds if findings.drift else None,
        degraded=findings.performance.holds if findings.performance else None,
        healthy_data=not findings.failed if asked or findings.failed else None,
    )


def top(findings: Findings) -> list[Finding]:
    """The largest findings: broken data first, since it may explain the rest, then performance, then drift."""
    broken = sorted(findings.failed, key=lambda c: c.limit - c.value)
    degraded = findings.performance.degraded if findings.performance else []
    drifted = findings.drift.drifted if findings.drift else []
    found = [
        *(Finding(column=c.column, test=c.check, effect=_short(c.value), limit=_short(c.limit)) for c in broken),
        *(Finding(column=m.metric, test="realised", effect=_short(m.value), limit=_short(m.limit)) for m in degraded),
        *(Finding(column=d.column, test=d.measure, effect=_short(d.effect), limit=_short(d.limit)) for d in drifted),
    ]
    return found[:_TOP]


def describe(subject: Subject, window: Window, findings: Findings) -> str:
    """The findings in one sentence for people."""
    least = subject.spec.window.min_rows
    if window.rows == 0:
        return "No requests were logged in the window, so nothing was judged."
    if window.rows < least:
        return (
            f"The window has {window.rows} rows and at least {least} are needed (window.minRows): nothing was judged."
        )
    parts = [*_quality_part(findings), *_performance_part(subject, window, findings), *_drift_part(findings)]
    if window.absent:
        parts.append(f"{_listed(list(window.absent))} could not be compared, because the log does not hold them")
    sentence = "; ".join(parts) or "nothing was found in the data"
    return f"{sentence[0].upper()}{sentence[1:]}."


def _quality_part(findings: Findings) -> list[str]:
    if not findings.failed:
        return []
    said = [f"{c.check} of {c.column} is {_short(c.value)} of at most {_short(c.limit)}" for c in findings.failed]
    return [f"the data failed {len(said)} of {len(findings.quality)} quality checks ({_listed(said)})"]


def _performance_part(subject: Subject, window: Window, findings: Findings) -> list[str]:
    found, spec = findings.performance, subject.spec.performance
    if found is None or spec is None or not spec.metrics:
        return []
    if not found.enough:
        share, needed = found.rows / window.rows, spec.labels.min_coverage
        return [f"performance was not judged, because {share:.0%} of the rows have a label and {needed:.0%} are needed"]
    unknown = [m.metric for m in found.metrics if isnan(m.value)]
    beyond = [
        f"{m.metric} is {_short(m.value)} and must be at {'most' if m.at_most else 'least'} {_short(m.limit)}"
        for m in found.degraded
    ]
    within = [f"{m.metric} is {_short(m.value)}" for m in found.metrics if not m.degraded and not isnan(m.value)]
    return [*beyond, *within, *([f"{_listed(unknown)} cannot be measured on these labels"] if unknown else [])]


def _drift_part(findings: Findings) -> list[str]:
    found = findings.drift
    if found is None:
        return []
    if not found.judged:
        return ["no column could be compared with the training data"]
    counts = f"{len(found.drifted) or 'none'} of {len(found.judged)} columns drifted"
    if not found.drifted:
        return [counts]
    named = f"{counts} ({_listed([column.column for column in found.drifted])})"
    return [named if found.holds else f"{named}, less than the share of {_short(found.limit)} that counts"]


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMES])
    return f"{shown} and {len(names) - _NAMES} more" if len(names) > _NAMES else shown


def _short(value: float) -> str:
    return f"{value:.4g}"
