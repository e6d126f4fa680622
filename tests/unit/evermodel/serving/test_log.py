"""The prediction log is what its readers expect: names, types, folders, and every request in it or counted."""

import io
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.compiled.rows import rows_of_columns
from evermodel.serving.batch import Batch
from evermodel.serving.feedback import micros
from evermodel.serving.keeping import FORMS
from evermodel.serving.log import LogTarget, PredictionLogger, is_sampled
from evermodel.serving.spool.spool import Spool
from evermodel_api.deployment import PredictionLog
from evermodel_api.training import Task

AGE = ColumnSignature(name="age", kind="number", datatype="FP64")
SEX = ColumnSignature(name="sex", kind="category", datatype="BYTES", levels=["female", "male"])
BORN = ColumnSignature(name="born", kind="category", datatype="BYTES", format="date-time")
CLASSIFIER = Signature(task=Task.CLASSIFICATION, target="y", columns=[AGE, SEX], classes=[0, 1])
REGRESSION = Signature(task=Task.REGRESSION, target="y", columns=[AGE, SEX, BORN])
AT = datetime(2026, 11, 24, 9, 59, 59, 123456, tzinfo=UTC)
SHARES = np.array([[0.2, 0.8], [0.9, 0.1]])


class Log:
    """A log of one version, and what it wrote."""

    def __init__(self, folder, signature=CLASSIFIER, **settings):
        self.written: dict[str, bytes] = {}
        self.signature = signature
        spool = Spool(folder, "pod-a", lambda uri, content: self.written.__setitem__(uri, bytes(content)), FORMS)
        settings = PredictionLog(**{"flush": "1h", **settings})
        self.logger = PredictionLogger(LogTarget("/store", "heart", "heart-3"), signature, settings, spool)

    def put(self, columns, numbers, probabilities=None, *, request_id="r-1", at=AT):
        rows = rows_of_columns(self.signature, columns)
        batch = Batch(rows.values, rows.texts)
        self.logger.put(request_id, micros(at), batch, np.asarray(numbers), probabilities)

    def put_two(self, request_id="r-1", at=AT):
        self.put([[50, None], ["male", None]], [1, 0], SHARES, request_id=request_id, at=at)

    def tables(self):
        self.logger.close()
        return [pq.read_table(io.BytesIO(content)) for _, content in sorted(self.written.items())]


def test_one_line_a_row_with_the_columns_of_the_design(tmp_path):
    # given a request of two rows, when the log is closed
    log = Log(tmp_path)
    log.put_two()
    (table,) = log.tables()
    # then names and types are those of the layout, text stored once for each different one
    assert table.schema.names == ["_id", "_row", "_at", "_prediction", "_probability", "age", "sex"]
    plain = [field.type.value_type if pa.types.is_dictionary(field.type) else field.type for field in table.schema]
    shares, moment = pa.list_(pa.float64()), pa.timestamp("us", tz="UTC")
    assert plain == [pa.string(), pa.int32(), moment, pa.string(), shares, pa.float64(), pa.string()]
    # and the values are those of the request
    asked = {"_id": "r-1", "_at": AT}
    first = {"_row": 0, "_prediction": "1", "_probability": [0.2, 0.8], "age": 50.0, "sex": "male"}
    second = {"_row": 1, "_prediction": "0", "_probability": [0.9, 0.1], "age": None, "sex": None}
    assert table.to_pylist() == [asked | first, asked | second]


def test_a_regression_has_no_probabilities_and_redacted_columns_are_not_written(tmp_path):
    log = Log(tmp_path, REGRESSION, redact=["sex"])
    log.put([[50], ["male"], ["2020-02-29"]], [1.5])
    (table,) = log.tables()
    assert table.schema.names == ["_id", "_row", "_at", "_prediction", "age", "born"]
    assert table["_prediction"].to_pylist() == ["1.5"]
    assert table["born"].to_pylist() == ["2020-02-29"]


def test_what_training_never_saw_is_logged_as_it_came(tmp_path):
    # given a request with a new level, and another one with known ones
    log = Log(tmp_path)
    log.put([[1, 2], ["other", "male"]], [0, 1], SHARES, request_id="a")
    log.put([[3], ["female"]], [0], SHARES[:1], request_id="b")
    # when it is stored, then each cell has its text
    (table,) = log.tables()
    assert table["sex"].to_pylist() == ["other", "male", "female"]
    assert table["_id"].to_pylist() == ["a", "a", "b"]


def test_requests_lie_in_the_folder_of_their_hour(tmp_path):
    # given requests on both sides of a full hour, in one batch
    log = Log(tmp_path)
    for request_id, at in [("a", AT), ("b", AT.replace(hour=10)), ("c", AT)]:
        log.put_two(request_id, at)
    # when the log is closed, then each hour has its file
    ids = [table["_id"].to_pylist() for table in log.tables()]
    name = "pod-a-000000-00000000.parquet"
    folders = [f"/store/log/heart/heart-3/2026-11-24T{hour}/{name}" for hour in ("09", "10")]
    assert sorted(log.written) == folders
    assert ids == [["a", "a", "c", "c"], ["b", "b"]]
    nothing = {"sampled_out": 0, "dropped": 0, "pending": 0, "write_failures": 0, "recovered": 0}
    assert log.logger.counts == {"received": 3, "stored": 3, **nothing}


def test_the_sample_is_exact_by_id_and_counted(tmp_path):
    # given a logger that keeps a quarter
    log = Log(tmp_path, sample=0.25)
    # when 2000 requests come
    for number in range(2000):
        log.put_two(f"request-{number}")
    tables = log.tables()
    # then exactly those whose id belongs to the quarter are stored, whole
    kept = {f"request-{n}" for n in range(2000) if is_sampled(f"request-{n}", 0.25)}
    assert {i for table in tables for i in table["_id"].to_pylist()} == kept
    assert sum(table.num_rows for table in tables) == 2 * len(kept)
    counts = log.logger.counts
    assert counts["stored"] == len(kept) == pytest.approx(500, abs=80)
    assert counts["received"] == counts["stored"] + counts["sampled_out"] == 2000


@given(st.text(min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_sample_holds_a_smaller_one(request_id, one, other):
    low, high = sorted((one, other))
    assert is_sampled(request_id, high) or not is_sampled(request_id, low)
    assert is_sampled(request_id, 1.0)
    assert not is_sampled(request_id, 0.0)
