"""Checks of the data itself."""

import numpy as np
import pytest

from evermodel.artifact.baseline import Baseline, CategoryProfile, NumberProfile
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.quality import check_quality
from evermodel_api.monitor import Quality

BASELINE = Baseline(
    rows=100,
    columns={
        "age": NumberProfile(n=90, missing=10, mean=50.0, sd=10.0, min=30.0, max=70.0, quantiles=[30.0, 70.0]),
        "sex": CategoryProfile(n=100, missing=0, counts={"f": 50, "m": 50}),
    },
    metrics={},
)
LIMITS = Quality.model_validate({"missing": {"maxDelta": 0.05}, "outOfRange": {"max": 0.1}, "newLevels": {"max": 0.1}})


def check(age=(50.0,) * 20, codes=(0, 1) * 10, levels=("f", "m"), spec=LIMITS):
    columns = {"age": NumberColumn(np.array(age)), "sex": CategoryColumn(np.array(codes), list(levels))}
    return {(c.check, c.column): c for c in check_quality(spec, BASELINE, columns, 20)}


def test_data_like_the_training_data_passes():
    checks = check()
    assert set(checks) == {("missing", "age"), ("outOfRange", "age"), ("missing", "sex"), ("newLevels", "sex")}
    assert all(c.passed for c in checks.values())


@pytest.mark.parametrize(("missing", "value", "passed"), [(0, 0.0, True), (3, 0.05, True), (4, 0.1, False)])
def test_missing_values_are_counted_against_training(missing, value, passed):
    found = check(age=[np.nan] * missing + [50.0] * (20 - missing))["missing", "age"]
    assert found.value == pytest.approx(value)
    assert found.passed is passed


@pytest.mark.parametrize(
    ("odd", "value"), [(-10.0, 0.0), (-11.0, 0.15), (110.0, 0.0), (111.0, 0.15), (np.inf, 0.15), (-np.inf, 0.15)]
)
def test_the_range_is_widened_by_itself_on_either_side(odd, value):
    assert check(age=[odd] * 3 + [50.0] * 17)["outOfRange", "age"].value == pytest.approx(value)


def test_levels_that_training_never_saw():
    found = check(codes=[2, 2, 2, -1] + [0] * 16, levels=("f", "m", "x"))["newLevels", "sex"]
    assert found.value == pytest.approx(3 / 19)
    assert not found.passed


def test_a_column_with_nothing_in_it_fails_even_when_no_check_was_asked_for():
    checks = check(age=[np.nan] * 20, spec=None)
    assert set(checks) == {("empty", "age")}
    assert not checks["empty", "age"].passed


def test_no_check_is_made_that_was_not_asked_for():
    assert check(spec=None) == {}
