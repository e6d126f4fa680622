"""Digests of rows: every change of content changes them, and nothing else does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.cells import CategoryCells
from evermodel.data.columns import Column, as_moments, read_column
from evermodel.data.digest import (
    ascending,
    chance,
    column_digests,
    content_order,
    data_digest,
    distinct_rows,
    row_hashes,
)

CELLS = st.tuples(st.none() | st.floats(allow_infinity=False, width=64), st.none() | st.text(max_size=3), st.booleans())
KNOWN = "sha256:4ded1a9d35e359749adf1ab4c9f4b19da1b867f8712d9c7f43bddfef4dce083d"
KNOWN_NUMBER = "sha256:247c84fedbbca315ec67497644d120ad065da8c0d9f166fba900e59adaa1e7d8"
ROWS = st.lists(CELLS, min_size=1, max_size=25)


def texts(values):
    """A column of text, also where all of it is missing: that alone would be read as numbers."""
    codes, levels = pd.factorize(np.array(values, dtype=object))
    return Column("text", "category", "BYTES", CategoryCells.of(codes, levels.tolist()))


def table(rows):
    numbers, words, flags = zip(*rows, strict=True)
    return [
        read_column("number", pd.Series(numbers, dtype="float64")),
        texts(words),
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
        differ = row_hashes(before) != row_hashes(after)
        assert np.flatnonzero(differ.any(axis=1)).tolist() == [at]
        assert differ[at].all(), "in both halves"
        differing = {name for name, own in column_digests(before).items() if own != column_digests(after)[name]}
        names = ("number", "text", "flag")
        same = {name for name, one, other in zip(names, rows[at], changed, strict=True) if repr(one) == repr(other)}
        assert differing == set(names) - same


@settings(deadline=None)
@given(rows=st.lists(CELLS, min_size=2, max_size=25), data=st.data())
def test_two_cells_that_change_places_change_the_digest(rows, data):
    # given two rows that differ in a number and in more
    one, other = data.draw(st.permutations(range(len(rows))))[:2]
    rows = list(rows)
    rows[one], rows[other] = (1.5, "one", True), (2.5, "other", True)
    swapped = list(rows)
    # when their numbers change places
    swapped[one], swapped[other] = (2.5, "one", True), (1.5, "other", True)
    # then the rows are others, although each column holds the same
    assert digest(table(rows)) != digest(table(swapped))
    assert column_digests(table(rows)) == column_digests(table(swapped))


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-9, 9), min_size=1, max_size=9),
    others=st.lists(st.floats(10, 20), min_size=9, max_size=9),
)
def test_columns_that_change_places_change_the_digest(values, others):
    def two(a, b):
        return [read_column("a", pd.Series(a)), read_column("b", pd.Series(b))]

    others = others[: len(values)]
    assert digest(two(values, others)) != digest(two(others, values))
    assert (row_hashes(two(values, others)) != row_hashes(two(others, values))).any(axis=1).all()


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


def test_the_digest_of_a_table_is_known():
    # given a table that holds everything; a change of these words is a change of every digest that was recorded
    columns = [
        *table([(1.0, "a", True), (-0.0, None, False), (None, "é\ud800", True)]),
        as_moments(read_column("at", pd.Series(["2026-11-24", None, "1969-12-31T23:59:59.5Z"])), "here"),
    ]
    assert digest(columns) == KNOWN
    assert column_digests(columns)["number"] == KNOWN_NUMBER


@pytest.mark.parametrize("dtype", ["str", "string[python]", "string[pyarrow]", object, "category"])
def test_how_pandas_keeps_text_does_not_matter(dtype):
    values = ["b", "a", None, "", "b"]
    assert digest([read_column("c", pd.Series(values, dtype=dtype))]) == digest(
        [read_column("c", pd.Series(values, dtype=object))]
    )


def test_kinds_are_told_apart_and_types_are_not():
    def one(values, dtype=object):
        return digest([read_column("c", pd.Series(values, dtype=dtype))])

    assert one([1], "int64") == one([1.0], "float64") != one(["1"])
    assert one([True]) == one(["true"]) != one([1])
    assert one(["2026-11-24T00:00:00Z"]) != one([pd.Timestamp("2026-11-24", tz="UTC")])


@settings(deadline=None)
@given(numbers=st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_equal_rows_have_one_number(numbers):
    hashes = row_hashes([read_column("n", pd.Series(numbers))])
    numbered, distinct = distinct_rows(hashes)
    assert (distinct[numbered] == hashes).all()
    assert len(distinct) == len(set(numbers)) == numbered.max() + 1
    assert (distinct[content_order(distinct)] == distinct).all()


def test_no_two_of_many_rows_are_one_and_chance_deals_evenly():
    # given 200,000 rows of few values, which only their combinations tell apart
    grid = np.indices((20, 20, 20, 25)).reshape(4, -1)
    hashes = row_hashes([read_column(name, pd.Series(values)) for name, values in zip("abcd", grid, strict=True)])
    assert len(distinct_rows(hashes)[1]) == grid.shape[1]
    for half in (0, 1):
        assert len(np.unique(hashes[:, half])) == grid.shape[1]
    # then what chance deals to them is spread over all bits: 5 standard deviations of a fair coin
    dealt = chance(hashes, "any")
    ones = np.array([(dealt >> np.uint64(bit) & np.uint64(1)).mean() for bit in range(64)])
    assert np.abs(ones - 0.5).max() < 5 * 0.5 / np.sqrt(len(dealt))
    assert abs(np.corrcoef(dealt.astype(float), chance(hashes, "other").astype(float))[0, 1]) < 0.02


small = st.integers(0, 5).map(np.uint64)


@given(st.lists(st.tuples(small, small), max_size=40))
def test_many_equal_numbers_are_put_in_order_as_by_a_sort_that_keeps_it(pairs):
    # given pairs of which many are equal
    first, second = np.array(pairs, dtype=np.uint64).reshape(-1, 2).T
    # then their order is that of a sort by both, or by one, that keeps the order of equal ones
    assert ascending(first, second).tolist() == np.lexsort((second, first)).tolist()
    assert ascending(first).tolist() == np.argsort(first, kind="stable").tolist()
