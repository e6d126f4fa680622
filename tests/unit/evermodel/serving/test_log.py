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
from evermodel.serving.log import Entry, LogTarget, PredictionLogger, encode_entries, is_sampled
from evermodel.serving.protocol.answers import Answers, Question
from evermodel_api.deployment import PredictionLog
from evermodel_api.training import Task

AGE = ColumnSignature(name="age", kind="number", datatype="FP64")
SEX = ColumnSignature(name="sex", kind="category", datatype="BYTES")
CLASSIFIER = Signature(task=Task.CLASSIFICATION, target="y", columns=[AGE, SEX], classes=[0, 1])
AT = datetime(2026, 11, 24, 9, 59, 59, 123456, tzinfo=UTC)


def entry(request_id="r-1", at=AT):
    question = Question([[50, None], ["male", None]])
    return Entry(question, Answers([1, 0], np.array([[0.2, 0.8], [0.9, 0.1]]), request_id, "heart", "heart-3"), at)


def test_one_line_a_row_with_the_columns_of_the_design():
    # given a request of two rows, when it is encoded
    table = pq.read_table(io.BytesIO(encode_entries([entry()], CLASSIFIER, [])))
    # then names and types are those of the layout
    assert table.schema.names == ["_id", "_row", "_at", "_prediction", "_probability", "age", "sex"]
    assert table.schema.types == [
        pa.string(),
        pa.int32(),
        pa.timestamp("us", tz="UTC"),
        pa.string(),
        pa.list_(pa.float64()),
        pa.float64(),
        pa.string(),
    ]
    # and the values are those of the request
    assert table.to_pylist() == [
        {
            "_id": "r-1",
            "_row": 0,
            "_at": AT,
            "_prediction": "1",
            "_probability": [0.2, 0.8],
            "age": 50.0,
            "sex": "male",
        },
        {"_id": "r-1", "_row": 1, "_at": AT, "_prediction": "0", "_probability": [0.9, 0.1], "age": None, "sex": None},
    ]


def test_a_regression_has_no_probabilities_and_redacted_columns_are_not_written():
    signature = Signature(task=Task.REGRESSION, target="y", columns=[AGE, SEX])
    asked = Entry(Question([[50], ["male"]]), Answers([1.5], None, "r", "m", "m-1"), AT)
    table = pq.read_table(io.BytesIO(encode_entries([asked], signature, ["sex"])))
    assert table.schema.names == ["_id", "_row", "_at", "_prediction", "age"]
    assert table["_prediction"].to_pylist() == ["1.5"]


def make_logger(written, **settings):
    target = LogTarget("/store", "heart", "heart-3", "pod-a")
    return PredictionLogger(target, CLASSIFIER, PredictionLog(**settings), written.__setitem__)


def test_requests_lie_in_the_folder_of_their_hour():
    # given requests on both sides of a full hour, in one batch
    written: dict[str, bytes] = {}
    logger = make_logger(written, flush="1h")
    for asked in (entry("a"), entry("b", AT.replace(hour=10)), entry("c")):
        logger.put(asked.question, asked.answers, asked.at)
    # when the log is closed
    logger.close()
    # then each hour has its file, with a name of its own
    assert sorted(written) == [
        "/store/log/heart/heart-3/2026-11-24T09/pod-a-00000000.parquet",
        "/store/log/heart/heart-3/2026-11-24T10/pod-a-00000001.parquet",
    ]
    ids = [pq.read_table(io.BytesIO(content))["_id"].to_pylist() for _, content in sorted(written.items())]
    assert ids == [["a", "a", "c", "c"], ["b", "b"]]
    assert logger.counts == {
        "received": 3,
        "stored": 3,
        "sampled_out": 0,
        "dropped": 0,
        "pending": 0,
        "write_failures": 0,
    }


def test_the_sample_is_exact_by_id_and_counted():
    # given a logger that keeps a quarter
    written: dict[str, bytes] = {}
    logger = make_logger(written, sample=0.25, flush="1h")
    # when 2000 requests come
    for number in range(2000):
        asked = entry(f"request-{number}")
        logger.put(asked.question, asked.answers, asked.at)
    logger.close()
    # then exactly those whose id belongs to the quarter are stored, whole
    kept = {f"request-{n}" for n in range(2000) if is_sampled(f"request-{n}", 0.25)}
    tables = [pq.read_table(io.BytesIO(content)) for content in written.values()]
    assert {i for table in tables for i in table["_id"].to_pylist()} == kept
    assert sum(table.num_rows for table in tables) == 2 * len(kept)
    assert logger.counts["stored"] == len(kept) == pytest.approx(500, abs=80)
    assert logger.counts["received"] == logger.counts["stored"] + logger.counts["sampled_out"] == 2000


@given(st.text(min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_sample_holds_a_smaller_one(request_id, one, other):
    low, high = sorted((one, other))
    assert is_sampled(request_id, high) or not is_sampled(request_id, low)
    assert is_sampled(request_id, 1.0)
    assert not is_sampled(request_id, 0.0)
