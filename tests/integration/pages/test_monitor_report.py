"""The report of an evaluation in Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evermodel.monitoring.report_page import report_page
from tests.integration.pages.browser import PROGRAM, open_tab
from tests.integration.pages.test_pages import LABELS_OUTSIDE, OVERLAPPING_LABELS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed (apt-get install chromium)")


def document(step: int) -> dict[str, object]:
    """What an evaluation wrote, with everything that it may hold."""
    accuracy = 0.86 - 0.03 * step
    levels = [f"{'a very long level ' * (n % 2)}{n}" for n in range(13)]
    columns = [
        {"column": name, "test": "ks", "statistic": 0.4, "p": p, "pCorrected": p, "measure": "wasserstein"}
        | {"effect": effect, "limit": 0.1, "rows": 300, "drifted": (effect or 0) > 0.1}
        for name, p, effect in (("age", 1e-12, 0.61), ("chol", 0.2, 0.04), ("x" * 90, None, None))
    ]
    return {
        "state": "Firing",
        "message": "1 of 3 columns drifted (age).",
        "at": "2026-11-24T12:00:00Z",
        "version": "heart-1",
        "monitor": "heart",
        "window": {"rows": 300, "seen": 4213, "labelCoverage": 0.71, "from": "2026-11-24T11:00:00Z", "to": "2026-11-24T12:00:00Z"},
        "reference": {"version": "heart-1", "digest": "sha256:" + "a" * 64, "rows": 242},
        "columns": columns,
        "dataset": {"share": 0.5, "limit": 0.3, "judged": 2, "drifted": True},
        "distributions": [
            {"column": "age", "bins": ["29", "88"], "numeric": True, "reference": [0.05] * 20, "current": [0.0] * 10 + [0.1] * 10},
            {"column": "ward", "bins": levels, "numeric": False, "reference": [1 / 13] * 13, "current": [0.4, *[0.05] * 12]},
            {"column": "sex", "bins": ["female", "male"], "numeric": False, "reference": [0.4, 0.6], "current": [0.2, 0.8]},
        ],
        "performance": [
            {"metric": "accuracy", "value": accuracy, "reference": 0.86, "limit": 0.8, "rows": 210, "judged": True, "degraded": accuracy < 0.8}
        ],
        "prediction": {**columns[0], "column": "(prediction)"},
        "estimates": [{"metric": "roc_auc", "value": 0.7, "low": 0.66, "high": 0.74, "reference": 0.9, "limit": 0.8, "degraded": True}],
        "concept": {"detector": "adwin", "drift": True, "rows": 210, "before": 0.1, "after": 0.4, "since": "2026-11-24T11:20:00Z", "row": 84},
        "quality": [{"check": "missing", "column": "age", "value": 0.2, "limit": 0.05, "passed": False}],
        "memory": {"votes": [[], ["Drift"], ["Drift", "Performance"]]},
        "decision": {"alert": True, "retrain": True, "cause": "Drift", "ended": None, "reason": "2 of the last 3 evaluations found degradation: a retraining is asked for, because of Drift."},
        "inputs": {"log": {"files": 12, "digest": "sha256:" + "b" * 64}, "spec": "sha256:" + "c" * 64},
    }  # fmt: skip


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (420, True)])
async def test_nothing_is_fetched_and_nothing_is_in_the_way(tmp_path: Path, width: int, dark: bool):
    # given a report with three columns, long names and a history
    file = tmp_path / "report.html"
    file.write_text(report_page(document(3), [document(step) for step in range(3)]))
    async with open_tab(tmp_path / "profile") as tab:
        # when it is opened
        await tab.open(file.as_uri(), width=width, dark=dark)
        # then it asks for nothing, tells no trouble, and words lie apart and inside
        assert [url for url in tab.requests() if not url.startswith("data:")] == [file.as_uri()]
        assert tab.troubles() == []
        assert await tab.run(OVERLAPPING_LABELS) == []
        assert await tab.run(LABELS_OUTSIDE) == []
        assert await tab.run("document.documentElement.scrollWidth <= window.innerWidth")
        assert await tab.run("document.querySelectorAll('svg.chart').length") == 4
