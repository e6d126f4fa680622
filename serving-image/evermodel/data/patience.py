"""One GET that is repeated as long as that may help, no faster than an API allows."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError

from evermodel.data.paging import origin, resolved

_CHUNK = 1 << 16
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0
_CONNECT_SECONDS = 10.0
_REDIRECTS = 5
_REDIRECT = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Answer:
    """What came back."""

    uri: str
    """Where it came from in the end."""
    status: int
    link: str | None
    """The Link header."""
    retry_after: str | None
    """The Retry-After header."""
    location: str | None
    """The Location header."""
    body: bytes


class Gone(Exception):  # noqa: N818  a condition, that becomes one of our errors
    """No answer came; `str` says why, without what was sent."""


@dataclass(frozen=True)
class Clock:
    """Time, so that tests need none."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def pause(attempt: int, retry_after: float | None) -> float:
    """Seconds to wait before attempt number 1, 2 and so on: what the API asks for, or twice as long each time.

    >>> [pause(n, None) for n in (1, 2, 3, 20)], pause(1, 7.0)
    ([0.5, 1.0, 2.0, 60.0], 7.0)
    """
    return retry_after if retry_after is not None else min(_FIRST_PAUSE * 2.0 ** (attempt - 1), _LONGEST_PAUSE)


def may_pass(status: int) -> bool:
    """Whether an answer may be another one later."""
    return status in _PASSING or status >= 500


class PatientClient:
    """Asks one API.

    Args:
        headers: sent to the origin of `home` and nowhere else.
        home: address of the first page.
        timeout: seconds that one answer may take, all of it.
        retries: how often a request is repeated.
        interval: least seconds between two requests.
        clock: what time it is, and how to wait.
    """

    def __init__(
        self,
        *,
        headers: Mapping[str, str],
        home: str,
        timeout: float,
        retries: int,
        interval: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        self._headers = {"Accept": "application/json", "User-Agent": "evermodel"}
        self._private = dict(headers)
        self._home = origin(home)
        self._timeout = timeout
        self._retries = retries
        self._interval = interval
        self._clock = clock or Clock()
        self._earliest = float("-inf")
        self._pool = urllib3.PoolManager(retries=False)

    def close(self) -> None:
        """Close its connections."""
        self._pool.clear()

    def get(self, uri: str) -> Answer:
        """The answer to a GET, redirects followed; after all repetitions the last one, whatever its status.

        Raises:
            Gone: when no answer came.
        """
        for _ in range(_REDIRECTS):
            answer = self._repeated(uri)
            if answer.status not in _REDIRECT or not answer.location:
                return answer
            uri = resolved(uri, answer.location)
        raise Gone(f"it was redirected more than {_REDIRECTS} times")

    def _repeated(self, uri: str) -> Answer:
        attempt = 0
        while True:
            try:
                answer = self._once(uri)
            except Gone:
                if attempt == self._retries:
                    raise
                asked = None
            else:
                if not may_pass(answer.status) or attempt == self._retries:
                    return answer
                asked = _seconds(answer.retry_after)
            attempt += 1
            self._clock.sleep(pause(attempt, asked))

    def _once(self, uri: str) -> Answer:
        wait = self._earliest - self._clock.now()
        if wait > 0:
            self._clock.sleep(wait)
        began = self._clock.now()
        self._earliest = began + self._interval
        headers = {**self._headers, **(self._private if origin(uri) == self._home else {})}
        timeout = urllib3.Timeout(connect=min(_CONNECT_SECONDS, self._timeout), read=self._timeout)
        try:
            response = self._pool.request(
                "GET", uri, headers=headers, timeout=timeout, redirect=False, preload_content=False
            )
            try:
                body = self._body(response, began + self._timeout)
            except BaseException:
                response.close()  # the rest of the answer would be taken for the next one
                raise
            response.release_conn()
        except (HTTPError, OSError) as error:
            raise Gone(self._said(error)) from None
        return Answer(
            uri,
            response.status,
            response.headers.get("Link"),
            response.headers.get("Retry-After"),
            response.headers.get("Location"),
            body,
        )

    def _body(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        chunks = []
        for chunk in response.stream(_CHUNK, decode_content=True):
            chunks.append(chunk)
            if self._clock.now() > deadline:
                raise Gone(f"the answer took longer than {self._timeout:g} s")
        return b"".join(chunks)

    def _said(self, error: Exception) -> str:
        """The error in its own words, without the addresses of Python's objects and without what headers hold."""
        said = " ".join(str(error).split()).rpartition(">: ")[2][:300].rstrip(".")
        for value in self._private.values():
            said = said.replace(value, "***")
        return said or type(error).__name__


def _seconds(retry_after: str | None) -> float | None:
    """What Retry-After says: seconds, or a date."""
    if not retry_after:
        return None
    try:
        return float(urllib3.Retry().parse_retry_after(retry_after))
    except HTTPError:
        return None
