"""Takes a request's body and headers off the wire, within limits of size and time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from evermodel.serving.faults import EncodingError, SlowRequestError, TooLargeError, UnavailableError
from evermodel.serving.limits import STANDARD
from evermodel.serving.protocol.body import is_request_id

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_DISCARDED = 8
"""So many times the limit of a too large body is thrown away politely, so that the client comes to read why it was
refused."""
_ROOM_BYTES = 128 * 1024 * 1024
_SMALL = 128 * 1024
"""Bodies up to this size need no room of their own."""
BODY_SECONDS = 30.0
"""Seconds in which a body must arrive."""

_CLOSE = [(b"connection", b"close")]
_ID_HEADERS = (b"evermodel-request-id", b"x-request-id")


class ClientLeftError(Exception):
    """The client closed the connection before its request was whole: there is nobody to answer."""


def client_request_id(headers: Mapping[bytes, bytes]) -> str | None:
    """The request id that the client, or a proxy before us, gave in a header; one that cannot be kept is left aside."""
    for name in _ID_HEADERS:
        if (value := headers.get(name)) is not None:
            text = value.decode("latin-1").strip()
            if is_request_id(text):
                return text
    return None


def rooms(limit: int) -> int:
    """Bytes of large bodies that may be under way at a time: a process keeps them in memory until they are answered."""
    return max(_ROOM_BYTES, 2 * limit)


def check_headers(headers: Mapping[bytes, bytes], limit: int = STANDARD.body_bytes) -> None:
    """Refuse what would only be refused after it was read; a body may have `limit` bytes.

    Raises:
        EncodingError: the body is compressed.
        TooLargeError: the body is so large that not even throwing it away is sensible.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        raise EncodingError(f"a body encoded as {encoding.decode('latin-1')[:40]} is not read here; send it as it is")
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > _DISCARDED * limit:
        raise _too_large(int(length), limit, _CLOSE)


class BodyRoom:
    """The memory that large bodies may take together. Used from the event loop's thread only."""

    def __init__(self, size: int, limit: int = STANDARD.body_bytes) -> None:
        self._free = size
        self._limit = limit

    @contextmanager
    def take(self, headers: Mapping[bytes, bytes]) -> Iterator[None]:
        """Room for a body; one of unknown length may be as large as any.

        Raises:
            UnavailableError: there is none now.
        """
        length = headers.get(b"content-length")
        size = (self._limit if b"transfer-encoding" in headers else 0) if length is None else int(length)
        size = min(size, self._limit) if size > _SMALL else 0
        if size > self._free:
            raise UnavailableError(f"there is no room for a body of {size} bytes now; send it again in a second")
        self._free -= size
        try:
            yield
        finally:
            self._free += size


def slow_request(seconds: float) -> SlowRequestError:
    """What a client is told whose body did not arrive in time."""
    return SlowRequestError(f"the body did not arrive within {seconds:g} seconds; send it again", _CLOSE)


def _too_large(size: int, limit: int, headers: list[tuple[bytes, bytes]]) -> TooLargeError:
    return TooLargeError(
        f"the body has {size} bytes or more and the limit is {limit}; send the rows in several requests", headers
    )


async def read_body(receive: Receive, limit: int = STANDARD.body_bytes, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body, of at most `limit` bytes.

    Raises:
        ClientLeftError: the client closed the connection.
        SlowRequestError: it did not arrive in time.
        TooLargeError: it is above the limit.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body = bytes(message.get("body", b""))
        if len(body) > limit:
            raise _too_large(len(body), limit, [])
        return body
    try:
        async with asyncio.timeout(seconds):
            return await _read_parts(message, receive, limit)
    except TimeoutError:
        raise slow_request(seconds) from None


async def _read_parts(message: Message, receive: Receive, limit: int) -> bytes:
    body = bytearray()
    size = 0
    while True:
        if message["type"] != "http.request":
            raise ClientLeftError
        part = message.get("body", b"")
        size += len(part)
        if size <= limit:
            body += part
        elif size > _DISCARDED * limit:
            raise _too_large(size, limit, _CLOSE)
        if not message.get("more_body"):
            break
        message = await receive()
    if size > limit:
        raise _too_large(size, limit, [])
    return bytes(body)
