"""A rehearsal from a log in a store: the newest rows, the candidate's answers, the verdict and its report."""

import json
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from evermodel.artifact import layout
from evermodel.artifact.store import read_bytes
from evermodel.cli import main
from evermodel.errors import DataError
from evermodel.monitoring.rehearsal.order import check_signatures, rehearse
from evermodel.monitoring.subject import read_signature
from evermodel_api.digest import digest_bytes
from evermodel_api.rehearsal import RehearsalLimits, RehearsalOrder
from tests.unit.evermodel.monitoring.conftest import NOW, build_ward, patients

AT = NOW - timedelta(hours=3)


@pytest.fixture
def candidate(tmp_path):
    """Another version in the same store: trained on other patients, who are sicker."""
    return build_ward(tmp_path / "ward", sicker=2.0, seed=9)


@pytest.fixture
def order(ward, candidate):
    def make(artifact=None, **limits):
        return RehearsalOrder(
            namespace="ward",
            deployment="heart",
            live="heart-1",
            candidate="heart-2",
            artifact=artifact or candidate.artifact,
            live_artifact=ward.artifact,
            store=str(ward.store),
            now=NOW,
            limits=RehearsalLimits(**limits),
        )

    return make


def test_the_live_version_passes_its_own_rehearsal(ward, order):
    # given two hundred logged requests, when the live version itself answers them again
    ward.serve(patients(200, seed=3), AT)
    outcome = rehearse(order(ward.artifact, max_disagreement=0, max_shift=0))
    # then it says the same
    assert (outcome.passed, outcome.rows, outcome.reason) == (True, 200, None)
    assert {check.value for check in outcome.checks} == {0.0}


def test_a_candidate_that_answers_otherwise_is_refused_with_the_numbers(ward, order):
    # given logged requests, when a candidate that was trained on sicker patients answers them
    ward.serve(patients(400, seed=3), AT)
    outcome = rehearse(order(max_disagreement=0.05, by=["sex"]))
    # then it is refused, and the report shows where it differs most
    assert (outcome.passed, outcome.reason, outcome.rows) == (False, "RehearsalRefused", 400)
    assert "heart-2 is refused: of 400 rows that heart-1 had answered" in outcome.message
    assert not outcome.checks[0].passed
    content = read_bytes(outcome.report)
    assert digest_bytes(content) == outcome.report_digest
    report = json.loads(content)
    first, last = report["examples"][0], report["examples"][-1]
    assert first["live"] != first["candidate"]
    assert first["distance"] >= last["distance"] > 0
    assert set(first["features"]) == {"age", "chol", "pulse", "sex"}
    # and the same order again finds the same
    assert rehearse(order(max_disagreement=0.05, by=["sex"])) == outcome


def test_the_newest_rows_are_answered_and_none_from_later(ward, order):
    # given requests of three hours and of the future
    for hours in (-20, -3, -2, 1):
        ward.serve(patients(30, seed=hours + 30), NOW + timedelta(hours=hours), seed=hours + 30)
    outcome = rehearse(order(rows=40))
    ids = {example["id"] for example in json.loads(read_bytes(outcome.report))["examples"]}
    # then whole hours are gone back until there are enough
    assert outcome.rows == 40
    assert all(identity.startswith(("0900-27", "1000-28")) for identity in ids)


def test_a_deployment_that_was_never_asked_has_nothing_to_rehearse(order):
    outcome = rehearse(order())
    assert (outcome.passed, outcome.reason, outcome.rows) == (True, "NothingToRehearse", 0)


def test_a_redacted_column_makes_a_rehearsal_impossible(ward, order):
    ward.serve(patients(20, seed=3), AT)
    for file in (ward.store / "log").rglob("*.parquet"):
        pq.write_table(pq.read_table(file).drop_columns(["sex"]), file)
    with pytest.raises(DataError, match="does not hold sex") as caught:
        rehearse(order())
    assert caught.value.reason == "RehearsalImpossible"


def test_other_columns_and_other_classes_are_refused_before_anything_is_asked(ward, order):
    live = read_signature(ward.artifact.uri, ward.artifact.digest)
    more = live.model_copy(update={"columns": [*live.columns, live.columns[0].model_copy(update={"name": "weight"})]})
    with pytest.raises(DataError, match="heart-2 needs weight, which users of heart-1 do not send") as caught:
        check_signatures(order(), live, more)
    assert caught.value.reason == "SignatureDiffers"
    with pytest.raises(DataError, match="answers well, ill, and heart-1 answers 0, 1"):
        check_signatures(order(), live, live.model_copy(update={"classes": ["well", "ill"]}))
    # and a candidate that needs less is welcome
    check_signatures(order(), live, live.model_copy(update={"columns": live.columns[:2]}))


def test_the_command_names_directories_of_a_store(ward, candidate, capsys):
    ward.serve(patients(50, seed=3), AT)
    hours = sorted(path.name for path in Path(layout.log_prefix(str(ward.store), "heart", "heart-1")).iterdir())
    assert hours
    words = ["rehearse", candidate.artifact.uri, "--live", ward.artifact.uri, "--store", str(ward.store), "--json"]
    assert main([*words, "--deployment", "heart"]) == 0
    document = json.loads(capsys.readouterr().out)
    # the directory's name is not that of a version, so nothing was logged under it
    assert document["reason"] == "NothingToRehearse"
    assert main(["rehearse", "--store", str(ward.store)]) == 4
    assert "VERSION is missing" in capsys.readouterr().err
