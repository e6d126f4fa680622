"""Rows as CSV and as Arrow: the same rows are the same question, whatever carries them."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.serving.faults import BadRequestError, RequestError, TooLargeError
from evermodel.serving.forms import batch_of
from evermodel.serving.protocol import arrow_table, csv_table, v1
from evermodel.serving.protocol.answers import Answers
from evermodel_api.training import Task

COLUMNS = [
    ColumnSignature(name="age", kind="number", datatype="FP64"),
    ColumnSignature(name="sex", kind="category", datatype="BYTES", levels=["f", "m"]),
    ColumnSignature(name="smoker", kind="category", datatype="BOOL", levels=["false", "true"]),
    ColumnSignature(name="ward", kind="category", datatype="INT64", levels=["1", "2"]),
]
PATIENTS = Signature(task=Task.CLASSIFICATION, target="y", columns=COLUMNS, classes=["no", "yes"])
DATES = Signature(
    task=Task.REGRESSION,
    target="y",
    columns=[ColumnSignature(name="at", kind="category", datatype="BYTES", format="date-time")],
)
STRICT = Signature(
    task=Task.REGRESSION,
    target="y",
    columns=[ColumnSignature(name="x", kind="number", datatype="FP64", takes_missing=False)],
)

MOMENT = datetime.fromisoformat("2026-05-03T14:00:00")
finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
rows_of_patients = st.lists(
    st.tuples(st.none() | finite, st.none() | texts, st.none() | st.booleans(), st.none() | st.integers(0, 9)),
    min_size=1,
    max_size=8,
)
NAMES = [column.name for column in COLUMNS]


def stream(table: pa.Table, **more) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, **more) as writer:
        writer.write_table(table, max_chunksize=3)
    return sink.getvalue()


def as_csv(names, rows) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(names)
    writer.writerows([["" if cell is None else str(cell) for cell in row] for row in rows])
    return written.getvalue().encode()


def same(first, second, signature) -> bool:
    one, other = batch_of(first, signature), batch_of(second, signature)
    return np.array_equal(one.values, other.values, equal_nan=True) and one.texts == other.texts


@settings(deadline=None)
@given(rows=rows_of_patients, order=st.permutations(range(4)), dictionary=st.booleans())
def test_the_same_rows_are_the_same_question(rows, order, dictionary):
    # given rows of numbers, texts, truth values and codes, some missing
    expected = v1.parse({"instances": [list(row) for row in rows]}, PATIENTS)
    names = [NAMES[place] for place in order]
    shuffled = [[row[place] for place in order] for row in rows]
    kinds = dict(zip(NAMES, [pa.float64(), pa.string(), pa.bool_(), pa.int16()], strict=True))
    arrays = [
        pa.array(list(cells), kinds[name]) for name, cells in zip(names, zip(*shuffled, strict=True), strict=True)
    ]
    if dictionary:
        arrays = [array if array.type == pa.bool_() else array.dictionary_encode() for array in arrays]
    # when they come as CSV and as Arrow, their columns in any order
    from_csv = csv_table.parse(as_csv(names, shuffled), PATIENTS)
    from_arrow = arrow_table.parse(stream(pa.table(arrays, names)), PATIENTS)
    # then they are what they are as JSON
    assert same(from_csv, expected, PATIENTS)
    assert same(from_arrow, expected, PATIENTS)


def test_csv_takes_what_programs_write():
    # given a byte order mark, carriage returns, quotes, empty lines and a line end within a cell
    body = '\ufeffsmoker,"age",sex,ward\r\nTrue,64,"a ""b"",\r\nc",1\r\n\r\n,,,\r\n'.encode()
    # when it is read
    question = csv_table.parse(body, PATIENTS)
    # then the cells are what was meant
    assert question.columns == [[64.0, None], ['a "b",\r\nc', None], ["true", None], ["1", None]]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "the body is empty"),
        (b"\n\n", "the body is empty"),
        (b"age,sex,smoker,ward\n", "there is no row to predict"),
        (b"age,sex,smoker\n1,f,0\n", "columns: column ward is not there"),
        (b"age,sex,smoker,ward,x\n1,f,0,1,1\n", 'columns: unknown column "x"'),
        (b"age,age,smoker,ward\n1,1,0,1\n", 'column "age" is there twice'),
        (b"age,sex,smoker,ward\n1,f,0,1\n1,f,0\n", "row 1: expected 4 values as the header has, got 3"),
        (b"age,sex,smoker,ward\nx,f,0,1\n", 'row 0, column age: expected a number, got "x"'),
        (b'age,sex,smoker,ward\n1,"f,0,1\n', "the body is not CSV: unexpected end of data"),
        (b"age,sex,smoker,ward\n1,\xff,0,1\n", "the body is not UTF-8: byte 22 begins no character"),
    ],
)
def test_csv_that_is_wrong_is_told_with_its_place(body, part):
    with pytest.raises(BadRequestError) as caught:
        csv_table.parse(body, PATIENTS)
    assert part in str(caught.value)


def test_too_many_rows_are_too_large():
    with pytest.raises(TooLargeError, match="has 3 rows and the limit is 2"):
        csv_table.parse(b"x\n1\n2\n3\n", STRICT, 2)
    with pytest.raises(TooLargeError, match="the limit is 2"):
        arrow_table.parse(stream(pa.table({"x": [1, 2, 3]})), STRICT, 2)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, 2], pa.uint8()), [1, 2]),
        (pa.array([1.5, None], pa.float32()), [1.5, None]),
        (pa.array([np.float16(0.5), None], pa.float16()), [0.5, None]),
        (pa.array([1.5, float("nan")]), [1.5, None]),
        (pa.array([Decimal(1), None], pa.decimal128(10, 2)), [1, None]),
        (pa.array([None, None]), [None, None]),
        (pa.array([7, None, 7]).dictionary_encode()[1:], [None, 7]),
    ],
)
def test_numbers_of_every_type_are_numbers(array, expected):
    columns = [ColumnSignature(name="x", kind="number", datatype="FP64")]
    signature = Signature(task=Task.REGRESSION, target="y", columns=columns)
    question = arrow_table.parse(stream(pa.table({"x": array})), signature)
    assert same(question, v1.parse({"instances": [[value] for value in expected]}, signature), signature)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([datetime(2026, 5, 3, 14, tzinfo=UTC), None]), ["2026-05-03T14:00:00+00:00", None]),
        (pa.array([MOMENT], pa.timestamp("ns")), ["2026-05-03T14:00:00"]),
        (pa.array([MOMENT], pa.timestamp("s", "Europe/Berlin")), ["2026-05-03T14:00:00+00:00"]),
        (pa.array([date(2026, 5, 3)]), ["2026-05-03T00:00:00"]),
        (pa.array(["2026-05-03"], pa.large_string()), ["2026-05-03"]),
    ],
)
def test_dates_are_moments_of_arrow_or_text(array, expected):
    assert arrow_table.parse(stream(pa.table({"at": array})), DATES).columns == [expected]


def patients(**more) -> pa.Table:
    return pa.table({"age": [1.0], "sex": ["f"], "smoker": [True], "ward": [1], **more})


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "the body is not an Arrow stream"),
        (b"\xff\xff\xff\xff\x00", "the body is not an Arrow stream"),
        (stream(patients())[:-200], "the body is not an Arrow stream"),
        (stream(patients().slice(0, 0)), "there is no row to predict"),
        (stream(patients().drop_columns(["ward"])), "columns: column ward is not there"),
        (stream(patients(x=[1])), 'columns: unknown column "x"'),
        (stream(patients(age=["64"])), "column age: expected numbers, got the Arrow type string"),
        (stream(patients(age=[True])), "column age: expected numbers, got the Arrow type bool"),
        (
            stream(patients(sex=[["f"]])),
            "column sex: expected text (or numbers, or true and false), got the Arrow type list",
        ),
        (stream(patients(smoker=["maybe"])), 'row 0, column smoker: expected true or false, got "maybe"'),
        (stream(patients(age=[float("inf")])), "row 0, column age: expected a number, got Infinity"),
        (stream(patients(), options=pa.ipc.IpcWriteOptions(compression="zstd")), "compressed buffers of Arrow"),
        (
            stream(
                patients(sex=pa.array(["f"]).dictionary_encode()), options=pa.ipc.IpcWriteOptions(compression="lz4")
            ),
            "compressed buffers of Arrow",
        ),
    ],
)
def test_arrow_that_is_wrong_is_told_with_its_place(body, part):
    with pytest.raises(BadRequestError) as caught:
        arrow_table.parse(body, PATIENTS)
    assert part in str(caught.value)


def test_a_missing_value_that_the_model_does_not_take_is_refused():
    for parse, body in (
        (csv_table.parse, b'x\n""\n'),
        (arrow_table.parse, stream(pa.table({"x": pa.array([None], pa.int8())}))),
    ):
        with pytest.raises(BadRequestError, match=r"row 0, column x: .*takes no missing value there"):
            parse(body, STRICT)


def test_codes_that_lead_out_of_a_dictionary_are_refused():
    # given a stream of coded texts, and each of its bytes that may be a code or an offset
    body = stream(patients(sex=pa.array(["f"]).dictionary_encode()))
    codes = []
    for place in range(0, len(body), 4):
        changed = bytearray(body)
        changed[place] ^= 100
        # when it is changed on the wire, then the stream is read or refused, and never leads out of a buffer
        try:
            arrow_table.parse(bytes(changed), PATIENTS)
        except RequestError as error:
            codes.append(str(error))
    assert any("out of bounds" in sentence for sentence in codes), codes


@settings(deadline=None)
@given(st.data())
def test_a_damaged_stream_is_read_or_refused(data):
    body = bytearray(stream(patients(sex=pa.array(["f"]).dictionary_encode())))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        arrow_table.parse(bytes(body[: data.draw(st.integers(0, len(body)))]), PATIENTS)
    except RequestError as error:
        assert str(error)


ANSWERS = Answers(["yes", "no"], np.array([[0.25, 0.75], [1, 0]]), "id", "m", "m-1")


def test_answers_as_csv():
    assert csv_table.format_answers(ANSWERS, PATIENTS, None) == (
        b"prediction,probability_no,probability_yes\nyes,0.25,0.75\nno,1.0,0.0\n"
    )
    assert csv_table.format_answers(ANSWERS, PATIENTS, ("predict",)) == b"prediction\nyes\nno\n"
    truths = PATIENTS.model_copy(update={"classes": [False, True]})
    told = Answers([True, False], ANSWERS.probabilities, "id", "m", "m-1")
    assert csv_table.format_answers(told, truths, None).startswith(
        b"prediction,probability_false,probability_true\ntrue,0.25"
    )


@pytest.mark.parametrize(
    ("classes", "labels", "kind"),
    [
        (["no", "yes"], ["yes", "no"], pa.string()),
        ([0, 1], [1, 0], pa.int64()),
        ([False, True], [True, False], pa.bool_()),
        ([0.5, 1.5], [1.5, 0.5], pa.float64()),
    ],
)
def test_answers_as_arrow(classes, labels, kind):
    # given answers of each type of class, when they are written
    signature = PATIENTS.model_copy(update={"classes": classes})
    body = arrow_table.format_answers(Answers(labels, ANSWERS.probabilities, "id", "m", "m-1"), signature, None)
    table = pa.ipc.open_stream(body).read_all()
    # then they have that type, and the stream says who answered what
    assert table.schema.field("prediction").type == kind
    assert table.column(0).to_pylist() == labels
    assert np.array_equal(np.column_stack([table.column(1), table.column(2)]), ANSWERS.probabilities)
    assert table.schema.metadata == {b"model_name": b"m", b"model_version": b"m-1", b"id": b"id"}


def test_an_output_that_is_no_column_is_refused():
    with pytest.raises(BadRequestError, match="the output interval is no column of a table"):
        csv_table.format_answers(ANSWERS, PATIENTS, ("predict", "interval"))
