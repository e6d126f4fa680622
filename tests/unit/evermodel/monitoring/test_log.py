"""The reader of the log against the server's own writers."""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.artifact.store import write_bytes
from evermodel.compiled.rows import rows_of_columns
from evermodel.monitoring.log import Served, read_window
from evermodel.serving.batch import Batch
from evermodel.serving.feedback import FeedbackLog, micros, parse
from evermodel.serving.keeping import FORMS
from evermodel.serving.log import LogTarget, PredictionLogger
from evermodel.serving.spool.spool import Spool
from evermodel_api.deployment import PredictionLog
from evermodel_api.training import Task

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
COLUMNS = [
    ColumnSignature(name="age", kind="number", datatype="FP64"),
    ColumnSignature(name="sex", kind="category", datatype="BYTES"),
]
CLASSIFIER = Signature(task=Task.CLASSIFICATION, target="ill", columns=COLUMNS, classes=[False, True])
REGRESSOR = Signature(task=Task.REGRESSION, target="days", columns=COLUMNS)


@pytest.fixture
def served(tmp_path):
    return Served(tmp_path.as_uri(), "heart", "heart-1", NOW - timedelta(hours=2), NOW, NOW + timedelta(minutes=5))


@dataclass
class Asked:
    """A request that was answered: its columns, and class numbers or values."""

    id: str
    columns: list[list[object]]
    numbers: list[float]
    probabilities: np.ndarray | None
    at: datetime


@contextmanager
def spool(served, process):
    """A server's spool for the store; whoever opens a stream closes it."""
    with TemporaryDirectory() as folder:
        yield Spool(Path(folder), process, write_bytes, FORMS)


def log(served, entries, signature, redact=()):
    with spool(served, entries[0].id) as kept:
        target = LogTarget(served.store, "heart", "heart-1")
        logger = PredictionLogger(target, signature, PredictionLog(redact=list(redact)), kept)
        for asked in entries:
            rows = rows_of_columns(signature, asked.columns)
            batch = Batch(rows.values, rows.texts)
            logger.put(asked.id, micros(asked.at), batch, np.asarray(asked.numbers), asked.probabilities)
        logger.close()


def label(served, document, signature, at, sequence=1):
    with spool(served, f"pod-{sequence}") as kept:
        labels = FeedbackLog(served.store, "heart", kept)
        labels.put(parse(json.dumps(document).encode(), signature, at))
        labels.close()


def entry(identity, ages, sexes, numbers, probabilities=None, at=NOW - timedelta(minutes=30)):
    return Asked(identity, [ages, sexes], numbers, probabilities, at)


def test_requests_of_several_rows_are_joined_row_by_row(served):
    shares = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    several = entry("a", [50.0, None, 70.0], ["f", None, "m"], [0, 1, 0], shares)
    log(served, [several, entry("b", [40.0], ["f"], [1], np.array([[0.3, 0.7]]))], CLASSIFIER)
    label(served, [{"id": "a", "truth": [True, None, False]}, {"id": "b", "truth": True}], CLASSIFIER, NOW)
    window = read_window(served, CLASSIFIER, 100)
    assert (window.rows, window.coverage) == (4, 0.75)
    assert window.labelled.predicted == [False, False, True]
    assert window.labelled.truth == [True, False, True]
    np.testing.assert_array_equal(window.labelled.probabilities, [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    np.testing.assert_array_equal(window.columns["age"].values, [50.0, np.nan, 70.0, 40.0])
    assert (window.columns["sex"].counts, window.columns["sex"].missing) == ({"f": 2, "m": 1}, 1)


def test_numbers_are_answered_and_labelled_as_numbers(served):
    log(served, [entry("a", [50.0, 60.0], ["f", "m"], [3.5, 4.0])], REGRESSOR)
    label(served, {"id": "a", "truth": [4, 5.5]}, REGRESSOR, NOW)
    window = read_window(served, REGRESSOR, 100)
    assert (window.labelled.predicted, window.labelled.truth) == ([3.5, 4.0], [4.0, 5.5])
    assert window.labelled.probabilities is None


def test_a_redacted_column_is_absent(served):
    log(served, [entry("a", [50.0], ["f"], [3.5])], REGRESSOR, redact=["sex"])
    window = read_window(served, REGRESSOR, 100)
    assert (window.absent, list(window.columns)) == (("sex",), ["age"])


def test_a_label_that_was_given_again_replaces_the_first_one(served):
    log(served, [entry("a", [50.0], ["f"], [3.5])], REGRESSOR)
    label(served, {"id": "a", "truth": 9}, REGRESSOR, NOW + timedelta(minutes=2), sequence=1)
    label(served, {"id": "a", "truth": 1}, REGRESSOR, NOW - timedelta(minutes=20), sequence=2)
    assert read_window(served, REGRESSOR, 100).labelled.truth == [9.0]
    early = Served(served.store, "heart", "heart-1", served.start, served.end, NOW)
    assert read_window(early, REGRESSOR, 100).labelled.truth == [1.0]


def test_rows_of_the_hour_folders_beside_the_window_are_left_out(served):
    for minutes in (1, 119, 121, -1):
        log(served, [entry(f"m{minutes}", [50.0], ["f"], [3.5], at=NOW - timedelta(minutes=minutes))], REGRESSOR)
    assert read_window(served, REGRESSOR, 100).rows == 2


def test_a_deployment_without_a_log_has_an_empty_window(served):
    window = read_window(served, REGRESSOR, 100)
    assert (window.rows, window.coverage, window.labelled) == (0, 0.0, None)
