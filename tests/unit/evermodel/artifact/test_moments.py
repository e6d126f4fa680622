"""Dates and times."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.artifact.moments import MISSING, moment_texts, moments_of_texts
from evermodel.artifact.prepare import Prepare


@settings(deadline=None)
@given(st.lists(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999) | st.just(MISSING), min_size=1))
def test_every_moment_reads_back_from_its_text(micros):
    texts = moment_texts(np.array(micros, dtype=np.int64))
    assert moments_of_texts(np.where(texts == None, "", texts)).tolist() == micros  # noqa: E711  each of the array


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026", "2026-01-01T00:00:00Z"),
        ("2026-11", "2026-11-01T00:00:00Z"),
        ("20261124", "2026-11-24T00:00:00Z"),
        ("2026-11-24T07:30", "2026-11-24T07:30:00Z"),
        ("2026-11-24 07:30:00+07:00", "2026-11-24T00:30:00Z"),
        ("2026-11-24T07:30:00.123456789Z", "2026-11-24T07:30:00.123456Z"),
        ("now", None),
        ("today", None),
        ("2026-02-30", None),
        (" 2026-11-24", None),
        ("24.11.2026", None),
        ("", None),
        ("2026-11-24\ud800", None),
        ("\uff12\uff10\uff12\uff16-11-24", None),
        (2026, None),
    ],
)
def test_a_text_is_iso_8601_or_no_moment(text, canonical):
    # also beside a text that is finer than a microsecond, and one beyond what nanoseconds can hold
    texts = np.array(["2026-11-24T00:00:00.000000001Z", text, "9999-12-31"], dtype=object)
    assert moment_texts(moments_of_texts(texts)).tolist()[1] == canonical


def test_no_text_at_all_is_no_moment():
    assert moments_of_texts(np.array([None, None, float("nan")], dtype=object)).tolist() == [MISSING] * 3
    assert moments_of_texts(np.array([], dtype=object)).tolist() == []
    assert moment_texts(np.array([], dtype=np.int64)).tolist() == []


def test_the_moments_of_a_clock_and_of_far_away_years_are_the_same_at_serving():
    # given what people write for an end that is open, and words that would be another moment in each run
    steps = [
        {"elapsed": {"out": "days", "from": "begin", "to": "end"}},
        {"dateParts": {"of": "end", "parts": ["year", "week"]}},
    ]
    frame = pd.DataFrame({"begin": ["2026-01-01"] * 4, "end": ["9999-12-31", "0001-01-01", "now", "today"]})
    # when columns are made of them
    made = Prepare(steps).fit_transform(frame)
    # then far away is far away, and such words are no moments
    assert made["end_year"].tolist()[:2] == [9999.0, 1.0]
    assert made["days"].tolist()[0] == (np.datetime64("9999-12-31") - np.datetime64("2026-01-01")).astype(int)
    assert made[["days", "end_year", "end_week"]].tail(2).isna().to_numpy().all()
