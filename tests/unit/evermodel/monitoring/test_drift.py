"""Drift of columns and of the data set: found where it is, rare where it is not."""

import numpy as np
import pandas as pd
import pytest

from evermodel.artifact.baseline import Baseline, CategoryProfile
from evermodel.artifact.profiling import build_baseline
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.drift import compare
from evermodel_api.monitor import Drift
from evermodel_api.training import Task

NUMBERS = [f"n{i}" for i in range(7)]
CATEGORIES = ["c0", "c1", "c2"]
LEVELS = np.array(["a", "b", "c", "d"], dtype=object)


def signature():
    columns = [ColumnSignature(name=n, kind="number", datatype="FP64") for n in NUMBERS]
    columns += [ColumnSignature(name=n, kind="category", datatype="BYTES") for n in CATEGORIES]
    return Signature(task=Task.REGRESSION, target="y", columns=columns)


def draw(random, rows, shift=0.0):
    numbers = {n: random.normal(shift, 1.0, rows) for n in NUMBERS}
    return {**numbers, **{n: random.choice(LEVELS, rows, p=[0.4, 0.3, 0.2, 0.1]) for n in CATEGORIES}}


def baseline(rows=5000):
    return build_baseline(signature(), pd.DataFrame(draw(np.random.default_rng(0), rows)), {})


def window(content):
    def column(values):
        if values.dtype == float:
            return NumberColumn(values)
        levels, codes = np.unique(values.astype(str), return_inverse=True)
        return CategoryColumn(codes, levels.tolist())

    return {name: column(values) for name, values in content.items()}


@pytest.mark.parametrize("rows", [50, 200, 1000, 10000])
def test_no_alarm_on_the_data_set_and_few_on_columns_when_nothing_changed(rows):
    reference, random, draws = baseline(), np.random.default_rng(rows), 40
    found = [compare(Drift(), reference, window(draw(random, rows))) for _ in range(draws)]
    assert not any(drift.holds for drift in found)
    assert sum(bool(drift.drifted) for drift in found) <= 2


@pytest.mark.parametrize("rows", [200, 1000, 10000])
def test_a_shift_of_half_a_standard_deviation_is_found_at_every_size(rows):
    found = compare(Drift(), baseline(), window(draw(np.random.default_rng(1), rows, shift=0.5)))
    assert found.holds
    assert {column.column for column in found.drifted} == set(NUMBERS)


def test_a_shift_too_small_to_matter_is_no_drift_however_sure():
    found = compare(Drift(), baseline(), window(draw(np.random.default_rng(1), 50000, shift=0.05)))
    assert not found.drifted
    assert found.columns[0].p_corrected < 0.01


def test_a_reference_of_quantiles_is_as_good_as_its_rows():
    reference = baseline(40000)
    assert len(reference.columns["n0"].quantiles) == 10000
    assert not compare(Drift(), reference, window(draw(np.random.default_rng(2), 10000))).drifted
    assert compare(Drift(), reference, window(draw(np.random.default_rng(2), 10000, shift=0.3))).holds


def test_an_empty_column_is_not_judged_and_does_not_poison_the_others():
    content = window(draw(np.random.default_rng(3), 500, shift=1.0))
    content["n0"] = NumberColumn(np.full(500, np.nan))
    found = compare(Drift(), baseline(), content)
    assert not found.columns[0].judged
    assert len(found.judged) == 9
    assert len(found.drifted) == 6
    assert found.holds


def test_nothing_to_compare_is_not_judged():
    content = {"n0": NumberColumn(np.full(500, np.nan)), "other": NumberColumn(np.ones(500))}
    assert compare(Drift(), baseline(), content).holds is None


def test_excluded_columns_are_not_looked_at():
    spec = Drift.model_validate({"columns": {"exclude": ["n0", "c0"]}})
    found = compare(spec, baseline(), window(draw(np.random.default_rng(3), 500)))
    assert {"n0", "c0"}.isdisjoint(column.column for column in found.columns)


def test_the_share_of_columns_decides_over_the_data_set():
    content = draw(np.random.default_rng(4), 500)
    content["n0"] = content["n0"] + 2.0
    assert not compare(Drift(), baseline(), window(content)).holds
    assert compare(Drift.model_validate({"dataset": {"share": 0.1}}), baseline(), window(content)).holds


def test_new_and_lost_levels_are_drift():
    content = draw(np.random.default_rng(5), 500)
    content["c0"] = np.where(content["c0"] == "a", "new", content["c0"]).astype(object)
    found = compare(Drift(), baseline(), window(content))
    assert [column.column for column in found.drifted] == ["c0"]


def test_the_order_of_rows_does_not_matter():
    content, random = draw(np.random.default_rng(6), 700, shift=0.2), np.random.default_rng(7)
    order = random.permutation(700)
    there, again = (
        compare(Drift(), baseline(), window(cells))
        for cells in (content, {name: values[order] for name, values in content.items()})
    )
    assert again == there


def test_levels_that_the_baseline_counted_together_are_known():
    # given a reference with 50 levels of which the 30 rarer ones were counted together
    reference = CategoryProfile(n=5000, missing=0, counts={f"l{i}": 200 for i in range(20)}, others=1000)
    column = ColumnSignature(name="c", kind="category", datatype="BYTES")
    known = Baseline(rows=5000, columns={column.name: reference}, metrics={})
    levels = [f"l{i}" for i in range(50)]
    shares = np.array([0.04] * 20 + [0.2 / 30] * 30)
    # when / then the same shares are no drift, and others are
    same = CategoryColumn(np.random.default_rng(0).choice(50, 2000, p=shares), levels)
    assert not compare(Drift(), known, {"c": same}).drifted
    more = CategoryColumn(np.random.default_rng(0).choice(np.arange(20, 50), 2000), levels)
    assert compare(Drift(), known, {"c": more}).drifted
