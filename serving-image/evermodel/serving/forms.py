"""In which form a request comes and its answer leaves: by its route, its Content-Type, and what it accepts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import orjson

from evermodel.artifact.signature import Signature
from evermodel.compiled.rows import rows_of_columns
from evermodel.serving.batch import Batch
from evermodel.serving.exchange import Reply
from evermodel.serving.faults import BadRequestError
from evermodel.serving.limits import STANDARD
from evermodel.serving.media import ARROW, CSV, choose_accepted, read_media_type
from evermodel.serving.protocol import csv_table, v1, v2, values
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.binary import HEADER, split_body
from evermodel.serving.protocol.body import is_request_id, read_id, read_object
from evermodel.serving.protocol.reasons import asked_of, read_coverages, read_explain
from evermodel.serving.routes import Name, Route

Headers = Mapping[bytes, bytes]
Read = Callable[[Route, Headers, bytes, Signature, int], tuple[Question, str | None]]
Write = Callable[[Answers, Signature, Question], Reply]
BINARY = b"application/octet-stream"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was read: its rows as engines take them, and as they came."""

    batch: Batch
    question: Question
    id: str | None
    """The request id in the body."""
    reasons: tuple[str, ...] = ()
    """Names of the reasons that were asked for."""


@dataclass(frozen=True, slots=True)
class Form:
    """How requests are read and answers written."""

    read: Read
    write: Write
    light: bool = True
    """Whether the event loop may do it: what imports a large library goes to a thread."""


def form_of(route: Route, headers: Headers) -> Form:
    """The form of a request.

    Raises:
        EncodingError: a table in another character set.
    """
    return _choose(route.name, headers.get(b"content-type"), headers.get(b"accept"))


def read_question(
    form: Form, route: Route, headers: Headers, body: bytes, signature: Signature, limit: int = STANDARD.rows
) -> Asked:
    """The rows of a request, of which there may be `limit`.

    Raises:
        RequestError: what is wrong and where.
    """
    question, request_id = form.read(route, headers, body, signature, limit)
    return Asked(batch_of(question, signature), question, request_id, asked_of(question.outputs))


def batch_of(question: Question, signature: Signature) -> Batch:
    """The rows of a question as engines take them."""
    columns = question.columns
    if isinstance(columns, np.ndarray):
        return Batch(columns)
    rows = rows_of_columns(signature, columns)
    return Batch(rows.values, rows.texts)


def id_of_body(headers: Headers, body: bytes) -> str | None:
    """The request id in a body that cannot be answered, so that its error carries it; None where there is none."""
    try:
        document = orjson.loads(split_body(body, headers[HEADER])[0] if HEADER in headers else body)
    except (orjson.JSONDecodeError, BadRequestError):
        return None
    found = document.get("id") if isinstance(document, dict) else None
    return found if is_request_id(found) else None


@lru_cache(1024)
def _choose(name: Name, content_type: bytes | None, accept: bytes | None) -> Form:
    form = _FORMS[name]
    if name is Name.VALUES:
        return form
    came = read_media_type(content_type)
    wanted = choose_accepted(accept)
    read, write = _READ.get(came, form.read), _WRITE.get(wanted, form.write)
    return Form(read, write, light=ARROW not in (came, wanted))


def _read_v2(
    _route: Route, headers: Headers, body: bytes, signature: Signature, limit: int
) -> tuple[Question, str | None]:
    length = headers.get(HEADER)
    rest = None
    if length is not None:
        body, rest = split_body(body, length)
    document = read_object(body)
    request_id = read_id(document)
    question = v2.parse(document, signature, limit, rest)
    if question.outputs is not None:
        question = replace(question, coverages=read_coverages(document["outputs"]))
    return question, request_id


def _read_v1(
    _route: Route, _headers: Headers, body: bytes, signature: Signature, limit: int
) -> tuple[Question, str | None]:
    document = read_object(body)
    request_id = read_id(document)
    question = v1.parse(document, signature, limit)
    if "explain" in document or "coverage" in document:
        outputs, coverages = read_explain(document)
        question = replace(question, outputs=outputs, coverages=coverages)
    return question, request_id


def _read_values(
    route: Route, _headers: Headers, _body: bytes, signature: Signature, _limit: int
) -> tuple[Question, str | None]:
    return values.parse(route.values, signature), None


def _read_csv(
    _route: Route, _headers: Headers, body: bytes, signature: Signature, limit: int
) -> tuple[Question, str | None]:
    return csv_table.parse(body, signature, limit), None


def _read_arrow(
    _route: Route, _headers: Headers, body: bytes, signature: Signature, limit: int
) -> tuple[Question, str | None]:
    from evermodel.serving.protocol import arrow_table  # noqa: PLC0415  pyarrow is large

    return arrow_table.parse(body, signature, limit), None


def _write_v2(answers: Answers, signature: Signature, question: Question) -> Reply:
    if not question.binary:
        return Reply(v2.format_answers(answers, signature, question.outputs))
    head, following = v2.format_binary(answers, signature, question)
    length = (HEADER, b"%d" % len(head))
    return Reply(b"".join((head, *following)), BINARY, headers=(length,))


def _write_v1(answers: Answers, _signature: Signature, _question: Question) -> Reply:
    return Reply(v1.format_answers(answers))


def _write_values(answers: Answers, _signature: Signature, _question: Question) -> Reply:
    return Reply(values.format_answers(answers))


def _write_csv(answers: Answers, signature: Signature, question: Question) -> Reply:
    return Reply(csv_table.format_answers(answers, signature, question.outputs), b"text/csv; charset=utf-8")


def _write_arrow(answers: Answers, signature: Signature, question: Question) -> Reply:
    from evermodel.serving.protocol import arrow_table  # noqa: PLC0415  pyarrow is large

    return Reply(arrow_table.format_answers(answers, signature, question.outputs), ARROW)


_FORMS = {
    Name.INFER: Form(_read_v2, _write_v2),
    Name.V1_PREDICT: Form(_read_v1, _write_v1),
    Name.VALUES: Form(_read_values, _write_values),
}
_READ: dict[bytes, Read] = {CSV: _read_csv, ARROW: _read_arrow}
_WRITE: dict[bytes, Write] = {CSV: _write_csv, ARROW: _write_arrow}
