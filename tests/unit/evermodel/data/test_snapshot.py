"""Snapshots: the rows that come back have the content of those that were kept."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from evermodel.data.columns import read_column
from evermodel.data.digest import data_digest, row_hashes
from evermodel.data.snapshot import read_snapshot, write_snapshot
from evermodel.errors import DataError

COLUMNS = {
    "whole": [1, 2, 3],
    "number": [1.5, None, -0.0],
    "whole with gaps": pd.array([1, None, 3], dtype="Int64"),
    "text": ["a", None, "c"],
    "truth": [True, False, True],
    "truth with gaps": [True, None, False],
    "decimal": [Decimal("1.50"), Decimal(2), None],
    "nothing": [None, None, None],
    "level": pd.Categorical(["x", "y", "x"]),
}


def content(frame):
    columns = [read_column(name, frame[name]) for name in frame.columns]
    return data_digest(columns, row_hashes(columns))


def test_what_a_model_may_take_comes_back_with_the_same_content(tmp_path):
    frame = pd.DataFrame(COLUMNS)
    digest, uri = write_snapshot(f"file://{tmp_path}", frame)
    assert uri.endswith(f"snapshots/{digest.removeprefix('sha256:')}.parquet")
    again = read_snapshot(f"file://{tmp_path}", digest)
    assert list(again.columns) == list(frame.columns)
    assert content(again) == content(frame)


def test_dates_come_back_as_dates(tmp_path):
    moments = [datetime(2026, 5, 3, 14, tzinfo=UTC), None]
    frame = pd.DataFrame({"at": pd.to_datetime(moments), "on": pd.Series([date(2026, 5, 3), None], dtype=object)})
    digest, _ = write_snapshot(f"file://{tmp_path}", frame)
    again = read_snapshot(f"file://{tmp_path}", digest)
    assert again["at"].iloc[0] == moments[0]
    assert pd.Timestamp(again["on"].iloc[0]).date() == date(2026, 5, 3)


def test_a_column_that_parquet_cannot_hold_is_kept_as_text(tmp_path):
    frame = pd.DataFrame({"mixed": pd.Series([1, "two", None], dtype=object)})
    digest, _ = write_snapshot(f"file://{tmp_path}", frame)
    assert read_snapshot(f"file://{tmp_path}", digest)["mixed"].tolist()[:2] == ["1", "two"]


def test_equal_rows_have_one_snapshot(tmp_path):
    frame = pd.DataFrame({"a": np.arange(10.0)})
    assert write_snapshot(f"file://{tmp_path}", frame) == write_snapshot(f"file://{tmp_path}", frame.copy())


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_rows_that_are_not_what_was_kept_are_not_read(tmp_path, damage):
    digest, uri = write_snapshot(f"file://{tmp_path}", pd.DataFrame({"a": [1.0]}))
    path = tmp_path / uri.removeprefix(f"file://{tmp_path}/")
    path.unlink()
    if damage == "changed":
        path.write_bytes(b"other rows")
    with pytest.raises(DataError, match="train anew"):
        read_snapshot(f"file://{tmp_path}", digest)
