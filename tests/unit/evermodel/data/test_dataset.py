"""From raw rows to what a training works on."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.data.dataset import make_dataset
from evermodel.errors import DataError, SpecError
from evermodel_api.training import TrainingSpec

VISITS = pd.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "at": pd.to_datetime(["2026-01-03", "2026-01-01", "2026-01-04", "2026-01-02"], utc=True),
        "born": ["1960-01-01", None, "1970-05-01T12:00:00+02:00", "1950-01-01"],
        "sex": ["f", "m", None, "f"],
        "x": [1.0, 2.0, np.nan, 4.0],
        "y": [5, 6, 7, 8],
    }
)


def spec_of(pipeline=None, target="y", task="Regression", **data):
    return TrainingSpec.model_validate(
        {
            "target": target,
            "task": task,
            "data": {"sources": [{"name": "s", "file": {"uri": "x.csv"}}]} | data,
            "pipeline": pipeline or {},
            "algorithms": [{"name": "a", "estimator": "Ridge" if task == "Regression" else "GaussianNB"}],
        }
    )


def cells(dataset):
    return {column.name: column.cells.tolist() for column in dataset.columns}


def test_rows_are_in_the_order_of_their_content_whatever_the_source_gave():
    # given the same rows in two orders, with another id, which is excluded
    spec = spec_of(exclude=["id"])
    one, other = make_dataset(VISITS, spec), make_dataset(VISITS.iloc[::-1].assign(id=9), spec)
    # then everything but the id is the same
    assert (one.digest, one.column_digests) == (other.digest, other.column_digests)
    assert one.hashes.tolist() == other.hashes.tolist() == sorted(one.hashes.tolist())
    assert repr(cells(one)) == repr(cells(other))
    assert one.target.cells.tolist() == other.target.cells.tolist()
    # and the rows as they came stand in the same order
    everything = np.ones(4, dtype=bool)
    assert one.raw(everything)["y"].tolist() == one.target.cells.tolist()
    assert sorted(one.raw(everything)["id"]) == [1, 2, 3, 4]
    assert one.raw(np.array([2]))["y"].tolist() == [one.target.cells[2]]
    assert (len(one), one.rows_read) == (4, 4)


def test_a_frame_of_some_rows_has_canonical_cells():
    dataset = make_dataset(VISITS, spec_of(exclude=["id"]))
    mask = dataset.target.cells > 6
    features = [column for column in dataset.columns if column.kind != "moment"]
    frame = dataset.frame(features, mask)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "born": "object",
        "sex": "object",
        "x": "float64",
    }
    for column in features:
        wanted = pd.Series(column.at(mask))
        assert frame[column.name].isna().tolist() == wanted.isna().tolist()
        assert frame[column.name].dropna().tolist() == wanted.dropna().tolist()
    assert frame.index.tolist() == [0, 1]


def test_dates_are_kept_for_prepare_and_count_as_content_only_when_it_takes_them():
    # given a column of dates, and one of text that prepare takes as dates
    prepare = {"prepare": [{"elapsed": {"out": "age", "from": "born", "to": "at"}}]}
    later = VISITS.assign(at=VISITS["at"] + pd.Timedelta("1s"))
    # when nobody takes them
    kinds = {column.name: column.kind for column in make_dataset(VISITS, spec_of()).columns}
    assert kinds == {"id": "number", "at": "moment", "born": "category", "sex": "category", "x": "number"}
    assert make_dataset(VISITS, spec_of()).digest == make_dataset(later, spec_of()).digest
    assert "at" not in make_dataset(VISITS, spec_of()).column_digests
    # and when prepare does
    taken = make_dataset(VISITS, spec_of(prepare))
    assert {column.name: column.kind for column in taken.columns}["born"] == "moment"
    assert taken.digest != make_dataset(later, spec_of(prepare)).digest
    assert set(taken.column_digests) == {"id", "at", "born", "sex", "x", "y"}


def test_a_date_that_is_excluded_is_there_for_prepare_and_nobody_else():
    prepare = {"prepare": [{"dateParts": {"of": "at", "parts": ["month"]}}]}
    assert "at" in {column.name for column in make_dataset(VISITS, spec_of(prepare, exclude=["at", "id"])).columns}
    assert "at" not in {column.name for column in make_dataset(VISITS, spec_of(exclude=["at", "id"])).columns}
    made = {"prepare": [{"log": {"out": "at", "of": "x"}}, {"dateParts": {"of": "at", "parts": ["month"]}}]}
    assert "at" not in {column.name for column in make_dataset(VISITS, spec_of(made, exclude=["at"])).columns}


def test_text_that_prepare_takes_and_that_is_no_date_is_told():
    prepare = {"prepare": [{"isMissing": {"out": "a", "of": "x"}}, {"dateParts": {"of": "sex", "parts": ["month"]}}]}
    with pytest.raises(DataError, match=r"pipeline\.prepare\[1\] takes the column 'sex' as dates, and 3 of") as error:
        make_dataset(VISITS, spec_of(prepare))
    assert error.value.reason == "NotADate"


def test_the_split_column_is_no_feature_and_its_content_counts():
    for kind, by in (("Group", "sex"), ("Time", "at"), ("Time", "born"), ("Time", "id")):
        data = {"split": {"kind": kind, "by": by}, "rows": [{"dropMissing": {"columns": [by]}}]}
        dataset = make_dataset(VISITS, spec_of(**data))
        assert by not in {column.name for column in dataset.columns}
        assert by in dataset.column_digests
        assert (dataset.groups is None, dataset.moments is None) == (
            (False, True) if kind == "Group" else (True, False)
        )
        values = dataset.groups[:, 0] if kind == "Group" else dataset.moments
        # then rows of one value have one, in the order of the dataset
        raw = dataset.raw(np.ones(len(dataset), dtype=bool))[by]
        if by != "born":
            assert pd.factorize(values)[0].tolist() == pd.factorize(raw)[0].tolist()
        if kind == "Time" and by != "born":
            assert values.argsort().tolist() == raw.argsort().tolist()


@pytest.mark.parametrize(
    ("data", "error", "reason", "said"),
    [
        (
            {"split": {"kind": "Group", "by": "sex"}},
            DataError,
            "SplitValueMissing",
            "1 of 4 rows have no value in the column 'sex'",
        ),
        (
            {"split": {"kind": "Time", "by": "born"}},
            DataError,
            "SplitValueMissing",
            "add {dropMissing: {columns: [born]}}",
        ),
        (
            {"split": {"kind": "Time", "by": "sex"}},
            DataError,
            "NotADate",
            "data.split.by takes the column 'sex' as dates",
        ),
        (
            {"split": {"kind": "Time", "by": "flag"}},
            DataError,
            "NotADate",
            "holds 'true' and is neither a date nor a number",
        ),
        (
            {"split": {"kind": "Time", "by": "when"}},
            SpecError,
            "ColumnMissing",
            "data.split.by names the column 'when'",
        ),
        ({"exclude": ["no"]}, SpecError, "ColumnMissing", "data.exclude names the column 'no'"),
    ],
)
def test_a_wrong_column_is_told_with_its_place(data, error, reason, said):
    with pytest.raises(error) as told:
        make_dataset(VISITS.assign(flag=True), spec_of(**data))
    assert told.value.reason == reason
    assert said in str(told.value)


def test_a_target_of_dates_is_refused():
    with pytest.raises(SpecError, match="the target 'at' holds dates or times") as error:
        make_dataset(VISITS, spec_of(target="at"))
    assert error.value.reason == "ColumnNotAFeature"


ROW = st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 2), st.sampled_from([0, 1]))


@settings(deadline=None)
@given(
    rows=st.lists(ROW, min_size=2, max_size=20).filter(lambda rows: len({row[2] for row in rows}) == 2), data=st.data()
)
def test_nothing_follows_from_the_order_of_rows(rows, data):
    spec = spec_of(task="Classification", target="c", split={"kind": "Group", "by": "a"})

    def made(listed):
        return make_dataset(pd.DataFrame(listed, columns=["a", "b", "c"]).astype({"b": "float64"}), spec)

    one, other = made(rows), made(data.draw(st.permutations(rows)))
    assert (one.digest, one.column_digests) == (other.digest, other.column_digests)
    assert (one.hashes == other.hashes).all()
    assert (one.groups == other.groups).all()
    assert repr(cells(one)) == repr(cells(other))
    assert one.target.cells.tolist() == other.target.cells.tolist()


def test_it_costs_little_more_than_the_rows_themselves():
    # given rows as a Parquet file gives them
    rows = 100_000
    generator = np.random.default_rng(0)
    numbers = pd.DataFrame(generator.normal(size=(rows, 20)), columns=[f"f{i}" for i in range(20)])
    words = {f"c{i}": pd.Series(generator.choice(["one", "two", "three"], rows), dtype="str") for i in range(5)}
    frame = numbers.assign(**words, y=generator.integers(0, 2, rows))
    own = frame.memory_usage(deep=False).sum()
    spec = spec_of(task="Classification")
    make_dataset(frame.head(100), spec)
    # when a dataset is made of them
    tracemalloc.start()
    dataset = make_dataset(frame, spec)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # then most of it is the rows that were there
    assert len(dataset) == rows
    assert kept < 0.25 * own, f"{kept / own:.2f}"
    assert peak < 0.6 * own, f"{peak / own:.2f}"
