"""A model in another image answers through a directory that two containers share."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest

from evermodel.artifact.records import latest_passed
from evermodel.errors import RunError, SpecError
from evermodel.training.champion import answer_here, ask_champion
from evermodel.training.exchange import FORMAT, Question, Reply, ask, reply
from evermodel.training.progress import Silent
from evermodel_api.version import Artifact
from tests.unit.evermodel.bench import classes, save, spec_of, train

ARTIFACT = Artifact(uri="file:///nowhere", digest="sha256:" + "0" * 64)
ROWS = pd.DataFrame({"a": [1.0, np.nan], "c": ["x", None]})


class Beside:
    """Another container: answers in a thread until the test ends."""

    def __init__(self, directory, answer):
        self.directory, self.answer, self.over = directory, answer, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def look(self):
        while not self.over.wait(0.02):
            reply(self.directory, self.answer)

    def __exit__(self, *_: object):
        self.over.set()
        self.thread.join()


@pytest.mark.parametrize("probabilities", [None, np.array([[0.2, 0.8], [0.5, 0.5]])])
def test_what_was_answered_comes_back_as_it_was(tmp_path, probabilities):
    asked = []

    def answer(question):
        asked.append(question)
        return Reply("Classification", "y", ["ill", "well"], np.array([1.0, 0.0]), probabilities)

    with Beside(tmp_path / "exchange", answer):
        found = ask(tmp_path / "exchange", Question(ARTIFACT, ROWS), patience=10)
    assert (found.task, found.target, found.classes) == ("Classification", "y", ["ill", "well"])
    np.testing.assert_array_equal(found.predicted, [1.0, 0.0])
    assert (found.probabilities is None) is (probabilities is None)
    pd.testing.assert_frame_equal(asked[0].rows, ROWS, check_dtype=False)
    assert asked[0].artifact == ARTIFACT


def test_trouble_on_the_other_side_is_told(tmp_path):
    def answer(question):
        raise SpecError("FitFailed", "it cannot answer the test rows")

    with Beside(tmp_path, answer), pytest.raises(RunError, match="cannot answer the test rows") as error:
        ask(tmp_path, Question(ARTIFACT, ROWS), patience=10)
    assert error.value.reason == "ChampionSilent"


def test_silence_ends(tmp_path):
    with pytest.raises(RunError, match="gave no answer in 0 s"):
        ask(tmp_path, Question(ARTIFACT, ROWS), patience=0.1)


def test_a_question_of_another_form_is_answered_with_that(tmp_path):
    (tmp_path / "question.json").write_text(json.dumps({"format": "evermodel-exchange/9"}))
    assert reply(tmp_path, answer_here)
    assert f"this image knows {FORMAT}" in json.loads((tmp_path / "answers.json").read_text())["trouble"]
    assert not reply(tmp_path, answer_here)


@pytest.fixture
def served(tmp_path):
    """A store with one version, and its rows."""
    frame = classes()
    ran = train(tmp_path, spec_of(save(frame, tmp_path / "rows.csv"), "DecisionTreeClassifier"))
    assert ran.code == 0, ran.err
    return latest_passed(str(tmp_path / "store"), "m"), frame


def test_a_champion_of_other_libraries_answers_in_its_own_image_as_it_would_here(served, tmp_path, monkeypatch):
    # given a champion, and a run whose libraries are others than those that made it
    reference, frame = served
    here = answer_here(Question(reference.artifact, frame))
    monkeypatch.setattr("evermodel.training.champion.environment", lambda: {"python": "4.0", "libraries": {}})
    directory = tmp_path / "exchange"
    directory.mkdir()
    # when its own image waits beside the run
    command = [sys.executable, "-m", "evermodel", "answer", "--exchange", str(directory)]
    with subprocess.Popen(command) as process:
        signature = type("Signature", (), {"task": here.task, "target": here.target, "classes": here.classes})
        champion = ask_champion(reference, frame, np.zeros(len(frame)), signature, directory, Silent())
        process.send_signal(signal.SIGTERM)
        # then it answers as it would here, and ends when it is told to
        assert process.wait(timeout=20) == 0
    assert champion.answers is not None, champion.trouble
    np.testing.assert_array_equal(champion.answers.predicted, here.predicted)
    np.testing.assert_array_equal(champion.answers.probabilities, here.probabilities)


def test_the_waiting_container_is_light(tmp_path):
    """It waits beside every run whose image differs, and most never ask."""
    command = [sys.executable, "-X", "importtime", "-m", "evermodel", "answer", "--exchange", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(2)
        os.kill(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert not [name for name in ("sklearn", "pandas", "pyarrow") if f"| {name}\n" in said]
