"""Cells of every type as numbers and categories."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.artifact.frame import category_text
from evermodel.monitoring.columns import category_column, level_text, number_column

cells = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_infinity=False), st.text())


@given(cells)
def test_a_category_has_the_text_that_training_gave_it(cell):
    assert level_text(cell) == category_text(cell)


@pytest.mark.parametrize(
    ("array", "values", "unreadable"),
    [
        (pa.array([1, None, 3], pa.int64()), [1, np.nan, 3], 0),
        (pa.array([True, False]), [1, 0], 0),
        (pa.array(["1.5", " 2 ", "", None, "old", "inf"]), [1.5, 2, np.nan, np.nan, np.nan, np.inf], 2),
        (pa.array([None, None], pa.null()), [np.nan, np.nan], 0),
        (pa.array([date(2026, 1, 1)]), [np.nan], 1),
        (pa.array([[1.0], None]), [np.nan, np.nan], 1),
        (pa.array(["1", "2", "1"]).dictionary_encode(), [1, 2, 1], 0),
        (pa.array([np.inf, -np.inf, np.nan]), [np.inf, -np.inf, np.nan], 0),
    ],
)
def test_numbers(array, values, unreadable):
    column = number_column(pa.chunked_array([array]))
    np.testing.assert_array_equal(column.values, np.array(values, dtype=float))
    assert column.unreadable == unreadable


@pytest.mark.parametrize(
    ("array", "counts", "missing"),
    [
        (pa.array(["a", "b", "a", None]), {"a": 2, "b": 1}, 1),
        (pa.array([True, False, True]), {"true": 2, "false": 1}, 0),
        (pa.array([1.0, 1.5, np.nan, None]), {"1": 1, "1.5": 1}, 2),
        (pa.array([3, 3, 4]), {"3": 2, "4": 1}, 0),
        (pa.array([0.0, -0.0]), {"0": 2}, 0),
        (pa.array([None, None], pa.null()), {}, 2),
        (pa.array(["x", None, "x"]).dictionary_encode(), {"x": 2}, 1),
        (pa.array([["a"], ["a"], None]), {"['a']": 2}, 1),
        (pa.array([date(2026, 1, 1)]), {"2026-01-01": 1}, 0),
        (pa.array([], pa.string()), {}, 0),
    ],
)
def test_categories(array, counts, missing):
    column = category_column(pa.chunked_array([array]))
    assert column.counts == counts
    assert column.missing == missing


def test_chunks_may_have_dictionaries_of_their_own():
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", "c"]).dictionary_encode()]
    assert category_column(pa.chunked_array(chunks)).counts == {"a": 1, "b": 2, "c": 1}


def test_an_empty_column():
    empty = pa.chunked_array([], pa.string())
    assert category_column(empty).counts == {}
    assert number_column(empty).values.size == 0
