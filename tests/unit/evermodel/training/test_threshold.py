"""Thresholds: as scikit-learn counts them, and the best one is the best."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from evermodel.errors import DataError
from evermodel.training.threshold import best_threshold, decisions
from evermodel_api.training import Threshold


def scored(seed, rows):
    generator = np.random.default_rng(seed)
    positive = generator.random(rows) < 0.4
    positive[:2] = [True, False]
    return positive, np.clip(positive * 0.3 + generator.random(rows) * 0.7, 0, 1).round(2)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 80))
def test_each_threshold_leads_to_what_scikit_learn_counts(seed, rows):
    positive, probabilities = scored(seed, rows)
    found = decisions(positive, probabilities)
    for i, threshold in enumerate(found.thresholds):
        said = probabilities >= threshold
        assert found.precision[i] == pytest.approx(reference.precision_score(positive, said, zero_division=0))
        assert found.recall[i] == pytest.approx(reference.recall_score(positive, said))
        assert found.f1[i] == pytest.approx(reference.f1_score(positive, said))
        assert found.accuracy[i] == pytest.approx(reference.accuracy_score(positive, said))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 80), metric=st.sampled_from(["f1", "accuracy", "recall"]))
def test_no_threshold_is_better_than_the_best(seed, rows, metric):
    positive, probabilities = scored(seed, rows)
    best = best_threshold(positive, probabilities, Threshold.model_validate({"metric": metric}))
    score = {"f1": reference.f1_score, "accuracy": reference.accuracy_score, "recall": reference.recall_score}[metric]
    reached = score(positive, probabilities >= best)
    for other in np.unique(probabilities):
        assert score(positive, probabilities >= other) <= reached + 1e-12


def test_a_least_precision_is_kept():
    positive, probabilities = scored(1, 200)
    wanted = Threshold.model_validate({"metric": "recall", "minPrecision": 0.9})
    threshold = best_threshold(positive, probabilities, wanted)
    assert reference.precision_score(positive, probabilities >= threshold) >= 0.9


def test_what_cannot_be_reached_is_said():
    positive = np.array([False, True, False, True])
    wanted = Threshold.model_validate({"minPrecision": 0.9, "minRecall": 0.9})
    with pytest.raises(DataError, match=r"no threshold reaches minPrecision 0\.9 and minRecall 0\.9"):
        best_threshold(positive, np.array([0.9, 0.8, 0.7, 0.6]), wanted)
