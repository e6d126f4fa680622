"""Looking at one window: everything that the spec asks for. Pure but for reading the window's columns."""

from datetime import datetime

from evermodel.monitoring.drift import judge
from evermodel.monitoring.findings import Findings, Subject
from evermodel.monitoring.performance import compare_answers
from evermodel.monitoring.quality import check_age
from evermodel.monitoring.scan import scan
from evermodel.monitoring.window import Window


def look(subject: Subject, window: Window, now: datetime) -> Findings:
    """Look at a window; one with fewer rows than `window.minRows` shows its age and nothing else."""
    spec, baseline = subject.spec, subject.baseline
    age = check_age(spec.quality, window.newest, window.start, now) if window.start else []
    if window.rows == 0 or window.rows < spec.window.min_rows:
        return Findings(quality=age)
    scanned = scan(spec, baseline, window)
    return Findings(
        drift=judge(spec.drift, baseline, scanned.columns) if spec.drift else None,
        performance=compare_answers(spec.performance, subject.signature, baseline, window)
        if spec.performance
        else None,
        quality=[*scanned.quality, *age],
    )
