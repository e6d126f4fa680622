"""The access log: one JSON line on standard output for each request that was answered.

It names the route and not the path, since paths of values hold data. Who answers only notes what happened; a thread
writes it, a quarter of a second later at most. When the reader of standard output is too slow, lines are left out and
counted: the next line that is written says how many.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from time import time
from typing import Any

import orjson

from evermodel.serving.exchange import Exchange
from evermodel.serving.watch import say

EVERY_SECONDS = 0.25
MOST_WAITING = 65536
"""Lines that may wait to be written."""
ATOMIC_BYTES = 4096
"""So many bytes go into a pipe at once: the lines of several processes are not mixed up (PIPE_BUF of Linux)."""

Noted = tuple[float, str, str, int, float, int, str, str, int, str | None, str]
"""What is noted of a request, in the order of the line's fields."""


def line_of(noted: Noted) -> bytes:
    """The line of one request.

    >>> line_of((0.0, "POST", "infer", 200, 0.001, 17, "a", "heart-1", 1, "ward", "10.0.0.1")).decode()[:52]
    '{"time":"1970-01-01T00:00:00.000Z","method":"POST",'
    """
    at, method, route, status, seconds, size, request, version, rows, key, client = noted
    line = {
        "time": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z",
        "method": method,
        "route": route,
        "status": status,
        "seconds": round(seconds, 6),
        "bytes": size,
        "id": request,
        "version": version,
        "rows": rows,
        "key": key,
        "client": client,
    }
    return orjson.dumps({name: value for name, value in line.items() if value is not None}) + b"\n"


def chunks(lines: Iterator[bytes], size: int = ATOMIC_BYTES) -> Iterator[bytes]:
    """Lines put together, as many as are written at once; a line that is longer goes alone."""
    chunk = b""
    for line in lines:
        if chunk and len(chunk) + len(line) > size:
            yield chunk
            chunk = b""
        chunk += line
    if chunk:
        yield chunk


class AccessLog:
    """Takes what was answered, and writes it from a thread."""

    def __init__(
        self,
        write: Callable[[bytes], Any] | None = None,
        key_of: Callable[[Mapping[bytes, bytes]], str | None] | None = None,
        *,
        seconds: float = EVERY_SECONDS,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Begin.

        Args:
            write: takes whole lines; standard output when not given.
            key_of: name of the API key in a request's headers.
            seconds: how often it is written.
            most_waiting: lines that may wait to be written.
        """
        self._write = write or _write_to_standard_output
        self._key_of = key_of
        self._seconds = seconds
        self._most_waiting = most_waiting
        self._waiting: deque[Noted] = deque()
        self._left_out, self._lost, self._told = 0, 0, 0  # each is counted by one thread only
        self._is_broken = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evermodel-access-log", daemon=True)
        self._thread.start()

    def write(self, exchange: Exchange, route: str, status: int, size: int, seconds: float) -> None:
        """Take a request that was answered with `size` bytes. Never waits."""
        if len(self._waiting) >= self._most_waiting:
            self._left_out += 1
            return
        key = self._key_of(exchange.headers) if self._key_of is not None else None
        self._waiting.append(
            (
                time(), exchange.method, route, status, seconds, size,
                exchange.id, exchange.version, exchange.rows, key, exchange.client,
            )
        )  # fmt: skip

    def close(self) -> None:
        """Write what waits."""
        self._ended.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        for chunk in chunks(self._take()):
            if not self._try(chunk):
                self._lost += chunk.count(b"\n")
        left_out = self._left_out + self._lost - self._told
        if left_out and self._try(orjson.dumps({"leftOut": left_out}) + b"\n"):
            self._told += left_out

    def _try(self, chunk: bytes) -> bool:
        """Write it; what goes wrong is said once, until it goes well again."""
        try:
            self._write(chunk)
        except Exception as error:  # noqa: BLE001  whatever it is, the next lines may be written again
            if not self._is_broken:
                say(f"the access log cannot be written: {getattr(error, 'strerror', None) or error}")
            self._is_broken = True
            return False
        self._is_broken = False
        return True

    def _take(self) -> Iterator[bytes]:
        for _ in range(len(self._waiting)):
            yield line_of(self._waiting.popleft())


def _write_to_standard_output(chunk: bytes) -> None:
    os.write(1, chunk)
