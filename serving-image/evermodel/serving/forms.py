"""Which form a request has by its route, and in which its answer is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from evermodel.artifact.signature import Signature
from evermodel.compiled.rows import rows_of_columns
from evermodel.serving.batch import Batch
from evermodel.serving.exchange import Reply
from evermodel.serving.limits import STANDARD
from evermodel.serving.protocol import v1, v2, values
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.body import is_request_id, read_id, read_object
from evermodel.serving.routes import Name, Route


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was read: its rows as engines take them, and as they came."""

    batch: Batch
    question: Question
    id: str | None
    """The request id in the body."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one route reads and writes."""

    read: Callable[[Route, Mapping[bytes, bytes], bytes, Signature, int], tuple[Question, str | None]]
    write: Callable[[Answers, Signature, Question], bytes]


def read_question(
    route: Route, headers: Mapping[bytes, bytes], body: bytes, signature: Signature, limit: int = STANDARD.rows
) -> Asked:
    """The rows of a request, of which there may be `limit`.

    Raises:
        RequestError: what is wrong and where.
    """
    question, request_id = _FORMS[route.name].read(route, headers, body, signature, limit)
    rows = rows_of_columns(signature, question.columns)
    return Asked(Batch(rows.values, rows.texts), question, request_id)


def write_answers(route: Route, answers: Answers, signature: Signature, asked: Asked) -> Reply:
    """The answer to a request in the form of its route."""
    return Reply(_FORMS[route.name].write(answers, signature, asked.question))


def id_of_body(body: bytes) -> str | None:
    """The request id in a body that cannot be answered, so that its error carries it; None where there is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    found = document.get("id") if isinstance(document, dict) else None
    return found if is_request_id(found) else None


def _read_v2(
    _route: Route, _headers: Mapping[bytes, bytes], body: bytes, signature: Signature, limit: int
) -> tuple[Question, str | None]:
    document = read_object(body)
    request_id = read_id(document)
    return v2.parse(document, signature, limit), request_id


def _read_v1(
    _route: Route, _headers: Mapping[bytes, bytes], body: bytes, signature: Signature, limit: int
) -> tuple[Question, str | None]:
    document = read_object(body)
    request_id = read_id(document)
    return v1.parse(document, signature, limit), request_id


def _read_values(
    route: Route, _headers: Mapping[bytes, bytes], _body: bytes, signature: Signature, _limit: int
) -> tuple[Question, str | None]:
    return values.parse(route.values, signature), None


def _write_v2(answers: Answers, signature: Signature, question: Question) -> bytes:
    return v2.format_answers(answers, signature, question.outputs)


def _write_v1(answers: Answers, _signature: Signature, _question: Question) -> bytes:
    return v1.format_answers(answers)


def _write_values(answers: Answers, _signature: Signature, _question: Question) -> bytes:
    return values.format_answers(answers)


_FORMS = {
    Name.INFER: Form(_read_v2, _write_v2),
    Name.V1_PREDICT: Form(_read_v1, _write_v1),
    Name.VALUES: Form(_read_values, _write_values),
}
