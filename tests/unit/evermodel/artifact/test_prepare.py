"""Stateless columns: what each step makes, and that a row never looks at another."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from evermodel.artifact.prepare import Prepare, names_made, names_taken
from evermodel.artifact.skops_file import dump_model, load_model

NUMBERS = st.one_of(st.just(np.nan), st.floats(-1e6, 1e6), st.just(0.0))
STEPS = [
    {"ratio": {"out": "r", "of": ["a", "b"]}},
    {"difference": {"out": "d", "of": ["a", "b"]}},
    {"product": {"out": "p", "of": ["r", "d"]}},
    {"log": {"out": "l", "of": "a"}},
    {"isMissing": {"out": "m", "of": "when"}},
    {
        "dateParts": {
            "of": "when",
            "parts": ["year", "quarter", "month", "week", "day", "weekday", "dayOfYear", "hour", "minute"],
        }
    },
    {"elapsed": {"out": "e", "from": "born", "to": "when", "unit": "years"}},
]


def rows(**columns):
    return pd.DataFrame(columns)


def test_numbers():
    frame = rows(a=[1.0, 3.0, np.nan, -1.0], b=[2.0, 0.0, 1.0, 4.0])
    made = Prepare(STEPS[:4]).fit(frame).transform(frame)
    assert made["r"].tolist() == pytest.approx([0.5, np.nan, np.nan, -0.25], nan_ok=True)
    assert made["d"].tolist() == pytest.approx([-1.0, 3.0, np.nan, -5.0], nan_ok=True)
    assert made["p"].tolist() == pytest.approx([-0.5, np.nan, np.nan, 1.25], nan_ok=True)
    assert made["l"].tolist() == pytest.approx([np.log(2), np.log(4), np.nan, np.nan], nan_ok=True)


def test_dates():
    when = np.array(["2026-05-03T14:30:00Z", "2026-05-03", None, "no date"], dtype=object)
    born = np.array(["2000-05-03T00:00:00+02:00"] * 4, dtype=object)
    frame = rows(when=when, born=born)
    made = Prepare(STEPS[4:]).fit(frame).transform(frame)
    first = made.iloc[0]
    assert (first["when_year"], first["when_month"], first["when_day"]) == (2026, 5, 3)
    assert (first["when_weekday"], first["when_hour"], first["when_minute"], first["when_dayOfYear"]) == (
        6,
        14,
        30,
        123,
    )
    assert first["e"] == pytest.approx(26, abs=0.01)
    assert made["m"].tolist() == [0, 0, 1, 0]
    assert made["when_year"].isna().tolist() == [False, False, True, True]
    assert made["e"].isna().tolist() == [False, False, True, True]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from(["2026-05-03", None, "x"])), min_size=1, max_size=12))
def test_a_row_is_prepared_as_if_it_were_alone(cells):
    a, b, when = zip(*cells, strict=True)
    frame = rows(
        a=np.array(a),
        b=np.array(b),
        when=np.array(when, dtype=object),
        born=np.array(["1990-01-01"] * len(a), dtype=object),
    )
    prepare = Prepare(STEPS).fit(frame)
    together = prepare.transform(frame)
    for i in range(len(frame)):
        pd.testing.assert_frame_equal(prepare.transform(frame.iloc[[i]]), together.iloc[[i]])


def test_what_a_step_takes_and_makes_is_known_before_it_runs():
    assert names_taken(STEPS[0]) == (["a", "b"], [])
    assert names_taken(STEPS[5]) == ([], ["when"])
    assert names_taken(STEPS[6]) == ([], ["born", "when"])
    assert names_made(STEPS[5])[0] == "when_year"
    frame = rows(
        a=[1.0], b=[2.0], when=np.array(["2026-05-03"], dtype=object), born=np.array(["2000-01-01"], dtype=object)
    )
    prepare = Prepare(STEPS).fit(frame)
    assert prepare.get_feature_names_out().tolist() == prepare.transform(frame).columns.tolist()


def test_it_goes_through_a_model_file():
    frame = rows(a=[1.0, 2.0], b=[3.0, 4.0])
    prepare = clone(Prepare(STEPS[:2])).fit(frame)
    again = load_model(dump_model(prepare))
    pd.testing.assert_frame_equal(again.transform(frame), prepare.transform(frame))
