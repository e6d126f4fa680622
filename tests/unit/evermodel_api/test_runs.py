import json

import pytest

from evermodel_api.digest import digest_bytes, spec_digest
from evermodel_api.runs import MESSAGE_LIMIT, MonitorOutcome, Outcome, TrainingOutcome, fit_message
from evermodel_api.training import TrainingSpec
from tests.cases import OBJECTS, changed


@pytest.mark.parametrize("letter", ["x", "é", "報"])
def test_an_outcome_fits_a_termination_message_whatever_it_says(letter: str):
    # given an outcome with a sentence without an end
    outcome = TrainingOutcome(outcome=Outcome.FAILED, message=letter * 9000, reason="NoRows")
    # when it is written
    text = fit_message(outcome)
    # then Kubernetes keeps it whole, and it still says what happened
    assert len(text.encode()) <= MESSAGE_LIMIT
    read = TrainingOutcome.model_validate(json.loads(text))
    assert (read.outcome, read.reason) == (Outcome.FAILED, "NoRows")
    assert read.message.startswith(letter * 50)


def test_a_short_outcome_is_written_as_it_is():
    outcome = MonitorOutcome(message="fine", rows=12)
    assert MonitorOutcome.model_validate(json.loads(fit_message(outcome))) == outcome


def test_details_go_before_the_outcome_goes():
    outcome = TrainingOutcome(outcome=Outcome.SUCCEEDED, message="made", metrics={f"m{n}": 0.5 for n in range(1000)})
    read = TrainingOutcome.model_validate(json.loads(fit_message(outcome)))
    assert read.message == "made"
    assert read.metrics == {}


def test_the_digest_of_a_spec_is_that_of_what_decides_the_model():
    def digest(**changes: object) -> str:
        paths = {path.replace("__", "."): value for path, value in changes.items()}
        return spec_digest(TrainingSpec.model_validate(changed(OBJECTS["training"], paths)["spec"]))

    same = digest()
    assert digest(spec__task="Classification") == same, "a default that is written out changes nothing"
    assert digest(spec__run={"deadline": "2h"}) == same, "nor does how a run is executed"
    assert digest(spec__triggers={"onSpecChange": False}) == same
    assert digest(spec__run={"seed": 1}) != same, "the seed does"
    assert digest(spec__target="outcome") != same


def test_the_digest_of_bytes_names_its_algorithm():
    assert digest_bytes(b"evermodel") == "sha256:" + __import__("hashlib").sha256(b"evermodel").hexdigest()
