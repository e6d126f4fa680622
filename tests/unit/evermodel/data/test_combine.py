"""Aggregates, joins and unions: the numbers are those of pandas, to the last digit where rows are in another order."""

import itertools
import math
import statistics
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.batches import table_frame
from evermodel.data.combine import combine
from evermodel.data.plan import check_steps, needed
from evermodel.data.spool import spool
from evermodel.errors import DataError, RunError, SpecError
from evermodel_api.training import CombineStep

FOLDERS = itertools.count()
LABS = {
    "patient": [1, 2, 1, 1, None, 2],
    "chol": [200.0, 180.5, None, 210.25, 100.0, 180.5],
    "at": [3, 1, 2, 9, 5, 1],
    "drug": ["a", "b", "b", None, "a", "c"],
}


def run(folder, steps: Sequence[dict], memory_limit=None, **tables) -> pd.DataFrame:
    """What the steps make of tables, each given as columns, a frame, or batches."""
    parsed = [CombineStep.model_validate(step) for step in steps]
    check_steps(list(tables), parsed)
    place = folder / str(next(FOLDERS))
    spooled = {name: spool(batches_of(table), place / name) for name, table in tables.items()}
    return table_frame(combine(spooled, parsed, place / "combine", memory_limit))


def batches_of(table) -> list[pa.RecordBatch]:
    if isinstance(table, list):
        return table
    frame = table if isinstance(table, pd.DataFrame) else pa.table(table)
    return (pa.Table.from_pandas(frame, preserve_index=False) if isinstance(frame, pd.DataFrame) else frame).to_batches(
        3
    )


def aggregated(folder, agg: dict, by=("patient",), **tables) -> pd.DataFrame:
    step = {"aggregate": {"in": "labs", "by": list(by), "out": "out", "agg": agg}}
    return run(folder, [step], **{"labs": LABS, **tables})


def joined(folder, left, right, **fields) -> pd.DataFrame:
    step = {"left": "left", "right": "right", "on": ["k"], "out": "out", **fields}
    return run(folder, [{"join": step}], left=left, right=right)


def refused(error_type: type[RunError], reason: str, said: str, call) -> None:
    with pytest.raises(error_type) as error:
        call()
    assert error.value.reason == reason
    assert said in str(error.value), str(error.value)
    assert "\n" not in str(error.value)


def test_every_function_leaves_missing_values_out(tmp_path):
    agg = {name: ["chol", name] for name in ("count", "distinct", "sum", "mean", "std", "min", "max", "median")}
    frame = aggregated(tmp_path, agg)
    # rows come in the order of their content, and rows without a key make a group of their own
    assert frame["patient"].tolist()[:2] == [1, 2]
    assert math.isnan(frame["patient"][2])
    assert frame["count"].tolist() == [2, 2, 1]
    assert frame["distinct"].tolist() == [2, 1, 1]
    assert frame["sum"].tolist() == [410.25, 361.0, 100.0]
    assert frame["mean"].tolist() == [205.125, 180.5, 100.0]
    assert frame["std"].tolist()[:2] == [statistics.stdev([200.0, 210.25]), 0.0]
    assert math.isnan(frame["std"][2])
    assert frame["min"].tolist() == [200.0, 180.5, 100.0]
    assert frame["max"].tolist() == [210.25, 180.5, 100.0]
    assert frame["median"].tolist() == [205.125, 180.5, 100.0]


