"""Labels: what is taken, what is refused, and how they lie in the store."""

import io
import json
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.serving import feedback
from evermodel.serving.faults import BadRequestError, RequestError, UnavailableError
from evermodel.serving.feedback import FeedbackLog, Label
from evermodel.serving.keeping import FORMS
from evermodel.serving.spool.spool import Limits, Spool
from evermodel_api.training import Task

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
COLUMN = ColumnSignature(name="age", kind="number", datatype="FP64")
NUMBERS = Signature(task=Task.REGRESSION, target="y", columns=[COLUMN])
CLASSES = Signature(task=Task.CLASSIFICATION, target="y", columns=[COLUMN], classes=[0, 1])
TEXTS = Signature(task=Task.CLASSIFICATION, target="y", columns=[COLUMN], classes=["no", "yes"])


def parse(document, signature=CLASSES):
    return feedback.parse(json.dumps(document).encode(), signature, AT)


@pytest.mark.parametrize(
    ("document", "labels"),
    [
        ({"id": "a", "truth": 1}, [("a", 0, 1)]),
        ({"id": "a", "row": 3, "truth": 0}, [("a", 3, 0)]),
        ({"id": "a", "truth": [1, None, 0]}, [("a", 0, 1), ("a", 2, 0)]),
        ([{"id": "a", "truth": 1}, {"id": "b", "truth": [0, 1]}], [("a", 0, 1), ("b", 0, 0), ("b", 1, 1)]),
        ({"labels": [{"id": "a", "truth": 1.0}]}, [("a", 0, 1)]),
    ],
)
def test_labels_come_alone_in_lists_and_by_row(document, labels):
    assert [(label.id, label.row, label.truth) for label in parse(document)] == labels


@pytest.mark.parametrize(
    ("document", "signature", "part"),
    [
        ({"id": "a", "truth": 2}, CLASSES, "label 0: truth must be one of 0, 1, got 2"),
        ({"id": "a", "truth": True}, CLASSES, "truth must be one of 0, 1, got true"),
        ({"id": "a", "truth": "1"}, CLASSES, 'truth must be one of 0, 1, got "1"'),
        ({"id": "a", "truth": "maybe"}, TEXTS, 'truth must be one of "no", "yes", got "maybe"'),
        ({"id": "a", "truth": "5"}, NUMBERS, 'truth must be a number, got "5"'),
        ({"id": "a"}, CLASSES, "got null"),
        ({"truth": 1}, CLASSES, "label 0: id: an id is"),
        ([{"id": "a", "truth": 1}, 5], CLASSES, "label 1: expected an object"),
        ({"id": "a", "truth": 1, "rows": 1}, CLASSES, 'unknown key "rows"'),
        ({"id": "a", "row": -1, "truth": 1}, CLASSES, "row must be the number of a row"),
        ({"id": "a", "row": 0, "truth": [1]}, CLASSES, "leave out row"),
        ([], CLASSES, "there is no label"),
        (7, CLASSES, "expected an object"),
    ],
)
def test_a_wrong_label_is_told(document, signature, part):
    with pytest.raises(BadRequestError) as caught:
        parse(document, signature)
    assert part in str(caught.value)


def test_too_many_labels_are_too_large():
    with pytest.raises(RequestError) as caught:
        parse({"id": "a", "truth": [1] * 10_001})
    assert caught.value.status == 413


def test_labels_lie_in_the_folder_of_the_hour_in_which_they_came(tmp_path):
    # given a log of labels
    written: dict[str, bytes] = {}
    log = FeedbackLog("/store", "heart", Spool(tmp_path, "pod-a", written.__setitem__, FORMS))
    # when labels come and it is closed
    log.put([Label("a", 0, "yes", AT), Label("a", 1, 2.5, AT)])
    log.close()
    # then the file has the columns of the layout, and truth as JSON text
    assert list(written) == ["/store/feedback/heart/2026-11-24T09/pod-a-000000-00000000.parquet"]
    table = pq.read_table(io.BytesIO(written.popitem()[1]))
    assert table.to_pylist() == [
        {"_id": "a", "_row": 0, "_truth": '"yes"', "_at": AT},
        {"_id": "a", "_row": 1, "_truth": "2.5", "_at": AT},
    ]


def test_labels_for_which_there_is_no_room_are_not_acknowledged(tmp_path):
    # given a spool that may hold nothing
    log = FeedbackLog("/store", "heart", Spool(tmp_path, "pod-a", {}.__setitem__, FORMS, Limits(total_bytes=0)))
    with pytest.raises(UnavailableError, match="send them again") as caught:
        log.put([Label("a", 0, 1, AT)])
    assert caught.value.headers == ((b"retry-after", b"5"),)
    log.close()
