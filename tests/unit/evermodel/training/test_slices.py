"""Slices: every row is in one slice of a feature, and is measured there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.metrics import Answers
from evermodel.training.slices import measure_slices, parts_of
from evermodel_api.training import Metric


@given(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=40))
def test_categories_part_the_rows(cells):
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    parts = parts_of("ward", column)
    assert sorted(np.concatenate([part.rows for part in parts]).tolist()) == list(range(len(cells)))
    for part in parts:
        assert {cells[row] for row in part.rows} <= {None if part.level == "missing" else part.level}


@given(st.lists(st.one_of(st.just(np.nan), st.floats(-100, 100)), min_size=1, max_size=60))
def test_numbers_part_the_rows(cells):
    parts = parts_of("age", np.array(cells, dtype=np.float64))
    assert sorted(np.concatenate([part.rows for part in parts]).tolist()) == list(range(len(cells)))


def test_many_numbers_are_cut_at_their_quartiles():
    parts = parts_of("age", np.arange(101.0))
    assert [part.level for part in parts] == ["0 to 25", "25 to 50", "50 to 75", "75 to 100"]
    assert [len(part.rows) for part in parts] == [25, 25, 25, 26]


def test_a_small_slice_is_told_and_not_judged():
    answers = Answers(np.tile([0.0, 1.0], 15), np.tile([0.0, 1.0], 15), None, 2)
    column = np.array(["a"] * 25 + ["b"] * 5, dtype=object)
    large, small = measure_slices(parts_of("ward", column), [Metric.ACCURACY, Metric.ROC_AUC], answers)
    assert (large.judged, small.judged) == (True, False)
    assert small.scores == {"accuracy": pytest.approx(1.0)}  # roc_auc needs probabilities
