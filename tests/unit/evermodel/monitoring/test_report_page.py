"""The report as a page."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evermodel.monitoring.order import earlier_reports, run_order
from evermodel.monitoring.report_page import report_page

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def evaluated(ward, spec, make_patients):
    """Given: three evaluations of patients that get older; the last one's outcome and order."""
    memory = None
    for step in range(3):
        now = NOW + timedelta(hours=step)
        ward.serve(make_patients(300, seed=step, older=6.0 * step), now - timedelta(minutes=45))
        order = ward.order(spec, now=now, memory=memory, evaluation=str(100 + step))
        outcome = run_order(order)
        memory = outcome.memory
    return outcome, order


def test_it_tells_what_drifted_how_far_and_what_was_decided(evaluated):
    outcome, _ = evaluated
    page = Path(outcome.report.removeprefix("file://")).with_suffix(".html").read_text()
    for words in ("What was decided", "age", "drifted", "accuracy over the last 3 evaluations", outcome.decision[:40]):
        assert words in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_earlier_reports_are_those_of_the_same_version_oldest_first(evaluated):
    _, order = evaluated
    assert [report["evaluation"] for report in earlier_reports(order)] == ["100", "101"]
    other = order.model_copy(update={"version": "heart-2"})
    assert earlier_reports(other) == []


def test_words_from_the_data_are_text(evaluated):
    outcome, _ = evaluated
    document = json.loads(Path(outcome.report.removeprefix("file://")).read_bytes())
    document["columns"][0]["column"] = "<script>alert(1)</script>"
    document["quality"][0]["column"] = "<img src=x onerror=alert(2)>"
    page = report_page(document)
    assert "<script>alert(1)" not in page
    assert "<img" not in page


def test_an_evaluation_without_rows_has_a_page_too(ward, spec):
    outcome = run_order(ward.order(spec, evaluation="7"))
    page = Path(outcome.report.removeprefix("file://")).with_suffix(".html").read_text()
    assert "No requests were logged in the window" in page
