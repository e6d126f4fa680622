"""What one window shows, and what of it matters most. Pure."""

from dataclasses import dataclass, field
from math import isnan

from evermodel.artifact.baseline import Baseline
from evermodel.artifact.signature import Signature
from evermodel.monitoring.concept import ConceptFinding
from evermodel.monitoring.drift import DatasetDrift
from evermodel.monitoring.evidence import Evidence
from evermodel.monitoring.performance import MetricFinding, PerformanceFinding
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
    concept: ConceptFinding | None = None
    estimates: list[MetricFinding] = field(default_factory=list)
    """Metrics as they are expected to be, as far as can be told without labels."""
    quality: list[QualityCheck] = field(default_factory=list)

    @property
    def estimated(self) -> bool | None:
        """Whether the estimates say that the answers degraded; None where labels do, or nothing was estimated."""
        realised = self.performance is not None and self.performance.holds is not None
        return None if realised or not self.estimates else any(metric.degraded for metric in self.estimates)

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
        concept=findings.concept.drift if findings.concept and findings.concept.rows else None,
        estimated=findings.estimated,
        estimate_counts=_estimate_counts(subject.spec),
    )


def _estimate_counts(spec: MonitorSpec) -> bool:
    asked = spec.performance.estimate if spec.performance else None
    return asked is not None and asked.allow_retrain


def top(findings: Findings) -> list[Finding]:
    """The largest findings: broken data first, since it may explain the rest, then performance, then drift."""
    broken = sorted(findings.failed, key=lambda c: c.limit - c.value)
    degraded = findings.performance.degraded if findings.performance else []
    expected = [m for m in findings.estimates if m.degraded] if findings.estimated else []
    drifted = findings.drift.drifted if findings.drift else []
    found = [
        *(Finding(column=c.column, test=c.check, effect=_short(c.value), limit=_short(c.limit)) for c in broken),
        *(Finding(column=m.metric, test="realised", effect=_short(m.value), limit=_short(m.limit)) for m in degraded),
        *(Finding(column=m.metric, test="estimated", effect=_short(m.value), limit=_short(m.limit)) for m in expected),
        *_concept_finding(findings),
        *(Finding(column=d.column, test=d.measure, effect=_short(d.effect), limit=_short(d.limit)) for d in drifted),
    ]
    return found[:_TOP]


def _concept_finding(findings: Findings) -> list[Finding]:
    found = findings.concept
    if found is None or found.before is None or found.after is None:
        return []
    return [Finding(column="errors", test=found.detector, effect=_short(found.after), limit=_short(found.before))]


def describe(subject: Subject, window: Window, findings: Findings) -> str:
    """The findings in one sentence for people."""
    least = subject.spec.window.min_rows
    if window.rows == 0:
        return "No requests were logged in the window, so nothing was judged."
    if window.rows < least:
        return (
            f"The window has {window.rows} rows and at least {least} are needed (window.minRows): nothing was judged."
        )
    parts = [
        *_quality_part(findings),
        *_performance_part(subject, window, findings),
        *_concept_part(findings),
        *_drift_part(findings),
    ]
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
        said = f"performance was not judged, because {share:.0%} of the rows have a label and {needed:.0%} are needed"
        return [said, *_estimate_part(findings)]
    unknown = [m.metric for m in found.metrics if isnan(m.value)]
    beyond = [
        f"{m.metric} is {_short(m.value)} and must be at {'most' if m.at_most else 'least'} {_short(m.limit)}"
        for m in found.degraded
    ]
    within = [f"{m.metric} is {_short(m.value)}" for m in found.metrics if not m.degraded and not isnan(m.value)]
    return [*beyond, *within, *([f"{_listed(unknown)} cannot be measured on these labels"] if unknown else [])]


def _estimate_part(findings: Findings) -> list[str]:
    return [
        f"without labels {m.metric} is estimated at {_short(m.value)} with a band of {_short(m.margin)}"
        + (f" and must be at {'most' if m.at_most else 'least'} {_short(m.limit)}" if m.degraded else "")
        for m in findings.estimates
    ]


def _concept_part(findings: Findings) -> list[str]:
    found = findings.concept
    if found is None or found.before is None or found.after is None:
        return []
    since = f"{found.since:%Y-%m-%dT%H:%M:%SZ}" if found.since else f"labelled row {found.row}"
    return [f"the mean error rose from {_short(found.before)} to {_short(found.after)} at {since}"]


def _drift_part(findings: Findings) -> list[str]:
    found = findings.drift
    if found is None:
        return []
    if found.rows is not None and found.rows.drifted:
        whole = f"whole rows differ ({found.rows.test} {_short(found.rows.found.value)})"
        return [whole, *_columns_part(found)]
    return _columns_part(found)


def _columns_part(found: DatasetDrift) -> list[str]:
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
