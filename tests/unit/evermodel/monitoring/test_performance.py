"""Limits of realised metrics are one-sided."""

import pytest

from evermodel.artifact.baseline import Baseline
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.monitoring.performance import compare_answers
from evermodel.monitoring.window import Labelled, Window
from evermodel_api.monitor import Performance
from evermodel_api.training import Task

COLUMN = ColumnSignature(name="x", kind="number", datatype="FP64")


def look(limit, predicted, truth, *, classes=(0, 1), rows=None, coverage=0.0, confidence=0.5):
    task = Task.CLASSIFICATION if classes else Task.REGRESSION
    signature = Signature(task=task, target="y", columns=[COLUMN], classes=list(classes))
    baseline = Baseline(rows=100, columns={}, metrics={"accuracy": 0.8, "rmse": 1.0})
    spec = Performance.model_validate(
        {"labels": {"minCoverage": coverage}, "metrics": [limit], "confidence": confidence}
    )
    window = Window(rows or len(truth), len(truth), {}, Labelled(predicted, truth))
    found = compare_answers(spec, signature, baseline, window)
    return found, found.metrics[0]


TRUTH = [0, 1] * 10


@pytest.mark.parametrize(
    ("limit", "wrong", "degraded"),
    [
        ({"name": "accuracy", "min": 0.75}, 5, False),
        ({"name": "accuracy", "min": 0.75}, 6, True),
        ({"name": "accuracy", "maxDrop": 0.05}, 5, False),
        ({"name": "accuracy", "maxDrop": 0.05}, 6, True),
        ({"name": "accuracy", "maxDrop": 0.05}, 0, False),
        ({"name": "accuracy", "max": 0.9}, 0, True),
        ({"name": "accuracy", "min": 0.1, "maxDrop": 0.05}, 6, True),
    ],
)
def test_classification(limit, wrong, degraded):
    predicted = [1 - t if i < wrong else t for i, t in enumerate(TRUTH)]
    found, metric = look(limit, predicted, TRUTH)
    assert metric.value == pytest.approx(1 - wrong / 20)
    assert (metric.degraded, found.holds) == (degraded, degraded)


@pytest.mark.parametrize(("error", "degraded"), [(0.0, False), (1.1, False), (1.3, True)])
def test_an_error_may_rise_by_max_drop(error, degraded):
    truth = [float(i) for i in range(20)]
    _, metric = look({"name": "rmse", "maxDrop": 0.2}, [t + error for t in truth], truth, classes=())
    assert metric.value == pytest.approx(error)
    assert (metric.degraded, metric.limit, metric.at_most) == (degraded, 1.2, True)


def test_classes_are_told_apart_by_their_text():
    _, metric = look({"name": "accuracy", "min": 0.5}, ["1", 0, 1.0, "0"], [1, "0", "1", 0])
    assert metric.value == 1.0
    _, metric = look({"name": "accuracy", "min": 0.5}, [True, False], ["true", "false"], classes=(False, True))
    assert metric.value == 1.0


def test_a_class_the_model_does_not_know_counts_as_wrong():
    _, metric = look({"name": "accuracy", "min": 0.5}, [0, 1, 0, 1], [0, 1, 2, 2])
    assert metric.value == 0.5


def test_an_answer_or_a_truth_that_cannot_be_read_is_no_row():
    found, metric = look({"name": "rmse", "max": 1.0}, [1.0, None, 3.0], [1.0, 2.0, "three"], classes=())
    assert (found.rows, metric.value) == (1, 0.0)


def test_too_few_labels_are_not_judged():
    found, metric = look({"name": "accuracy", "min": 0.9}, [0] * 10, [1] * 10, rows=100, coverage=0.3)
    assert (found.holds, metric.degraded, metric.value) == (None, False, 0.0)


def test_a_metric_that_is_not_defined_is_not_judged():
    found, metric = look({"name": "roc_auc", "min": 0.9}, [0, 1], [0, 1])
    assert (found.holds, metric.degraded) == (None, False)


@pytest.mark.parametrize(("rows", "degraded"), [(20, False), (2000, True)])
def test_a_few_labels_prove_little(rows, degraded):
    # given 7 of 10 right, where 8 of 10 may fall by 0.05
    truth = [0, 1] * (rows // 2)
    predicted = [1 - t if i % 10 < 3 else t for i, t in enumerate(truth)]
    # when / then only many rows prove it
    found, metric = look({"name": "accuracy", "maxDrop": 0.05}, predicted, truth, confidence=0.99)
    assert metric.value == pytest.approx(0.7)
    assert metric.margin > 0
    assert found.holds is degraded