def test_first_and_last_follow_their_third_column(tmp_path):
    frame = aggregated(
        tmp_path, {"first": ["chol", "first", "at"], "last": ["chol", "last", "at"], "drug": ["drug", "last", "at"]}
    )
    # the drug at the latest moment is missing for patient 1: the one before it counts
    assert frame["first"].tolist()[:2] == [200.0, 180.5]
    assert frame["last"].tolist()[:2] == [210.25, 180.5]
    assert frame["drug"].tolist()[:2] == ["a", "c"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_among_equal_moments_the_values_decide_and_not_the_order_of_rows(tmp_path, order):
    rows = {"k": [1, 1, 1], "v": [["x", "z", "y"][i] for i in order], "at": [7, 7, 7]}
    agg = {"first": ["v", "first", "at"], "last": ["v", "last", "at"]}
    frame = aggregated(tmp_path, agg, by=["k"], labs=rows)
    assert frame[["first", "last"]].to_numpy().tolist() == [["x", "z"]]


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, min_value=-1e120, max_value=1e120)),
        ),
        min_size=1,
        max_size=40,
    ),
    seed=st.integers(0, 5),
)
def test_sums_are_exact_in_whatever_order_rows_come(tmp_path_factory, rows, seed):
    folder = tmp_path_factory.getbasetemp() / "exact"
    frame = pd.DataFrame(rows, columns=["k", "x"]).astype({"k": "int64", "x": "float64"})
    agg = {name: ["x", name] for name in ("sum", "mean", "std", "median", "count")}
    # given the same rows twice, in another order
    found = aggregated(folder, agg, by=["k"], labs=frame)
    again = aggregated(folder, agg, by=["k"], labs=frame.sample(frac=1.0, random_state=seed))
    # then the results are the same to the bit
    pd.testing.assert_frame_equal(found, again, check_exact=True)
    # and are those of exact arithmetic
    for key, group in frame.groupby("k"):
        row = found.set_index("k").loc[key]
        values = group["x"].dropna().tolist()
        assert row["count"] == len(values)
        if not values:
            assert np.isnan(row[["sum", "mean", "std", "median"]].astype(float)).all()
            continue
        scale = frame["x"].abs().max()
        least = max(scale * 2.0**-170, 1e-290)
        assert row["sum"] == pytest.approx(math.fsum(values), rel=1e-14, abs=least)
        assert row["mean"] == pytest.approx(math.fsum(values) / len(values), rel=1e-14, abs=least)
        assert row["median"] == statistics.median(values)
        if len(values) > 1:
            assert row["std"] == pytest.approx(np.std(values, ddof=1), rel=1e-9, abs=max(scale * 1e-14, 1e-140))


def test_cancelling_numbers_leave_what_is_left(tmp_path):
    values = [1e16, 1.0, -1e16, 2.0**-120, 3.0, -4.0]
    frame = aggregated(tmp_path, {"s": ["x", "sum"]}, by=["k"], labs={"k": [1] * 6, "x": values})
    assert frame["s"].tolist() == [math.fsum(values)] == [2.0**-120]


def test_sums_of_whole_numbers_and_booleans_are_exact(tmp_path):
    rows = {"k": [1, 1, 2], "n": [2**62, 2**62, -1], "b": [True, False, None]}
    agg = {"n": ["n", "sum"], "share": ["b", "mean"], "any": ["b", "max"]}
    frame = aggregated(tmp_path, agg, by=["k"], labs=rows)
    assert frame["n"].tolist() == [2.0**63, -1.0]
    assert frame["share"].tolist()[0] == 0.5
    assert frame["any"].tolist() == [True, None]


@pytest.mark.parametrize("value", [0.0, 5e-324, -5e-324, 1e-310, 1.7e308])
def test_sums_of_the_smallest_and_largest_numbers(tmp_path, value):
    frame = aggregated(tmp_path, {"s": ["x", "sum"]}, by=["k"], labs={"k": [1], "x": [value]})
    assert frame["s"].tolist() == [value if abs(value) > 1e-300 else pytest.approx(value, abs=1e-300)]


def test_a_group_is_a_combination_of_keys(tmp_path):
    rows = {"a": ["x", "x", None, None], "b": [1.0, 1.0, 1.0, float("nan")], "v": [1, 2, 3, 4]}
    frame = aggregated(tmp_path, {"v": ["v", "sum"]}, by=["a", "b"], labs=rows)
    assert frame["v"].tolist() == [3.0, 3.0, 4.0]


def test_a_left_join_keeps_rows_without_a_match_and_an_inner_join_does_not(tmp_path):
    left = {"k": [1, 2, 3, None], "x": ["a", "b", "c", "d"]}
    right = {"k": [1.0, 3.0, None], "y": [10, 30, 99]}
    frame = joined(tmp_path, left, right)
    assert list(frame.columns) == ["k", "x", "y"]
    assert frame.set_index("x")["y"].to_dict() == {"a": 10.0, "c": 30.0, "b": pytest.approx(float("nan"), nan_ok=True), "d": pytest.approx(float("nan"), nan_ok=True)}  # fmt: skip
    assert joined(tmp_path, left, right, how="inner")["x"].tolist() == ["a", "c"]


