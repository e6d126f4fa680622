"""Digests of rows: every change of content changes them, and nothing else does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.columns import Column, read_column
from evermodel.data.digest import data_digest, row_hashes

CELLS = st.tuples(st.none() | st.floats(allow_infinity=False, width=64), st.none() | st.text(max_size=3), st.booleans())
ROWS = st.lists(CELLS, min_size=1, max_size=25)


def table(rows):
    numbers, texts, flags = zip(*rows, strict=True)
    text = read_column("text", pd.Series([*texts, "one"], dtype=object))  # without any text it would be numbers
    return [
        read_column("number", pd.Series(numbers, dtype="float64")),
        Column(text.name, text.kind, text.datatype, text.cells[:-1]),
        read_column("flag", pd.Series(flags, dtype=bool)),
    ]


def digest(columns):
    return data_digest(columns, row_hashes(columns))


@settings(deadline=None)
@given(rows=ROWS, data=st.data())
def test_the_order_of_rows_does_not_matter(rows, data):
    assert digest(table(data.draw(st.permutations(rows)))) == digest(table(rows))


@settings(deadline=None)
@given(rows=ROWS, data=st.data())
def test_a_changed_cell_changes_the_digest_and_only_its_row(rows, data):
    at = data.draw(st.integers(0, len(rows) - 1))
    number, text, flag = rows[at]
    changed = data.draw(st.sampled_from([(12345.678, text, flag), (number, "other!", flag), (number, text, not flag)]))
    before, after = table(rows), table([*rows[:at], changed, *rows[at + 1 :]])
    if changed != rows[at]:
        assert digest(before) != digest(after)
        assert np.flatnonzero(row_hashes(before) != row_hashes(after)).tolist() == [at]


def test_a_row_that_comes_once_more_changes_the_digest():
    rows = [(1.0, "a", True), (2.0, "b", False)]
    assert digest(table(rows)) != digest(table([*rows, rows[0]]))


def test_names_kinds_and_order_of_columns_count():
    number, text, flag = table([(1.0, "1", True)])
    digests = {
        digest([number, text]),
        digest([text, number]),
        digest([number]),
        digest([number.as_category()]),
        digest([read_column("other", pd.Series([1.0]))]),
        digest([text, flag]),
    }
    assert len(digests) == 6


def test_every_zero_and_every_missing_number_is_one():
    def number(values):
        return digest([read_column("n", pd.Series(values, dtype="float64"))])

    odd = np.frombuffer(np.array([0x7FF8000000000123], dtype="<u8").tobytes(), dtype="<f8")[0]
    assert number([0.0, np.nan]) == number([-0.0, odd])
    assert number([0.0]) != number([np.nan])


def test_a_missing_category_is_no_text():
    digests = {digest([read_column("c", pd.Series([v, "x"], dtype=object))]) for v in (None, "", "None", "nan")}
    assert len(digests) == 4


@pytest.mark.parametrize("dtype", ["int64", "Int64", "float64", "int8", object])
def test_the_type_that_a_source_gives_whole_numbers_does_not_matter(dtype):
    assert digest([read_column("n", pd.Series([1, 2, 3], dtype=dtype))]) == digest(
        [read_column("n", pd.Series([1.0, 2, 3]))]
    )


def test_hashes_do_not_depend_on_blocks(monkeypatch):
    columns = table([(float(i), str(i), i % 2 == 0) for i in range(50)])
    whole = row_hashes(columns)
    monkeypatch.setattr("evermodel.data.digest._BLOCK_ROWS", 7)
    assert (row_hashes(columns) == whole).all()
