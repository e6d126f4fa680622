"""A model serves only when its bytes are the right ones and it answers as it did when it was made."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evermodel.artifact.model import load_artifact
from evermodel.errors import DataError
from evermodel.serving.engine import ScikitLearnEngine, check_golden_rows, is_same_answer, load_served_model


def test_a_good_model_is_ready_and_answers(line):
    # given an artifact, when it is loaded for serving
    served = load_served_model("line", "line-1", line.artifact.uri, line.artifact.digest)
    # then it answers the line, and knows its number
    assert served.engine.predict([[50.0]]).labels == [104.0]
    assert served.number == "1"


@pytest.mark.parametrize("name", ["model.skops", "signature.json", "golden.json", "manifest.json"])
def test_a_changed_byte_is_refused(line, tmp_path, name):
    # given a copy of the artifact with one byte changed
    copy = tmp_path / "copy"
    shutil.copytree(Path(line.artifact.uri.removeprefix("file://")), copy)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    # when it is loaded, then it is refused by the name of the file
    with pytest.raises(DataError, match=name) as caught:
        load_served_model("line", "line-1", str(copy), line.artifact.digest)
    assert caught.value.reason == "ArtifactDigestMismatch"


def test_a_model_that_answers_otherwise_is_refused(line):
    # given an artifact whose golden rows say something else than the model does
    loaded = load_artifact(line.artifact.uri, line.artifact.digest)
    predictions = [*loaded.golden.predictions[:-1], 3.0]
    other = replace(loaded, golden=loaded.golden.model_copy(update={"predictions": predictions}))
    # when they are compared, then the row and both answers are told
    last = len(predictions) - 1
    with pytest.raises(DataError, match=f"golden row {last}: expected 3.0, got 42") as caught:
        check_golden_rows(ScikitLearnEngine(other), other)
    assert caught.value.reason == "GoldenRowsDiffer"


def test_other_probabilities_are_refused_too(patients):
    loaded = load_artifact(patients.artifact.uri, patients.artifact.digest)
    probabilities = [[share + 1e-3 for share in row] for row in loaded.golden.probabilities]
    other = replace(loaded, golden=loaded.golden.model_copy(update={"probabilities": probabilities}))
    with pytest.raises(DataError, match="golden row 0"):
        check_golden_rows(ScikitLearnEngine(other), other)


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        (1.0, 1.0 + 5e-10, True),
        (1.0, 1.0 + 5e-9, False),
        (1e6, 1e6 + 5e-4, True),
        (float("nan"), float("nan"), True),
        (float("nan"), 1.0, False),
        (1, True, False),
        (1, 1, True),
        ("1", 1, False),
        ("a", "a", True),
        (1.0, "1.0", False),
    ],
)
def test_answers_are_equal_within_the_tolerance_and_by_type(expected, found, same):
    assert is_same_answer(expected, found, 1e-9) is same