@settings(max_examples=25, deadline=None)
@given(
    left=st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=1, max_size=12),
    right=st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=1, max_size=12),
    how=st.sampled_from(["left", "inner"]),
)
def test_a_join_gives_the_rows_that_a_loop_over_both_would(tmp_path_factory, left, right, how):
    found = joined(
        tmp_path_factory.getbasetemp() / "joins",
        {"k": pa.array(left, pa.int64()), "l": list(range(len(left)))},
        {"k": pa.array(right, pa.int64()), "r": list(range(len(right)))},
        how=how,
        validate="many_to_many",
    )
    expected = []
    for i, key in enumerate(left):
        matches = [j for j, other in enumerate(right) if key is not None and key == other]
        expected += [(i, j) for j in matches] or ([(i, -1)] if how == "left" else [])
    rows = zip(found["l"], found["r"].fillna(-1).astype(int), strict=True)
    assert sorted(rows) == sorted(expected)


@pytest.mark.parametrize(
    ("validate", "left", "right", "said"),
    [
        ("many_to_one", [1, 1], [2, 3], None),
        ("one_to_many", [1, 2], [3, 3], None),
        ("one_to_one", [1, 2, None, None], [3, 4, None, None], None),
        ("many_to_many", [1, 1], [1, 1], None),
        ("many_to_one", [1, 2], [7, 5, 5, 5], "'right' has 3 rows with k = 5"),
        ("one_to_one", [9, 9], [1, 2], "'left' has 2 rows with k = 9"),
        ("one_to_many", [4, 4], [1, 1], "'left' has 2 rows with k = 4"),
    ],
)
def test_keys_that_repeat_and_must_not_are_named(tmp_path, validate, left, right, said):
    def call():
        return joined(tmp_path, {"k": left}, {"k": right}, validate=validate)

    if said is None:
        call()
    else:
        refused(DataError, "JoinInvalid", f"data.combine[0].join.validate is {validate}, and {said}", call)


def test_too_many_rows_without_a_match_are_told(tmp_path):
    left, right = {"k": [1, 2, 3, 4]}, {"k": [1, 2]}
    assert len(joined(tmp_path, left, right, maxUnmatched=0.5)) == 4
    said = "2 of 4 rows of 'left' have no match in 'right', and maxUnmatched allows a share of 0.4"
    refused(DataError, "JoinInvalid", said, lambda: joined(tmp_path, left, right, maxUnmatched=0.4))


def test_keys_of_different_kinds_do_not_meet(tmp_path):
    said = "the key 'k' holds numbers in 'left' and text in 'right'"
    refused(DataError, "JoinInvalid", said, lambda: joined(tmp_path, {"k": [1]}, {"k": ["1"]}))


def test_a_column_that_both_have_is_named(tmp_path):
    said = "'left' and 'right' both have the column 'x', which is no key"
    refused(
        SpecError,
        "CombineInvalid",
        said,
        lambda: joined(tmp_path, {"k": [1], "x": [1]}, {"k": [1], "x": [2], "y": [0]}),
    )


def test_a_union_matches_columns_by_name(tmp_path):
    step = {"union": {"of": ["a", "b"], "out": "all"}}
    frame = run(tmp_path, [step], a={"x": [1], "y": ["p"]}, b={"y": ["q", None], "x": [2.5, 3.0]})
    assert frame.to_dict("list") == {"x": [1.0, 2.5, 3.0], "y": ["p", "q", pytest.approx(float("nan"), nan_ok=True)]}


def test_a_union_of_other_columns_or_kinds_is_refused(tmp_path):
    step = {"union": {"of": ["a", "b"], "out": "all"}}
    said = "'a' has the column 'y' and 'b' has not"
    refused(SpecError, "CombineInvalid", said, lambda: run(tmp_path, [step], a={"x": [1], "y": [1]}, b={"x": [1]}))
    said = "the column 'x' holds numbers and text in different tables"
    refused(DataError, "MixedTypes", said, lambda: run(tmp_path, [step], a={"x": [1]}, b={"x": ["1"]}))


def test_names_are_never_part_of_a_query(tmp_path):
    # given columns whose names would break out of any quotes, or differ in case only
    odd = ['a"b', "a'b", "x; drop table t0; --", "Name", "name", "c0", "count(*)", "ü 東"]
    left = {"k": [1], **{name: [i] for i, name in enumerate(odd)}}
    right = {"k": [1], "NAME": [7]}
    steps = [
        {"join": {"left": "left", "right": "right", "on": ["k"], "out": "both"}},
        {"aggregate": {"in": "both", "by": odd, "out": "out", "agg": {"NAME": ["NAME", "sum"], "n'": ["k", "count"]}}},
    ]
    frame = run(tmp_path, steps, left=left, right=right)
    assert list(frame.columns) == [*odd, "NAME", "n'"]
    assert frame.iloc[0].tolist() == [*range(len(odd)), 7, 1]


