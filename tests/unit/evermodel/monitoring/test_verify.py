"""A report is computed again from the bytes that it names."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evermodel.cli import main
from evermodel.errors import DataError
from evermodel.monitoring.order import run_order
from evermodel.monitoring.verify import verify

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RECENT = NOW - timedelta(minutes=45)


@pytest.fixture
def report(ward, spec, make_patients):
    """Given: an evaluation's report."""
    ward.serve(make_patients(300, seed=3, older=12.0), RECENT)
    return run_order(ward.order(spec)).report.removeprefix("file://")


def test_the_same_bytes_lead_to_the_same_report(report, capsys):
    assert verify(report).same
    assert main(["monitor", "verify", report]) == 0
    assert capsys.readouterr().out == "The report is what its inputs lead to.\n"


def test_a_number_that_was_changed_is_found(report, capsys):
    document = json.loads(Path(report).read_text())
    document["columns"][0]["effect"] += 1e-6
    Path(report).write_text(json.dumps(document))
    assert main(["monitor", "verify", report, "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert [line.partition(":")[0] for line in found["differences"]] == ["columns[0].effect"]


def test_a_rounding_is_no_difference(report):
    document = json.loads(Path(report).read_text())
    document["columns"][0]["effect"] *= 1 + 1e-12
    Path(report).write_text(json.dumps(document))
    assert verify(report).same


def test_inputs_that_changed_are_named_first(report, ward, make_patients):
    ward.serve(make_patients(50, seed=4), RECENT, seed=1)
    found = verify(report)
    assert not found.same
    assert found.differences[0].startswith("inputs.")


def test_a_store_that_was_moved(report, ward, tmp_path):
    moved = ward.store.rename(tmp_path / "elsewhere")
    assert verify(str(moved / "reports" / "heart" / "1.json"), str(moved)).same


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "ReportNotFound"), ("{}", "ReportInvalid"), ("?", "ReportInvalid")]
)
def test_what_is_no_report_is_told(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(DataError) as told:
        verify(str(tmp_path / "report.json"))
    assert told.value.reason == reason
