"""Performance without labels: near the truth when rows moved, within its band, and honest about what it cannot see."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression

from evermodel.artifact.profiling import build_baseline
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.metrics import Answers, measure
from evermodel.monitoring.estimate import calibrated, estimate_classes, estimate_numbers, expected_losses
from evermodel.training.answers_profile import profile_answers, row_matrix
from evermodel_api.training import Metric, Task

CLASS_METRICS = [
    Metric.ACCURACY,
    Metric.F1,
    Metric.PRECISION,
    Metric.RECALL,
    Metric.ROC_AUC,
    Metric.BRIER,
    Metric.LOG_LOSS,
]


def signature(task, classes=()):
    columns = [ColumnSignature(name=n, kind="number", datatype="FP64") for n in ("x", "z")]
    return Signature(task=task, target="y", columns=columns, classes=list(classes))


def cases(rows, seed, moved=0.0, classes=2):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": random.normal(moved, 1, rows), "z": random.normal(0, 1, rows)})
    score = 1.5 * frame["x"].to_numpy() + 0.3 * random.logistic(size=rows) * 3
    return frame, np.digitize(score, np.linspace(-0.5, 1.5, classes - 1) if classes > 2 else [0.5]).astype(float)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("moved", [0.0, 0.6])
def test_cbpe_is_near_what_labels_would_say(classes, moved):
    # given a classifier whose probabilities are wrong: squared, and scaled to 1 again
    frame, truth = cases(4000, 1, classes=classes)
    model = LogisticRegression().fit(frame, truth)

    def answers(part, known):
        given = model.predict_proba(part) ** 2
        given /= given.sum(axis=1, keepdims=True)
        return Answers(known, given.argmax(axis=1).astype(float), given, classes)

    described = signature(Task.CLASSIFICATION, range(classes))
    tested, tested_truth = cases(3000, 2, classes=classes)
    profile = profile_answers(described, build_baseline(described, frame, {}), answers(tested, tested_truth), tested)
    assert len(profile.calibration) == classes
    # when the metrics of a window are estimated without its labels
    window, window_truth = cases(3000, 3, moved, classes)
    found = answers(window, window_truth)
    # The logarithm makes most of the few rows that a calibration knows least: it is held where nothing moved.
    for metric in CLASS_METRICS if moved == 0.0 else CLASS_METRICS[:-1]:
        estimate = estimate_classes(metric, profile, found.probabilities, found.predicted.astype(int))
        # then the band holds what the labels say
        assert estimate.low <= measure(metric, found) <= estimate.high, metric
        assert estimate.error < 0.06


def test_right_probabilities_are_left_alone():
    random = np.random.default_rng(0)
    given = random.random(2000)
    truth = (random.random(2000) < given).astype(float)
    probabilities = np.stack([1 - given, given], axis=1)
    answers = Answers(truth, (given > 0.5).astype(float), probabilities, 2)
    described = signature(Task.CLASSIFICATION, [0, 1])
    frame = pd.DataFrame({"x": given, "z": given})
    profile = profile_answers(described, build_baseline(described, frame, {}), answers, frame)
    assert np.abs(calibrated(profile, probabilities) - probabilities).max() < 0.12


def test_cbpe_is_blind_to_concept_drift():
    # given labels that turned round at the same rows
    given = np.tile([[0.2, 0.8]], (500, 1))
    described = signature(Task.CLASSIFICATION, [0, 1])
    truth = (np.arange(500) % 10 < 8).astype(float)
    answers = Answers(truth, np.ones(500), given, 2)
    frame = pd.DataFrame({"x": truth, "z": truth})
    profile = profile_answers(described, build_baseline(described, frame, {}), answers, frame)
    # when / then the estimate is what it was
    estimate = estimate_classes(Metric.ACCURACY, profile, given, np.ones(500, dtype=int))
    assert estimate.value == pytest.approx(0.8)
    assert np.isnan(estimate_classes(Metric.PR_AUC, profile, given, np.ones(500, dtype=int)).value)


def test_dle_knows_where_the_model_is_weak():
    # given a regression whose errors grow with x
    def rows(count, seed, moved=0.0):
        random = np.random.default_rng(seed)
        frame = pd.DataFrame({"x": random.uniform(0, 2, count) + moved, "z": random.normal(size=count)})
        return frame, 3 * frame["z"].to_numpy() + random.normal(size=count) * (0.2 + frame["x"].to_numpy())

    frame, truth = rows(2000, 1)
    model = RandomForestRegressor(30, min_samples_leaf=20, random_state=0).fit(frame[["z"]], truth)
    described = signature(Task.REGRESSION)
    baseline = build_baseline(described, frame, {})
    tested, tested_truth = rows(1500, 2)
    profile = profile_answers(described, baseline, Answers(tested_truth, model.predict(tested[["z"]])), tested)

    def estimated(metric, part):
        matrix = np.column_stack([row_matrix(baseline, part)[1], model.predict(part[["z"]])])
        return estimate_numbers(metric, profile, matrix)

    # when rows move to where it is weak
    for moved in (0.0, 0.5):
        window, window_truth = rows(1500, 3, moved)
        window = window.assign(x=window["x"].clip(0, 2))
        random = np.random.default_rng(4)
        window_truth = 3 * window["z"].to_numpy() + random.normal(size=1500) * (0.2 + window["x"].to_numpy())
        answers = Answers(window_truth, model.predict(window[["z"]]))
        # then the estimate follows
        for metric in (Metric.MAE, Metric.RMSE):
            found = estimated(metric, window)
            assert found.low <= measure(metric, answers) <= found.high
    assert (
        estimated(Metric.MAE, rows(1000, 5)[0].assign(x=1.9)).value
        > 1.5 * estimated(Metric.MAE, rows(1000, 5)[0].assign(x=0.1)).value
    )
    assert np.isnan(estimated(Metric.R2, frame).value)
    gaps = np.full((3, 3), np.nan)
    assert np.isfinite(expected_losses(profile.losses["absolute"], gaps)).all()


def test_a_few_test_rows_teach_nothing():
    frame, truth = cases(30, 1)
    described = signature(Task.REGRESSION)
    profile = profile_answers(described, build_baseline(described, frame, {}), Answers(truth, truth + 1.0), frame)
    assert (profile.losses, profile.calibration, profile.rows) == ({}, [], 30)
