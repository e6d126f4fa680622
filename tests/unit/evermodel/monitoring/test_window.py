"""Sampling a window that is larger than its limit."""

import numpy as np
import pyarrow as pa

from evermodel.monitoring.columns import NumberColumn
from evermodel.monitoring.window import LazyColumns, Reservoir, grouped, sampled_rows


def rows(start, stop):
    return pa.table({"i": list(range(start, stop))})


def sample(size, tables):
    reservoir = Reservoir(size)
    for table in tables:
        reservoir.add(table)
    return reservoir


def test_all_rows_are_kept_in_order_below_the_limit():
    kept = sample(10, [rows(0, 4), rows(4, 8)])
    assert kept.sample()["i"].to_pylist() == list(range(8))
    assert kept.seen == 8


def test_the_limit_holds_and_the_order_stays():
    kept = sample(100, (rows(n, n + 50) for n in range(0, 5000, 50)))
    values = kept.sample()["i"].to_pylist()
    assert len(values) == 100
    assert values == sorted(values)
    assert kept.seen == 5000


def test_the_sample_does_not_depend_on_how_rows_are_cut_into_files():
    one = sample(100, [rows(0, 5000)]).sample()
    many = sample(100, (rows(n, n + 10) for n in range(0, 5000, 10))).sample()
    assert one["i"].to_pylist() == many["i"].to_pylist()


def test_each_row_has_the_same_chance():
    values = np.array(sample(2000, (rows(n, n + 100) for n in range(0, 20000, 100))).sample()["i"])
    counts = np.bincount(values // 2000, minlength=10)
    assert np.all(np.abs(counts - 200) < 5 * np.sqrt(200))


def test_columns_that_only_some_files_have_are_missing_in_the_others():
    kept = sample(10, [pa.table({"a": [1]}), pa.table({"a": [2], "b": ["x"]})]).sample()
    assert kept["b"].to_pylist() == [None, "x"]


def test_nothing_was_offered():
    assert Reservoir(10).sample() is None


def test_rows_of_one_table_are_sampled_as_a_reservoir_does():
    kept = sample(100, [rows(0, 5000)]).sample()["i"].to_pylist()
    assert sampled_rows(5000, 100).tolist() == kept
    assert sampled_rows(100, 100) is None


def test_columns_are_read_in_groups_that_fit_into_memory_and_each_once():
    # given columns of which two fit together
    asked, names = [], ["a", "b", "c", "d", "e"]

    def read(wanted):
        asked.append(list(wanted))
        return {name: NumberColumn(np.zeros(1)) for name in wanted}

    columns = LazyColumns(names, 2_000_000, read)
    # when all are looked at
    seen = [name for group in grouped(columns) for name in group]
    # then
    assert seen == names
    assert asked == [["a", "b"], ["c", "d"], ["e"]]
    assert (len(columns), "a" in columns, "z" in columns) == (5, True, False)