def test_types_survive(tmp_path):
    day = pd.Timestamp("2026-11-24")
    columns = {
        "day": pa.array([day.date()]),
        "moment": pa.array([day.tz_localize("UTC")], pa.timestamp("ns", "UTC")),
        "local": pa.array([day], pa.timestamp("ms")),
        "span": pa.array([pd.Timedelta("90s")]),
        "money": pa.array([Decimal("1.25")]),
        "small": pa.array([1.5], pa.float32()),
        "byte": pa.array([200], pa.uint8()),
        "level": pa.array(["a"]).dictionary_encode(),
        "none": pa.nulls(1),
        "list": pa.array([[1, 2]]),
        "object": pa.array([{}]),
    }
    step = {"join": {"left": "left", "right": "right", "on": ["k"], "out": "out"}}
    frame = run(tmp_path, [step], left={"k": [1], **columns}, right={"k": [1]})
    row = frame.iloc[0].to_dict()
    assert row["day"] == day.date()
    assert row["moment"] == day.tz_localize("UTC")
    assert (row["local"], row["span"]) == (day, pd.Timedelta("90s"))
    assert [row[name] for name in ("money", "small", "byte", "level")] == [1.25, 1.5, 200, "a"]
    assert row["none"] is None
    assert (row["list"], row["object"]) == ([1, 2], {})


def test_a_column_of_several_types_keeps_them_and_makes_no_group(tmp_path):
    from evermodel.data.batches import batch_of

    mixed = [batch_of({"k": [1, 2], "v": [1, 2]}), batch_of({"k": [3, 4], "v": ["x", True]})]
    frame = run(tmp_path, [{"join": {"left": "left", "right": "right", "on": ["k"], "out": "out"}}], left=mixed, right={"k": [1]})  # fmt: skip
    assert frame["v"].tolist() == [1, 2, "x", True]
    for agg, by in (({"n": ["k", "count"]}, ["v"]), ({"n": ["v", "max"]}, ["k"]), ({"n": ["v", "sum"]}, ["k"])):
        refused(
            SpecError,
            "CombineInvalid",
            "holds values of several or unusual types",
            lambda agg=agg, by=by: aggregated(tmp_path, agg, by=by, labs=mixed),
        )


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"union": {"of": ["a", "zzz"], "out": "o"}}], "data.combine[0].union reads 'zzz', which is neither a source"),
        ([{"union": {"of": ["a", "b"], "out": "b"}}], "data.combine[0].union.out is 'b', which is there already"),
        ([{"aggregate": {"in": "a", "by": ["k"], "out": "o", "agg": {"n": ["k", "mode"]}}}], "names the function 'mode'"),
        ([{"aggregate": {"in": "a", "by": ["k"], "out": "o", "agg": {"n": ["k", "last"]}}}], "as a third item"),
        ([{"aggregate": {"in": "a", "by": ["k"], "out": "o", "agg": {"n": ["k", "sum", "k"]}}}], "as a third item"),
        ([{"aggregate": {"in": "a", "by": ["k"], "out": "o", "agg": {"k": ["k", "sum"]}}}], "is also a column of by"),
    ],
)  # fmt: skip
def test_what_can_be_seen_before_reading_is_refused_before(steps, said):
    parsed = [CombineStep.model_validate(step) for step in steps]
    refused(SpecError, "CombineInvalid", said, lambda: check_steps(["a", "b"], parsed))


@pytest.mark.parametrize(
    ("agg", "by", "said"),
    [
        ({"n": ["none", "sum"]}, ["patient"], "data.combine[0].aggregate.agg.n names the column 'none', which 'labs' has not; it has patient, chol, at, drug"),
        ({"n": ["chol", "sum"]}, ["none"], "data.combine[0].aggregate.by names the column 'none'"),
        ({"n": ["chol", "last", "none"]}, ["patient"], "names the column 'none'"),
        ({"n": ["drug", "mean"]}, ["patient"], "'drug' holds text, and mean takes numbers"),
    ],
)  # fmt: skip
def test_columns_that_are_not_there_or_do_not_suit_are_named(tmp_path, agg, by, said):
    refused(SpecError, "CombineInvalid", said, lambda: aggregated(tmp_path, agg, by=by))


