"""A baseline is bounded, and the same whatever the order of the rows."""

import json

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from evermodel.artifact.baseline import MAX_LEVELS, Baseline, values_each
from evermodel.artifact.matrix import level_places, sample_of
from evermodel.artifact.profiling import build_baseline, profile_categories, profile_numbers
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel_api.training import Task

SIGNATURE = Signature(
    task=Task.REGRESSION,
    target="y",
    columns=[
        ColumnSignature(name="n", kind="number", datatype="FP64"),
        ColumnSignature(name="c", kind="category", datatype="BYTES"),
    ],
)


def rows(count=500):
    random = np.random.default_rng(0)
    cells = random.choice(np.array(["a", "b", None], dtype=object), count)
    return pd.DataFrame({"n": random.normal(size=count).round(1), "c": cells})


def test_the_order_of_the_rows_does_not_matter():
    frame = rows()
    again = build_baseline(SIGNATURE, frame.sample(frac=1.0, random_state=1), {"rmse": 1.0})
    assert again.dump() == build_baseline(SIGNATURE, frame, {"rmse": 1.0}).dump()


def test_it_comes_back_from_json_as_it_was():
    baseline = build_baseline(SIGNATURE, rows(), {})
    again = Baseline.model_validate_json(json.dumps(baseline.dump()))
    assert np.array_equal(again.columns["n"].quantiles, baseline.columns["n"].quantiles)
    assert again.dump() == baseline.dump()
    assert sample_of(again) is None


@pytest.mark.parametrize("broken", ["no base64!", "AAAA"])
def test_broken_numbers_are_refused(broken):
    document = build_baseline(SIGNATURE, rows(), {}).dump()
    document["columns"]["n"]["quantiles"] = broken
    with pytest.raises(ValidationError):
        Baseline.model_validate(document)


@pytest.mark.parametrize(("columns", "each"), [(0, 10_000), (24, 10_000), (200, 5_000), (1000, 1_000), (10_000, 1_000)])
def test_columns_of_numbers_share_a_budget(columns, each):
    assert values_each(columns) == each
    assert len(profile_numbers(np.arange(20_000.0), each).quantiles) == each


def test_rare_levels_are_counted_together():
    cells = pd.Series([f"level-{i:05}" for i in range(MAX_LEVELS + 500)] + ["often"] * 50, dtype=object)
    profile = profile_categories(cells)
    assert (len(profile.counts), profile.counts["often"]) == (MAX_LEVELS, 50)
    assert (profile.n, profile.others) == (len(cells), 501)


def test_categories_are_places_of_sorted_levels():
    profile = profile_categories(pd.Series(["b", "a", "b"], dtype=object))
    assert np.array_equal(level_places(profile, ["a", "b", "new", None]), [0.0, 1.0, 2.0, np.nan], equal_nan=True)
