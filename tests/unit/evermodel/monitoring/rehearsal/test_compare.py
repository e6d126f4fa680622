"""How differently two versions answer: what is found, and what is refused."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from evermodel.monitoring.columns import CategoryColumn
from evermodel.monitoring.rehearsal.compare import Answered, compare, disagreement, distances, ks_statistic, shift
from evermodel_api.rehearsal import RehearsalLimits

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def classes(*labels: object, second=None):
    shares = None if second is None else np.column_stack([1 - np.array(second), second])
    return Answered(list(labels), shares)


def values(*labels: float):
    return Answered([float(label) for label in labels], None, are_numbers=True)


@given(numbers, numbers)
def test_the_shift_of_numbers_is_the_statistic_of_kolmogorov_and_smirnov(one, other):
    found = ks_statistic(np.array(one), np.array(other))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its p-value is not looked at
        assert found == pytest.approx(ks_2samp(one, other, method="asymp").statistic, abs=1e-12)
    assert found == pytest.approx(ks_statistic(np.array(other), np.array(one)), abs=1e-12)


@given(numbers)
def test_a_version_agrees_with_itself(labels):
    same = values(*labels)
    assert not disagreement(same, same, 0.0).any()
    assert shift(same, same) == 0
    assert compare(same, same, {}, RehearsalLimits(max_disagreement=0, max_shift=0)).passed


def test_classes_differ_when_they_are_not_the_same_and_numbers_when_they_are_far_apart():
    assert disagreement(classes(0, 1, 1), classes(0, 1, 0), 9).tolist() == [False, False, True]
    assert disagreement(classes(True), classes(1), 9).tolist() == [True]
    live, candidate = values(0, 10, 20, 30), values(0.5, 10, 20, 33)
    assert disagreement(live, candidate, 0.1).tolist() == [False, False, False, True]


def test_a_share_of_different_answers_above_the_limit_is_refused():
    # given two of ten rows that are answered differently
    live = classes(*[0] * 10, second=[0.2] * 10)
    candidate = classes(*[0] * 8, 1, 1, second=[*[0.2] * 8, 0.6, 0.9])
    # when a tenth is allowed, then it is refused, and what is different most is known
    found = compare(live, candidate, {}, RehearsalLimits(max_disagreement=0.1))
    assert [(check.name, check.value, check.passed) for check in found.checks] == [
        ("disagreement", 0.2, False),
        ("shift", 0.2, True),
    ]
    np.testing.assert_allclose(found.distances, [*[0.0] * 8, 0.4, 0.7])
    assert np.argmax(found.distances) == 9
    # and when a fifth is allowed, it passes
    assert compare(live, candidate, {}, RehearsalLimits(max_disagreement=0.2)).passed


def test_each_level_is_judged_by_itself_if_it_has_enough_rows():
    # given a candidate that differs for all of the few of one level
    live = classes(*[0] * 100, second=[0.2] * 100)
    candidate = classes(*[1] * 5, *[0] * 95, second=[*[0.9] * 5, *[0.2] * 95])
    sexes = CategoryColumn(np.array([0] * 5 + [1] * 95), ["female", "male"])
    few = RehearsalLimits(by=["sex"], min_slice=5)
    found = compare(live, candidate, {"sex": sexes}, few)
    assert [(check.slice, check.passed) for check in found.checks if not check.passed] == [("sex=female", False)]
    # when a level needs more rows to be judged, then it is told and not judged
    found = compare(live, candidate, {"sex": sexes}, RehearsalLimits(by=["sex"], min_slice=6))
    assert found.passed
    assert [check.limit for check in found.checks if check.slice == "sex=female"] == [None]


def test_without_probabilities_classes_are_counted():
    live, candidate = classes("a", "a", "b", "c"), classes("a", "b", "b", "b")
    assert shift(live, candidate) == 0.5
    assert distances(live, candidate).tolist() == [0, 1, 0, 1]
