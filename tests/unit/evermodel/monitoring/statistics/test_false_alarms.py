"""Statistics hold their level when nothing changed; the full sweep is tests/bench/monitoring/levels.py."""

import numpy as np
import pytest

from evermodel.monitoring.statistics.domain_classifier import domain_classifier
from evermodel.monitoring.statistics.mmd import mmd
from tests.unit.evermodel.monitoring.statistics.null_draws import (
    LEVELS,
    NUMBERS,
    alarms_of_levels,
    alarms_of_numbers,
    bounds,
)

DRAWS, ALPHA = 200, 0.05


@pytest.mark.parametrize("size", [50, 1000])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name, size):
    by_p, by_limit = alarms_of_numbers(name, 2000, size, DRAWS, ALPHA)
    lower, upper = bounds(DRAWS, ALPHA)
    assert lower <= by_p <= upper
    assert by_limit <= upper


@pytest.mark.parametrize("size", [50, 1000, 50000])
@pytest.mark.parametrize("name", LEVELS)
def test_levels(name, size):
    by_p, by_limit = alarms_of_levels(name, 1000, size, DRAWS, ALPHA)
    lower, upper = bounds(DRAWS, ALPHA)
    assert lower <= by_p <= upper
    assert by_limit <= upper


def test_mmd_of_rows():
    random, draws = np.random.default_rng(0), 60
    ps = [mmd(random.normal(size=(60, 3)), random.normal(size=(40, 3))).p for _ in range(draws)]
    assert sum(p <= ALPHA for p in ps) <= bounds(draws, ALPHA)[1]


def test_domain_classifier_of_rows():
    random, draws = np.random.default_rng(0), 8
    ps = [domain_classifier(random.normal(size=(150, 4)), random.normal(size=(150, 4))).p for _ in range(draws)]
    assert sum(p <= ALPHA for p in ps) <= bounds(draws, ALPHA)[1]