def test_infinite_values_are_not_added_up(tmp_path):
    rows = {"k": [1], "x": [float("inf")]}
    refused(
        DataError, "InfiniteValues", "the column 'x' of 'labs'",
        lambda: aggregated(tmp_path, {"s": ["x", "mean"]}, by=["k"], labs=rows),
    )  # fmt: skip


def test_only_what_the_last_step_needs_is_done():
    steps = [
        CombineStep.model_validate({"union": {"of": ["a", "b"], "out": "ab"}}),
        CombineStep.model_validate({"union": {"of": ["c", "b"], "out": "cb"}}),
        CombineStep.model_validate({"union": {"of": ["cb", "c"], "out": "last"}}),
    ]
    assert needed(["a", "b", "c"], steps) == (["b", "c"], [1, 2])
    assert needed(["a"], []) == (["a"], [])


def test_steps_may_use_a_table_twice(tmp_path):
    steps = [
        {"aggregate": {"in": "a", "by": ["k"], "out": "sums", "agg": {"s": ["x", "sum"]}}},
        {"aggregate": {"in": "a", "by": ["k"], "out": "tops", "agg": {"t": ["x", "max"]}}},
        {"join": {"left": "sums", "right": "tops", "on": ["k"], "out": "both", "validate": "one_to_one"}},
        {"union": {"of": ["both", "both"], "out": "out"}},
    ]
    frame = run(tmp_path, steps, a={"k": [1, 1, 2], "x": [1.0, 2.0, 5.0]})
    assert frame.to_numpy().tolist() == [[1, 3, 2], [1, 3, 2], [2, 5, 5], [2, 5, 5]]


def test_threads_and_memory_change_nothing(tmp_path, monkeypatch):
    # given more rows than one thread of DuckDB takes at a time, with values of every size
    generator = np.random.default_rng(3)
    rows = 300_000
    labs = pd.DataFrame(
        {
            "k": generator.integers(0, 500, rows),
            "x": generator.normal(size=rows) * 10.0 ** generator.integers(-8, 8, rows),
            "at": generator.integers(0, 50, rows),
        }
    )
    agg = {name: ["x", name] for name in ("sum", "mean", "std", "median")} | {"last": ["x", "last", "at"]}
    step = {"aggregate": {"in": "labs", "by": ["k"], "out": "out", "agg": agg}}
    # when one thread computes it, or four with another limit of memory
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = run(tmp_path, [step], labs=pa.Table.from_pandas(labs).to_batches(10_000))
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    shuffled = pa.Table.from_pandas(labs.sample(frac=1.0, random_state=1), preserve_index=False)
    four = run(tmp_path, [step], labs=shuffled.to_batches(7_000), memory_limit=512 << 20)
    # then all bits are the same, and are those of exact sums
    pd.testing.assert_frame_equal(one, four, check_exact=True)
    assert one["sum"].tolist() == [math.fsum(group) for _, group in labs.groupby("k")["x"]]


def test_a_table_that_is_larger_than_the_memory_is_combined(tmp_path, monkeypatch):
    # given 140 MB of rows that come a few at a time, two for each group, and a limit of 128 MiB
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    size, parts = 50_000, 42
    groups = size * parts // 2

    def batches():
        for part in range(parts):
            numbers = np.arange(part * size, (part + 1) * size)
            texts = pa.array([f"text number {n:>20} of a patient of the clinic" for n in numbers])
            yield pa.record_batch({"k": numbers % groups, "x": numbers / 3.0, "t": texts})

    assert sum(batch.nbytes for batch in batches()) > 128 << 20
    spooled = {"labs": spool(batches(), tmp_path / "labs")}
    agg = {"m": ["x", "median"], "s": ["x", "sum"], "t": ["t", "distinct"]}
    step = CombineStep.model_validate({"aggregate": {"in": "labs", "by": ["k"], "out": "o", "agg": agg}})
    # when it is grouped
    table = combine(spooled, [step], tmp_path / "combine", 128 << 20)
    # then every group is there
    assert table.num_rows == groups
    assert table["t"].to_numpy().tolist() == [2] * groups
    assert table["m"][7].as_py() == pytest.approx((7 / 3 + (7 + groups) / 3) / 2)
