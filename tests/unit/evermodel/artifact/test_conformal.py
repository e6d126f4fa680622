"""Split conformal: the promised share of new rows is covered, whatever the model and the data are."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import binom

from evermodel.artifact.conformal import MAX_SCORES, Conformal, conformal_of
from evermodel.metrics import Answers
from evermodel.training.conformal import conformal


@settings(deadline=None)  # a busy machine is no error
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_the_distance_is_that_of_the_corrected_rank(distances, coverage):
    made = conformal_of("absoluteError", distances)
    rank = math.ceil((len(distances) + 1) * coverage - 1e-9)
    if rank > len(distances):
        with pytest.raises(ValueError, match="is not above 0 and up to"):
            made.distance(coverage)
    else:
        assert made.distance(coverage) == sorted(distances)[max(rank, 1) - 1]


@pytest.mark.parametrize(("rows", "coverage"), [(9, 0.9), (19, 0.95), (99, 0.99), (9, 0.7), (999, 0.999)])
def test_the_most_that_so_many_rows_allow_is_allowed(rows, coverage):
    # (9 + 1) x 0.9 and such must not be rounded to the next rank
    made = conformal_of("absoluteError", [float(i) for i in range(rows)])
    assert made.distance(coverage) == round((rows + 1) * coverage) - 1
    assert made.distance(made.most) == rows - 1


@pytest.mark.parametrize("coverage", [0.0, -0.5, 1.0, 1.5, math.nan])
def test_another_coverage_is_refused(coverage):
    with pytest.raises(ValueError, match=r"is not above 0|cannot convert"):
        conformal_of("absoluteError", [1.0, 2.0]).distance(coverage)


@pytest.mark.parametrize("rows", [MAX_SCORES + 1, 3 * MAX_SCORES + 7])
def test_of_many_rows_some_are_kept_and_the_next_larger_one_stands_for_the_rest(rows):
    made = conformal_of("improbability", [i / rows for i in range(rows)])
    assert len(made.scores) == MAX_SCORES
    for coverage in (0.0001, 0.1, 0.5, 0.9, 0.99, made.most):
        wanted = max(1, math.ceil((rows + 1) * coverage - 1e-9)) - 1
        assert wanted <= round(made.distance(coverage) * rows) <= wanted + rows / MAX_SCORES
    assert made.distance(made.most) == (rows - 1) / rows


@pytest.mark.parametrize(
    "document",
    [
        {"score": "absoluteError", "rows": 2, "scores": [1.0]},
        {"score": "absoluteError", "rows": 2, "scores": [2.0, 1.0]},
        {"score": "absoluteError", "rows": 0, "scores": []},
        {"score": "absoluteError", "rows": 1, "scores": [-1.0]},
        {"score": "another", "rows": 1, "scores": [1.0]},
    ],
)
def test_what_is_no_such_document_is_refused(document):
    with pytest.raises(ValidationError):
        Conformal.model_validate_json(json.dumps(document))


def test_the_coverage_of_new_rows_is_within_binomial_bounds():
    # given a bad model of skewed numbers, many times over, with 50 test rows each
    chance, coverage, times = np.random.default_rng(11), 0.8, 2000
    covered = 0
    for _ in range(times):
        truth = chance.exponential(size=51) ** 2
        answers = np.full(51, 0.7)
        made = conformal(Answers(truth[:50], answers[:50]))
        covered += abs(truth[50] - answers[50]) <= made.distance(coverage)
    # then the share of covered new rows is the promised one, ceil(51 x 0.8) / 51, as far as chance allows
    promised = math.ceil(51 * coverage) / 51
    low, high = binom.interval(0.9999, times, promised)
    assert low <= covered <= high


@pytest.mark.parametrize("classes", [2, 4])
def test_sets_of_classes_hold_the_true_one_as_often_as_promised(classes):
    chance, coverage, times = np.random.default_rng(classes), 0.9, 2000
    covered = 0
    for _ in range(times):
        # given a model that is too sure of itself
        truth = chance.integers(0, classes, 31)
        scores = chance.normal(size=(31, classes)) + 1.0 * (truth[:, None] == np.arange(classes))
        shares = np.exp(4 * scores) / np.exp(4 * scores).sum(axis=1, keepdims=True)
        made = conformal(Answers(truth[:30].astype(float), truth[:30].astype(float), shares[:30], classes))
        covered += 1.0 - shares[30, truth[30]] <= made.distance(coverage) + 1e-9
    low, high = binom.interval(0.9999, times, math.ceil(31 * coverage) / 31)
    assert low <= covered <= high


def test_a_class_that_the_model_does_not_know_is_as_improbable_as_can_be():
    answers = Answers(np.array([-1.0, 1.0]), np.zeros(2), np.array([[0.5, 0.5], [0.25, 0.75]]), 2)
    made = conformal(answers)
    assert (made.score, made.rows, made.scores) == ("improbability", 2, [0.25, 1.0])


def test_answers_that_are_no_numbers_have_no_distances():
    assert conformal(Answers(np.array([1.0, 2.0]), np.array([1.0, np.inf]))) is None
    assert conformal(Answers(np.zeros(0), np.zeros(0))) is None


def test_the_last_bits_of_an_answer_are_not_kept():
    one, other = (conformal(Answers(np.array([0.0]), np.array([value]))) for value in (0.1 + 0.2, 0.3))
    assert one == other
