"""The report on the data: what it counts, what it flags, and that it takes any rows within its bounds."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evermodel.data.eda import chosen_rows, explore
from evermodel.data.eda_document import ColumnReport, Eda
from evermodel_api.training import Task

ROWS = 400


def look(frame: pd.DataFrame, task: Task = Task.CLASSIFICATION, **settings_: object) -> Eda:
    bounds = {"budget_seconds": 600.0, "max_cells": 10**9, **settings_}
    return explore(frame, "y", task, **bounds)  # type: ignore[arg-type]


def column(eda: Eda, name: str) -> ColumnReport:
    return next(one for one in eda.columns if one.name == name)


def topics(eda: Eda, name: str | None = None) -> set[str]:
    return {flag.topic for flag in eda.flags if name is None or name in flag.columns}


@pytest.fixture(scope="module")
def plain() -> pd.DataFrame:
    """Two classes that follow from a and c; b has nothing to do with them."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"a": generator.normal(size=ROWS), "b": generator.normal(size=ROWS)})
    frame["c"] = np.where(generator.random(ROWS) < 0.5, "left", "right")
    score = frame["a"] + 1.5 * (frame["c"] == "left") + generator.normal(size=ROWS)
    return frame.assign(y=np.where(score > 0.75, "ill", "well"))


def test_rows_without_anything_odd_have_no_flags(plain):
    eda = look(plain)
    assert eda.flags == ()
    assert (eda.rows, eda.sample_rows, eda.complete_rows, eda.duplicates) == (ROWS, ROWS, ROWS, 0)
    assert not eda.time_over


def test_numbers_are_those_of_pandas(plain):
    plain = plain.assign(a=plain["a"].where(plain.index % 7 > 0))
    one = column(look(plain), "a")
    expected = plain["a"].describe()
    assert one.n == expected["count"]
    assert one.missing == ROWS - one.n
    assert one.numbers is not None
    assert one.numbers.quantiles is not None
    assert one.numbers.mean == pytest.approx(expected["mean"], rel=1e-5)
    assert one.numbers.sd == pytest.approx(float(plain["a"].std(ddof=0)), rel=1e-5)
    assert (one.numbers.min, one.numbers.max) == (expected["min"], expected["max"])
    assert one.numbers.quantiles["0.25"] == pytest.approx(expected["25%"], rel=1e-5)


def test_every_value_is_in_a_bin_or_beyond(plain):
    plain = plain.assign(a=plain["a"].where(plain.index != 3, 1e6))
    drawn = column(look(plain), "a").histogram
    assert drawn is not None
    assert sum(drawn.counts) + drawn.below + drawn.above == ROWS
    assert drawn.above == 1
    assert sum(map(sum, drawn.by_class)) == sum(drawn.counts)


def test_whole_numbers_of_a_small_range_get_a_bin_each(plain):
    drawn = column(look(plain.assign(a=plain.index % 5)), "a").histogram
    assert drawn is not None
    assert drawn.counts == (80, 80, 80, 80, 80)


def test_columns_are_ordered_by_what_they_say_of_the_target(plain):
    eda = look(plain)
    strengths = {one.name: one.relation.strength for one in eda.columns if one.relation}
    assert strengths["a"] > 0.3
    assert strengths["c"] > 0.2
    assert strengths["b"] < 0.15
    assert {one.name: one.relation.measure for one in eda.columns if one.relation} == {
        "a": "auc",
        "b": "auc",
        "c": "cramersV",
    }


def test_a_regression_is_described_by_means_and_correlations(plain):
    generator = np.random.default_rng(1)
    target = 2 * plain["a"] + 3 * (plain["c"] == "left") + 0.1 * generator.normal(size=ROWS)
    eda = look(plain.assign(y=target), Task.REGRESSION)
    a, c = column(eda, "a"), column(eda, "c")
    assert a.relation is not None
    assert c.relation is not None
    assert (a.relation.measure, c.relation.measure) == ("spearman", "eta")
    assert a.relation.linear == pytest.approx(float(np.corrcoef(plain["a"], target)[0, 1]), abs=1e-5)
    means = {level.name: level.target_mean for level in c.levels}
    assert means["left"] == pytest.approx(float(target[plain["c"] == "left"].mean()), rel=1e-5)
    assert eda.target.numbers is not None


