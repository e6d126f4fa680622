"""One request and its answer, apart from any wire: what is known of it, and which headers every answer carries."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evermodel.serving.hooks import Span

JSON = b"application/json"
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True)
class Exchange:
    """One request and what is known of it so far, also when it ends in an error."""

    id: str
    """The request id: the client's, or one that was made for it."""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    """Names in small letters; of headers that come twice the last."""
    body: bytes = b""
    version: str = ""
    """Name of the version that was asked; empty where none was."""
    rows: int = 0
    """Rows that were answered."""
    method: str = ""
    client: str = ""
    """Address of who asks; known where an access log or traces tell it."""
    span: "Span | None" = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request."""

    body: bytes
    content_type: bytes = JSON
    status: int = 200
    headers: Headers = ()
    """Beyond those that every answer carries."""


def request_ids(prefix: str | None = None) -> Callable[[], str]:
    """A maker of request ids that no other process, and no other life of this one, makes: a random part and a number.

    >>> make = request_ids("a")
    >>> make(), make()
    ('a0000000000', 'a0000000001')
    """
    start = secrets.token_hex(8) if prefix is None else prefix
    numbers = count()
    return lambda: f"{start}{next(numbers):010x}"


def reply_headers(reply: Reply, request_id: str, version: str, *, closing: bool) -> list[tuple[bytes, bytes]]:
    """The headers of an answer.

    Args:
        reply: what is answered.
        request_id: the request's id.
        version: name of the version that answers, or those that answer by default.
        closing: whether the client is asked to leave. Clients that keep connections open have to leave before the
            server does, or their next request is lost.
    """
    return [
        *_fixed_headers(reply.content_type, version, reply.headers, closing),
        (b"evermodel-request-id", request_id.encode()),
        (b"content-length", b"%d" % len(reply.body)),
    ]


def _fixed_headers(content_type: bytes, version: str, more: Headers, closing: bool) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", content_type), (b"evermodel-version", version.encode()), *more]
    if closing and (b"connection", b"close") not in more:
        headers.append((b"connection", b"close"))
    return headers


@lru_cache(4096)
def _fixed_head(status: int, content_type: bytes, version: str, more: Headers, closing: bool) -> bytes:
    phrase = HTTPStatus(status).phrase.encode()
    lines = [b"%s: %s\r\n" % header for header in _fixed_headers(content_type, version, more, closing)]
    return b"HTTP/1.1 %d %s\r\n%severmodel-request-id: " % (status, phrase, b"".join(lines))


def encode_reply(reply: Reply, request_id: str, version: str, date: bytes, *, closing: bool) -> bytes:
    """The whole answer as HTTP/1.1 has it, with the headers of `reply_headers` and the line `date`."""
    head = _fixed_head(reply.status, reply.content_type, version, reply.headers, closing)
    body = reply.body
    return b"%b%b\r\n%bcontent-length: %d\r\n\r\n%b" % (head, request_id.encode(), date, len(body), body)


def asks_to_close(reply: Reply) -> bool:
    """Whether an answer ends its connection."""
    return bool(reply.headers) and (b"connection", b"close") in reply.headers
