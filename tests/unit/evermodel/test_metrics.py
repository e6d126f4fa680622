"""Metrics: equal to scikit-learn's where both are defined, and NaN where there is nothing to measure."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from evermodel.metrics import DEFAULT_METRICS, Answers, measure, roc_auc, scorer
from evermodel_api.training import Metric, Task

RATIOS = {
    Metric.PRECISION: reference.precision_score,
    Metric.RECALL: reference.recall_score,
    Metric.F1: reference.f1_score,
}


def classified(seed, rows, classes):
    """Random answers in which every class occurs."""
    generator = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), generator.integers(0, classes, rows)]).astype(float)
    probabilities = generator.dirichlet(np.ones(classes), len(truth)).round(1) + 1e-3  # rounded: ties are common
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return Answers(truth, probabilities.argmax(axis=1).astype(float), probabilities, classes)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(0, 60), classes=st.integers(2, 5))
def test_classification_is_as_scikit_learn_measures_it(seed, rows, classes):
    answers = classified(seed, rows, classes)
    assert measure(Metric.ACCURACY, answers) == pytest.approx(
        reference.accuracy_score(answers.truth, answers.predicted)
    )
    average = "binary" if classes == 2 else "macro"
    labels = None if classes == 2 else list(range(classes))
    for metric, function in RATIOS.items():
        expected = function(answers.truth, answers.predicted, average=average, labels=labels, zero_division=0)
        assert measure(metric, answers) == pytest.approx(expected, abs=1e-12), metric
    scores = answers.probabilities[:, 1] if classes == 2 else answers.probabilities
    expected = reference.roc_auc_score(answers.truth, scores, multi_class="ovr")
    assert measure(Metric.ROC_AUC, answers) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 60), scale=st.sampled_from([1e-6, 1.0, 1e9]))
def test_regression_is_as_scikit_learn_measures_it(seed, rows, scale):
    generator = np.random.default_rng(seed)
    answers = Answers(generator.normal(size=rows) * scale, generator.normal(size=rows) * scale)
    truth, predicted = answers.truth, answers.predicted
    assert measure(Metric.RMSE, answers) == pytest.approx(reference.root_mean_squared_error(truth, predicted))
    assert measure(Metric.MAE, answers) == pytest.approx(reference.mean_absolute_error(truth, predicted))
    assert measure(Metric.R2, answers) == pytest.approx(reference.r2_score(truth, predicted))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=40))
def test_roc_auc_is_the_share_of_pairs_in_the_right_order(pairs):
    positives = [score for positive, score in pairs if positive]
    negatives = [score for positive, score in pairs if not positive]
    value = roc_auc(np.array([p for p, _ in pairs], dtype=bool), np.array([s for _, s in pairs], dtype=float))
    if not positives or not negatives:
        assert math.isnan(value)
        return
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    assert value == pytest.approx(wins / (len(positives) * len(negatives)))


@pytest.mark.parametrize("metric", list(Metric))
def test_without_rows_nothing_is_defined(metric):
    assert math.isnan(measure(metric, Answers(np.empty(0), np.empty(0), np.empty((0, 2)), 2)))


def test_what_one_class_or_one_value_leaves_undefined():
    one_class = Answers(np.ones(3), np.ones(3), np.full((3, 2), 0.5), 2)
    assert math.isnan(measure(Metric.ROC_AUC, one_class))
    assert measure(Metric.RECALL, one_class) == 1.0
    assert math.isnan(measure(Metric.ROC_AUC, Answers(np.array([0.0, 1.0]), np.zeros(2), None, 2)))
    assert math.isnan(measure(Metric.R2, Answers(np.ones(3), np.zeros(3))))


def test_squares_too_large_for_a_number_leave_rmse_undefined():
    answers = Answers(np.array([1e200, -1e200]), np.array([0.0, 1e200]))
    assert math.isnan(measure(Metric.RMSE, answers))
    assert math.isnan(measure(Metric.R2, answers))
    assert measure(Metric.MAE, answers) == pytest.approx(1.5e200)


def test_a_class_that_the_model_does_not_know_counts_as_wrong():
    answers = Answers(np.array([0.0, 1.0, -1.0, -1.0]), np.array([0.0, 1.0, 1.0, 0.0]), None, 2)
    assert measure(Metric.ACCURACY, answers) == 0.5
    assert measure(Metric.PRECISION, answers) == 0.5
    assert measure(Metric.RECALL, answers) == 1.0


def test_rows_may_be_taken_more_than_once():
    taken = classified(0, 5, 3).take(np.array([1, 1, 0]))
    assert taken.truth.tolist() == [1, 1, 0]
    assert taken.probabilities.shape == (3, 3)


def test_the_metrics_of_a_task_are_measured_when_nothing_is_named():
    for task in Task:
        assert set(DEFAULT_METRICS[task]) <= {metric for metric in Metric if metric.task is task}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(0, 60), classes=st.integers(2, 5))
def test_probabilities_are_as_scikit_learn_measures_them(seed, rows, classes):
    answers = classified(seed, rows, classes)
    labels = list(range(classes))
    expected = reference.log_loss(answers.truth, answers.probabilities, labels=labels)
    assert measure(Metric.LOG_LOSS, answers) == pytest.approx(expected)
    given_scores = answers.probabilities[:, 1] if classes == 2 else answers.probabilities
    expected = reference.brier_score_loss(answers.truth, given_scores, labels=labels)
    assert measure(Metric.BRIER, answers) == pytest.approx(expected)
    one_hot = answers.truth[:, None] == np.arange(classes)
    columns = [1] if classes == 2 else labels
    expected = np.mean([reference.average_precision_score(one_hot[:, k], answers.probabilities[:, k]) for k in columns])
    assert measure(Metric.PR_AUC, answers) == pytest.approx(expected)


def test_mape_is_as_scikit_learn_measures_it():
    answers = Answers(np.array([1.0, -2.0, 4.0]), np.array([1.5, -2.0, 3.0]))
    expected = reference.mean_absolute_percentage_error(answers.truth, answers.predicted)
    assert measure(Metric.MAPE, answers) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 40), task=st.sampled_from(list(Task)))
def test_a_row_that_counts_twice_is_a_row_that_is_there_twice(seed, rows, task):
    generator = np.random.default_rng(seed)
    if task is Task.CLASSIFICATION:
        answers = classified(seed, rows, 3)
    else:
        answers = Answers(generator.normal(size=rows), generator.normal(size=rows))
    counts = generator.integers(0, 4, len(answers.truth))
    counts[0] += 1
    repeated = answers.take(np.repeat(np.arange(len(counts)), counts))
    for metric in Metric:
        if metric.task is task:
            expected = measure(metric, repeated)
            found = scorer(metric, answers)(counts.astype(float))
            assert found == pytest.approx(expected, nan_ok=True, abs=1e-9), metric
