"""Rows from files."""

import gzip
import io
import lzma
from pathlib import Path

import pandas as pd
import pytest

from evermodel.data.batches import to_frame
from evermodel.data.files import Files
from evermodel.data.unavailable import SourceUnavailableError
from evermodel.errors import DataError, SpecError
from evermodel_api.training import FileSource

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})
CSV = FRAME.to_csv(index=False).encode()


def parquet():
    buffer = io.BytesIO()
    FRAME.to_parquet(buffer)
    return buffer.getvalue()


def read(path, declared=None):
    """All rows, which come in batches as they come at once."""
    source = Files("rows", FileSource(uri=str(path), format=declared), {})
    frame = source.frame()
    pd.testing.assert_frame_equal(to_frame(source.batches()), frame)
    return frame


@pytest.mark.parametrize(
    ("name", "content", "declared"),
    [
        ("r.csv", CSV, None),
        ("R.CSV", CSV, None),
        ("r.csv.gz", gzip.compress(CSV, mtime=0), None),
        ("r.csv.xz", lzma.compress(CSV), None),
        ("r.parquet", parquet(), None),
        ("r.pq", parquet(), None),
        ("r.dat", CSV, "csv"),
        ("r", parquet(), "parquet"),
        ("rows of 2026 ü.csv", CSV, None),
    ],
)
def test_a_file_is_read_by_its_suffix_or_as_declared(tmp_path, name, content, declared):
    (tmp_path / name).write_bytes(content)
    frame = read(tmp_path / name, declared)
    assert frame["a"].tolist() == [1, 2, 3]
    assert frame["b"].isna().tolist() == [False, True, False]


def test_a_delimiter_at_the_end_of_every_row_moves_no_value(tmp_path):
    (tmp_path / "r.csv").write_text("a,b\n1,x,\n2,y,\n")
    assert read(tmp_path / "r.csv").to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize(
    "frame", [FRAME.set_index("b"), FRAME.set_index(pd.Index([7, 8, 9]))], ids=["named", "unnamed"]
)
def test_row_labels_of_parquet_are_a_column_where_they_have_a_name(tmp_path, frame):
    # given a file that pandas wrote with row labels
    frame.to_parquet(tmp_path / "r.parquet")
    # then what has a name is a column, and what has none is nothing
    assert set(read(tmp_path / "r.parquet").columns) == {"a", "b"}


def test_a_glob_reads_all_that_match_in_the_order_of_their_names(tmp_path):
    for i in (2, 10, 1):
        FRAME.assign(a=i).to_csv(tmp_path / f"day-{i:02}.csv", index=False)
    assert read(f"file://{tmp_path}/day-*.csv")["a"].tolist() == [1] * 3 + [2] * 3 + [10] * 3


def test_a_store_in_memory_is_a_place_too():
    import fsspec

    with fsspec.open("memory://rows-of-this-test.csv", "wb") as file:
        file.write(CSV)
    assert len(read("memory://rows-of-this-test.csv")) == 3


def test_files_of_one_source_have_the_same_columns(tmp_path):
    FRAME.to_csv(tmp_path / "1.csv", index=False)
    FRAME.rename(columns={"b": "c"}).to_csv(tmp_path / "2.csv", index=False)
    with pytest.raises(DataError, match=r"2\.csv has other columns than .*1\.csv") as error:
        read(tmp_path / "*.csv")
    assert error.value.reason == "ColumnsDiffer"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("r.csv", b"", "NoRows"),
        ("r.csv", b"a,b\n1,2\n1,2,3\n", "SourceUnreadable"),
        ("r.csv", b"a,b\n\xff\xfe,1\n", "SourceUnreadable"),
        ("r.csv", b"a,b\n1,2,3\n4,5,6\n", "SourceUnreadable"),
        ("r.csv", b"a,b\n1,2,3\n4,5\n", "SourceUnreadable"),
        ("r.csv.gz", gzip.compress(CSV, mtime=0)[:-12], "SourceUnreadable"),
        ("r.csv.gz", b"no gzip", "SourceUnreadable"),
        ("r.csv.gz", b"\x1f\x8b\x08\x00" + b"\xff" * 40, "SourceUnreadable"),
        ("r.csv.bz2", b"no bzip2", "SourceUnreadable"),
        ("r.csv.xz", b"no xz", "SourceUnreadable"),
        ("r.parquet", CSV, "SourceUnreadable"),
        ("r.parquet", b"", "SourceUnreadable"),
        ("r.parquet", parquet()[:-20], "SourceUnreadable"),
        ("r.parquet", parquet()[:8] + bytes(150) + parquet()[158:], "SourceUnreadable"),
    ],
)
def test_a_damaged_file_is_the_data_s_fault(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        read(tmp_path / name)
    assert (error.value.reason, error.value.code) == (reason, 3)
    assert str(tmp_path / name) in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_not_there_is_told(tmp_path):
    for uri in (tmp_path / "none.csv", tmp_path / "*.csv"):
        with pytest.raises(DataError, match="no file matches") as error:
            read(uri)
        assert error.value.reason == "SourceNotFound"


@pytest.mark.parametrize("uri", ["nowhere://bucket/r.csv", __file__, str(Path(__file__).parent)])
def test_a_source_that_makes_no_sense_is_the_spec_s_fault(uri):
    with pytest.raises(SpecError, match="source 'rows'") as error:
        read(uri)
    assert error.value.reason == "SourceInvalid"


def test_a_place_that_cannot_be_read_may_come_back(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SourceUnavailableError) as error:
        read(tmp_path / "folder.csv")
    assert (error.value.reason, error.value.code) == ("SourceUnreachable", 1)
