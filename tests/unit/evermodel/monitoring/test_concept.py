"""Concept drift is seen in the errors, dated, and never where the model got better."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from evermodel.metrics import Answers
from evermodel.monitoring.concept import find_concept_drift
from evermodel_api.monitor import Concept
from evermodel_api.training import Task

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def classes(wrong):
    return Answers(np.zeros(len(wrong)), np.array(wrong, dtype=float), None, 2)


def errors(before, after, seed=0, rows=600):
    random = np.random.default_rng(seed)
    return random.random(2 * rows) < np.repeat([before, after], rows)


def test_more_errors_are_found_and_dated():
    moments = [NOON + timedelta(seconds=i) for i in range(1200)]
    found = find_concept_drift(Concept(), Task.CLASSIFICATION, classes(errors(0.1, 0.4)), moments)
    assert found.drift
    assert abs(found.row - 600) < 60
    assert found.since == moments[found.row]
    assert found.after > found.before + 0.2


@pytest.mark.parametrize(("before", "after"), [(0.4, 0.1), (0.2, 0.2)])
def test_a_model_that_got_better_or_stayed_alarms_never(before, after):
    found = [find_concept_drift(Concept(), Task.CLASSIFICATION, classes(errors(before, after, s))) for s in range(10)]
    assert not any(finding.drift for finding in found)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
def test_larger_errors_of_numbers_whatever_their_unit(unit):
    random = np.random.default_rng(0)
    truth = np.zeros(1000)
    predicted = random.normal(size=1000) * np.repeat([1.0, 2.5], 500) * unit
    found = find_concept_drift(Concept(), Task.REGRESSION, Answers(truth, predicted))
    assert found.drift
    assert found.after > found.before


def test_no_labels():
    found = find_concept_drift(Concept(), Task.CLASSIFICATION, classes([]))
    assert (found.drift, found.rows) == (False, 0)
