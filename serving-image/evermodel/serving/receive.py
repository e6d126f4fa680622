"""Takes a request's body and headers off the wire, within limits of size and time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from evermodel.serving.faults import EncodingError, SlowRequestError, TooLargeError
from evermodel.serving.protocol.body import is_request_id

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of a body that are read."""
_DISCARD_LIMIT = 8 * BODY_LIMIT
"""Bytes of a too large body that are thrown away politely, so that the client comes to read why it was refused."""
BODY_SECONDS = 30.0
"""Seconds in which a body must arrive."""

_CLOSE = [(b"connection", b"close")]


class ClientLeftError(Exception):
    """The client closed the connection before its request was whole: there is nobody to answer."""


def client_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The request id that the client, or a proxy before us, gave in a header; one that cannot be kept is left aside."""
    found: dict[bytes, str] = {}
    for name, value in headers:
        if name in (b"evermodel-request-id", b"x-request-id"):
            text = value.decode("latin-1").strip()
            if is_request_id(text):
                found[name] = text
    return found.get(b"evermodel-request-id") or found.get(b"x-request-id")


def check_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse what would only be refused after it was read.

    Raises:
        EncodingError: the body is compressed.
        TooLargeError: the body is so large that not even throwing it away is sensible.
    """
    for name, value in headers:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise EncodingError(f"a body encoded as {value.decode('latin-1')[:40]} is not read here; send it as it is")
        if name == b"content-length" and value.isdigit() and int(value) > _DISCARD_LIMIT:
            raise _too_large(int(value), _CLOSE)


def _too_large(size: int, headers: list[tuple[bytes, bytes]]) -> TooLargeError:
    return TooLargeError(
        f"the body has {size} bytes or more and the limit is {BODY_LIMIT}; send the rows in several requests", headers
    )


async def read_body(receive: Receive, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body.

    Raises:
        ClientLeftError: the client closed the connection.
        SlowRequestError: it did not arrive in time.
        TooLargeError: it is above the limit.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body = bytes(message.get("body", b""))
        if len(body) > BODY_LIMIT:
            raise _too_large(len(body), [])
        return body
    try:
        async with asyncio.timeout(seconds):
            return await _read_parts(message, receive)
    except TimeoutError:
        raise SlowRequestError(f"the body did not arrive within {seconds:g} seconds; send it again", _CLOSE) from None


async def _read_parts(message: Message, receive: Receive) -> bytes:
    body = bytearray()
    size = 0
    while True:
        if message["type"] != "http.request":
            raise ClientLeftError
        part = message.get("body", b"")
        size += len(part)
        if size <= BODY_LIMIT:
            body += part
        elif size > _DISCARD_LIMIT:
            raise _too_large(size, _CLOSE)
        if not message.get("more_body"):
            break
        message = await receive()
    if size > BODY_LIMIT:
        raise _too_large(size, [])
    return bytes(body)
