"""Rows and answers as CSV (RFC 4180) in UTF-8: a header line, columns in any order, an empty cell is missing."""

import csv
from io import StringIO

from evermodel.artifact.cells import category_text
from evermodel.artifact.signature import Signature
from evermodel.serving.check import check_columns, check_row_count
from evermodel.serving.faults import BadRequestError
from evermodel.serving.limits import STANDARD
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.table import answer_columns, check_names


def parse(body: bytes, signature: Signature, limit: int = STANDARD.rows) -> Question:
    """Read rows; `limit` is how many there may be. Lines without anything are passed over.

    Raises:
        BadRequestError: what is wrong and where.
        TooLargeError: too many rows.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the body is not UTF-8: byte {error.start} begins no character") from None
    try:
        lines = [line for line in csv.reader(StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise BadRequestError(f"the body is not CSV: {error}") from None
    if not lines:
        raise BadRequestError("the body is empty; send a line with the names of the columns, and a line for each row")
    names, *rows = lines
    check_names(signature, names)
    check_row_count(len(rows), limit)
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise BadRequestError(f"row {number}: expected {len(names)} values as the header has, got {len(row)}")
    by_name = dict(zip(names, zip(*rows, strict=True), strict=True))
    return Question(check_columns(signature, [by_name[name] for name in signature.names], text=True))


def format_answers(answers: Answers, signature: Signature, outputs: tuple[str, ...] | None) -> bytes:
    """Answers with a header line; numbers so that they read back as they are, truth values as true and false."""
    columns = answer_columns(answers, signature, outputs)
    written = StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    cells = [
        [category_text(value) for value in column.values] if column.datatype == "BOOL" else _plain(column.values)
        for column in columns
    ]
    writer.writerows(zip(*cells, strict=True))
    return written.getvalue().encode()


def _plain(values: object) -> list[object]:
    found: list[object] = values.tolist() if hasattr(values, "tolist") else values  # type: ignore[assignment]
    return found