generator = np.random.default_rng(5)
ODD = {
    "Identifier (counter)": (np.arange(ROWS) + 9000, "Identifier"),
    "Identifier (shuffled counter)": (generator.permutation(ROWS), "Identifier"),
    "Identifier (text)": ([f"u-{i:x}" for i in generator.permutation(ROWS)], "Identifier"),
    "Constant (number)": (np.ones(ROWS), "Constant"),
    "Constant (text)": (["x"] * ROWS, "Constant"),
    "Constant (with gaps)": (["x", None, "x", "x"] * (ROWS // 4), "Constant"),
    "AlmostConstant": (["x"] * (ROWS - 1) + ["z"], "AlmostConstant"),
    "Empty": ([None] * ROWS, "Empty"),
    "Empty (numbers)": (np.full(ROWS, np.nan), "Empty"),
    "Missing": (np.where(np.arange(ROWS) % 2, np.nan, generator.normal(size=ROWS)), "Missing"),
    "HighCardinality": ([f"town {i % 90}" for i in range(ROWS)], "HighCardinality"),
    "Dates": (pd.date_range("2024-01-01", periods=ROWS, freq="h"), "Dates"),
    "Dates (with a zone)": (pd.date_range("2024-01-01", periods=ROWS, freq="h", tz="Asia/Bangkok"), "Dates"),
    "Dates (objects)": ([date(2024, 1, 1 + i % 28) for i in range(ROWS)], "Dates"),
    "Dates (text)": ([f"2024-01-{1 + i % 28:02d}" for i in range(ROWS)], "Dates"),
    "NumbersAsText": ([str(i % 70) for i in range(ROWS - 1)] + ["n/a"], "NumbersAsText"),
    "MixedTypes": (np.array([1, "x"] * (ROWS // 2), dtype=object), "MixedTypes"),
    "MixedTypes (lists)": ([[i] for i in range(ROWS)], "MixedTypes"),
    "Infinite": (np.where(np.arange(ROWS) == 3, np.inf, generator.normal(size=ROWS)), "Infinite"),
    "FarOutliers": (np.where(np.arange(ROWS) == 3, 1e9, generator.normal(size=ROWS)), "FarOutliers"),
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_odd_in_a_column_is_flagged(case, plain):
    cells, topic = ODD[case]
    eda = look(plain.assign(odd=pd.Series(cells)))
    assert topics(eda, "odd") == {topic}
    # and nothing else of the rows is
    assert topics(eda) == {topic}


def test_what_knows_the_target_is_flagged(plain):
    sick = plain["y"] == "ill"
    noise = np.random.default_rng(2).normal(size=ROWS)
    odd = plain.assign(
        leak=sick * 20 + noise,
        backwards=sick * -20 + noise,
        code=np.where(sick, "I10", "Z00"),
        number=sick.astype(int) + 3,
        late=np.where(sick, noise, np.nan),
        almost=np.where(np.arange(ROWS) == 1, "?", np.where(sick, "+", "-")),
    )
    eda = look(odd)
    assert topics(eda, "leak") >= {"Leak"}
    assert topics(eda, "backwards") >= {"Leak"}
    assert topics(eda, "code") >= {"TargetCopy"}
    assert topics(eda, "number") >= {"TargetCopy"}
    assert topics(eda, "late") >= {"MissingFollowsTarget"}
    assert topics(eda, "almost") >= {"Leak"}
    assert topics(eda, "a") == topics(eda, "c") == set()
    assert eda.flags[0].severity == "high"


def test_what_knows_a_number_is_flagged(plain):
    target = plain["a"] * 3 + plain["b"]
    odd = plain.assign(y=target, copy=target, exp=np.exp(target), rounded=target.round(1), good=target + plain["b"])
    odd["gone"] = plain["b"].where(target < 0)
    eda = look(odd, Task.REGRESSION)
    assert topics(eda, "copy") >= {"TargetCopy"}
    assert topics(eda, "exp") >= {"Leak"}
    assert topics(eda, "rounded") >= {"Leak"}
    assert topics(eda, "gone") >= {"MissingFollowsTarget"}
    assert not topics(eda, "good") & {"Leak", "TargetCopy"}


def test_few_rows_prove_no_leak(plain):
    few = plain.head(12)
    eda = look(few.assign(by_chance=(few["y"] == "ill") * 1.0 + few["b"] / 1000))
    assert not topics(eda) & {"Leak", "TargetCopy"}


def test_gaps_at_random_do_not_follow_the_target(plain):
    # given 200 columns with gaps at random
    generator = np.random.default_rng(3)
    gaps = {f"g{i}": np.where(generator.random(ROWS) < 0.2, np.nan, 1.5 + generator.random(ROWS)) for i in range(200)}
    eda = look(pd.concat([plain, pd.DataFrame(gaps)], axis=1))
    # then none of them is flagged, for so many are looked at together
    assert "MissingFollowsTarget" not in topics(eda)


def test_repeated_rows_are_counted_in_any_order(plain):
    more = pd.concat([plain, plain.head(9), plain.head(2)]).sample(frac=1, random_state=0)
    eda = look(more)
    assert eda.duplicates == int(more.duplicated().sum()) == 11
    assert "DuplicateRows" in topics(eda)


def test_rare_classes_are_flagged(plain):
    eda = look(plain.assign(y=["rare"] * 5 + ["often"] * (ROWS - 5)))
    assert topics(eda) >= {"RareClass", "Imbalance"}
    assert [(one.name, one.rows) for one in eda.target.classes] == [("often", 395), ("rare", 5)]


def test_columns_that_say_the_same_are_found(plain):
    eda = look(plain.assign(twin=plain["a"] * -3 + 1, word=np.where(plain["c"] == "left", "links", "rechts")))
    same = {frozenset(flag.columns) for flag in eda.flags if flag.topic == "SameContent"}
    assert same == {frozenset({"a", "twin"}), frozenset({"c", "word"})}
    assert eda.numbers_together is not None
    assert eda.numbers_together.pairs[0].value == -1.0


def test_correlations_are_those_of_pandas():
    generator = np.random.default_rng(4)
    base = generator.normal(size=(300, 3))
    frame = pd.DataFrame(base @ generator.normal(size=(3, 8)), columns=list("abcdefgh"))
    eda = look(frame.assign(y=generator.integers(0, 2, 300)))
    expected = frame.corr(method="spearman")
    assert eda.numbers_together is not None
    assert len(eda.numbers_together.pairs) > 5
    for pair in eda.numbers_together.pairs:
        assert pair.value == pytest.approx(expected.loc[pair.left, pair.right], abs=1e-6)


def test_values_missing_in_the_same_rows_are_found(plain):
    gone = plain.index % 4 == 0
    eda = look(plain.assign(a=plain["a"].mask(gone), b=plain["b"].mask(gone), c=plain["c"].mask(plain.index % 5 == 1)))
    assert eda.missing_together is not None
    assert [(pair.left, pair.right, pair.value) for pair in eda.missing_together.pairs] == [("a", "b", 1.0)]
    assert eda.missing_cells == 280


def test_a_document_goes_through_json(plain):
    eda = look(plain.assign(d=pd.Timestamp("2024-05-01"), e=None))
    assert Eda.model_validate(json.loads(json.dumps(eda.dump(), allow_nan=False))) == eda


def test_the_same_rows_give_the_same_report(plain):
    assert look(plain) == look(plain.copy())


def test_what_is_all_over_the_rows_does_not_depend_on_their_order(plain):
    mixed = plain.sample(frac=1, random_state=1)
    assert look(plain).dump() == look(mixed).dump()


def test_when_the_time_is_over_the_rest_is_counted_only(plain):
    # given a clock that goes on by a second each time it is asked, and two seconds
    clock = count()
    eda = look(plain, budget_seconds=2.5, now=lambda: float(next(clock)))
    # then the columns that came too late are counted, and it is said which they are
    assert eda.time_over
    assert eda.only_summarised == ("c",)
    late = column(eda, "c")
    assert (late.n, late.distinct, late.relation) == (ROWS, 2, None)
    assert column(eda, "a").relation is not None
    assert eda.duplicates is None
    assert eda.numbers_together is None


def test_no_time_at_all_still_gives_a_report(plain):
    eda = look(plain, budget_seconds=0.0)
    assert eda.only_summarised == ("a", "b", "c")
    assert all(one.n == ROWS for one in eda.columns)
    assert [one.rows for one in eda.target.classes] == sorted(plain["y"].value_counts().tolist(), reverse=True)


def test_more_cells_than_allowed_are_sampled_and_counts_stay_whole():
    generator = np.random.default_rng(6)
    frame = pd.DataFrame({"a": generator.normal(size=9000), "c": generator.choice(["x", "y", "z"], 9000)})
    frame = frame.assign(y=(frame["a"] + generator.normal(size=9000) > 0).astype(int))
    whole, part = look(frame), look(frame, max_cells=6000)
    assert part.sample_rows == 2000
    a, b = column(part, "a"), column(whole, "a")
    assert a.numbers is not None
    assert b.numbers is not None
    assert (a.n, a.numbers.min, a.numbers.max, a.numbers.mean) == (b.n, b.numbers.min, b.numbers.max, b.numbers.mean)
    assert column(part, "c").levels[0].rows == column(whole, "c").levels[0].rows
    assert a.relation is not None
    assert b.relation is not None
    assert a.relation.value == pytest.approx(b.relation.value, abs=0.05)


@given(st.integers(0, 100_000), st.integers(1, 5000))
def test_chosen_rows_are_even_and_in_order(rows, most):
    chosen = chosen_rows(rows, most)
    assert len(chosen) == min(rows, most)
    assert (np.diff(chosen) > 0).all()
    if len(chosen):
        assert 0 <= chosen[0] <= chosen[-1] < rows
        assert np.diff(chosen).max(initial=0) <= 2 * (rows // most + 1)


def test_chosen_rows_follow_no_pattern():
    # given rows that take turns in a period of ten
    chosen = chosen_rows(100_000, 10_000)
    shares = np.bincount(chosen % 10, minlength=10) / len(chosen)
    assert shares == pytest.approx(0.1, abs=0.01)


CELLS = {
    "float": st.floats(width=64),
    "int": st.integers(-(2**63), 2**63 - 1),
    "bool": st.booleans(),
    "text": st.text(max_size=5),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=2),
    "date": st.dates(date(1700, 1, 1), date(2200, 1, 1)),
    "moment": st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001  without a zone, as many sources give them
    "list": st.lists(st.integers(), max_size=2),
}
gaps = st.sampled_from([None, float("nan"), pd.NA, pd.NaT])


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(1, 40))
    columns = {}
    for i in range(draw(st.integers(0, 4))):
        kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=2))
        cell = st.one_of(*(CELLS[kind] for kind in kinds), *([gaps] if draw(st.booleans()) else []))
        cells = draw(st.lists(cell, min_size=rows, max_size=rows))
        columns[f"c{i}"] = pd.Series(cells, dtype=object)
        if draw(st.booleans()):
            columns[f"c{i}"] = columns[f"c{i}"].infer_objects()
    answer = draw(st.sampled_from([st.integers(0, 3), *CELLS.values()]))
    answers = draw(st.lists(st.one_of(answer, gaps), min_size=rows, max_size=rows))
    return pd.DataFrame({**columns, "y": pd.Series(answers, dtype=object)})


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frames(), st.sampled_from(Task))
def test_any_rows_are_taken(frame, task):
    from evermodel.data.eda_page import eda_page

    eda = look(frame, task)
    json.dumps(eda.dump(), allow_nan=False)
    assert eda_page(eda).endswith("</html>\n")
    for one in eda.columns:
        assert one.n + one.missing + (one.numbers.infinite if one.numbers else 0) == len(frame)


def test_no_rows_are_taken_too():
    eda = look(pd.DataFrame({"a": [], "y": []}))
    assert (eda.rows, eda.target.classes) == (0, ())


def test_columns_as_arrow_gives_them_are_read():
    frame = pd.DataFrame(
        {
            "number": pd.array([1, 2, None], dtype="Int64"),
            "decimal": [Decimal("1.5"), None, Decimal("2.5")],
            "category": pd.Categorical(["a", None, "b"]),
            "moment": pd.to_datetime([datetime(2024, 1, 1, tzinfo=UTC), None, datetime(2024, 1, 3, tzinfo=UTC)]),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "y": [0, 1, 1],
        }
    )
    kinds = {one.name: (one.kind, one.n) for one in look(frame).columns}
    assert kinds == {
        "number": ("number", 2),
        "decimal": ("number", 2),
        "category": ("category", 2),
        "moment": ("date", 2),
        "flag": ("category", 2),
    }


@pytest.mark.parametrize("numbers", [[1.7976e308], [1.7e308, -1.7e308], [1.7976e308] * 3, [1e200, -1e300, 2.0]])
def test_numbers_whose_squares_are_none_are_told_in_numbers(numbers):
    frame = pd.DataFrame({"c": numbers, "y": range(len(numbers))})
    found = explore(frame, "y", Task.REGRESSION, budget_seconds=5, max_cells=1000)
    json.dumps(found.dump(), allow_nan=False)
