"""Rows from an HTTP API that answers JSON, page by page. No message ever holds what a header says."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

import jmespath
import orjson
import pandas as pd
import pyarrow as pa
from jmespath.exceptions import JMESPathError

from evermodel.data.batches import BATCH_ROWS, batch_of_rows, to_frame
from evermodel.data.paging import next_link, origin, resolved, shown, with_moment, with_page
from evermodel.data.patience import Answer, Clock, Gone, PatientClient, may_pass
from evermodel.data.unavailable import SourceUnavailableError
from evermodel.errors import DataError, SpecError
from evermodel_api.base import parse_duration
from evermodel_api.training import HttpSource

_SAME_PAGES = 10
"""So many equal pages in a row are an API that does not know pageParameter."""
_REMEDIES = {
    401: "check the headers in the Secret of headersFrom",
    403: "check the headers in the Secret of headersFrom, and what they are allowed",
    404: "check http.uri; an API that answers so after its last page has to be read with next",
}


class HttpApi:
    """Rows of all pages, in their order.

    Args:
        name: name of the source, for messages.
        source: where the rows are.
        as_of: what `{asOf}` in the address becomes.
        headers: sent to the origin of the first page, and nowhere else.
        clock: what time it is, and how to wait.

    Raises:
        SpecError: `SourceInvalid` when the address or a JMESPath cannot be used, `SecretInvalid` when a header cannot
            be sent.
    """

    def __init__(
        self, name: str, source: HttpSource, as_of: datetime, headers: Mapping[str, str], clock: Clock | None = None
    ) -> None:
        self._name = name
        self._source = source
        self._clock = clock
        self._home = with_moment(source.uri, as_of)
        self._headers = dict(headers)
        self._records = self._compiled("records", source.records)
        self._next = self._compiled("next", source.next) if source.next is not None else None
        self._check_home()
        self._check_headers()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, a page at a time.

        Raises:
            SourceUnavailableError: `SourceUnreachable` after all repetitions; it may come back.
            SpecError: `HttpRefused` when the API says that the request is wrong, `TooManyPages`.
            DataError: `SourceUnreadable` when an answer is no JSON, or has no rows where records says, or when pages
                go in a circle.
        """
        for rows in self._pages():
            for start in range(0, len(rows), BATCH_ROWS):
                yield batch_of_rows(rows[start : start + BATCH_ROWS])

    def frame(self) -> pd.DataFrame:
        """All rows.

        Raises:
            RunError: as `batches`.
        """
        return to_frame(self.batches())

    def _pages(self) -> Iterator[list[dict[str, Any]]]:
        rate = self._source.requests_per_second
        client = PatientClient(
            headers=self._headers,
            home=self._home,
            timeout=parse_duration(self._source.timeout).total_seconds(),
            retries=self._source.retries,
            interval=1.0 / rate if rate else 0.0,
            clock=self._clock,
        )
        circles = _Circles(self._name, self._source.page_parameter)
        with closing(client):
            uri: str | None = self._first()
            for number in range(self._source.max_pages):
                if uri is None:
                    return
                circles.follow(uri)
                answer = self._get(client, uri)
                circles.see(answer)
                document = self._document(answer)
                rows = self._rows(document, answer, first=number == 0)
                yield rows
                uri = self._following(answer, document, rows, number)
        if uri is not None:
            raise SpecError(
                "TooManyPages",
                f"source {self._name!r}: {shown(self._home)} has more than {self._source.max_pages} pages; raise "
                "http.maxPages, or ask for larger pages",
            )

    def _first(self) -> str:
        if self._source.page_parameter is None:
            return self._home
        return with_page(self._home, self._source.page_parameter, self._source.first_page)

    def _following(self, answer: Answer, document: Any, rows: list[dict[str, Any]], number: int) -> str | None:
        if self._source.page_parameter is not None:
            page = self._source.first_page + number + 1
            return with_page(self._home, self._source.page_parameter, page) if rows else None
        link = self._next.search(document) if self._next is not None else next_link(answer.link)
        if link is None or link == "":
            return None
        if not isinstance(link, str):
            raise self._unreadable(answer, f"http.next finds {type(link).__name__} and no address; correct http.next")
        following = resolved(answer.uri, link)
        if not following.startswith(("http://", "https://")):
            raise self._unreadable(answer, "http.next finds no address of a page; correct http.next")
        return following

    def _get(self, client: PatientClient, uri: str) -> Answer:
        where = f"source {self._name!r}: {shown(uri)}"
        try:
            answer = client.get(uri)
        except Gone as gone:
            raise SourceUnavailableError(
                "SourceUnreachable", f"{where} does not answer: {gone}; check http.uri and that the API runs"
            ) from None
        if answer.status < 300:
            return answer
        if may_pass(answer.status):
            raise SourceUnavailableError(
                "SourceUnreachable",
                f"{where} answers with status {answer.status}, also after {self._source.retries} repetitions; check "
                "that the API runs, or ask it less often with http.requestsPerSecond",
            )
        remedy = _REMEDIES.get(answer.status, "check http.uri and the headers in the Secret of headersFrom")
        if self._headers and origin(answer.uri) != origin(self._home):
            remedy = "it is another server than that of http.uri, so the headers of headersFrom are not sent to it"
        raise SpecError("HttpRefused", f"{where} answers with status {answer.status}; {remedy}")

    def _document(self, answer: Answer) -> Any:
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            raise self._unreadable(answer, f"the answer is no JSON: {error}; check http.uri") from None

    def _rows(self, document: Any, answer: Answer, *, first: bool) -> list[dict[str, Any]]:
        try:
            rows = self._records.search(document)
        except JMESPathError as error:
            raise self._unreadable(
                answer, f"http.records cannot be applied: {' '.join(str(error).split())[:200]}; correct it"
            ) from None
        if rows is None and not first:
            return []
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
        found = f"a list with {_json_name(next(r for r in rows if not isinstance(r, dict)))} in it" if rows else None
        if not isinstance(rows, list):
            found = _json_name(rows)
        there = f"; the answer has {', '.join(sorted(document)[:20])}" if isinstance(document, dict) else ""
        raise self._unreadable(
            answer, f"http.records ({self._source.records}) finds {found} and no list of objects{there}; correct it"
        )

    def _unreadable(self, answer: Answer, what: str) -> DataError:
        return DataError("SourceUnreadable", f"source {self._name!r}: {shown(answer.uri)}: {what}")

    def _compiled(self, field: str, path: str) -> Any:
        try:
            return jmespath.compile(path)
        except JMESPathError as error:
            said = " ".join(str(error).split())[:200].rstrip(".:")
            raise SpecError(
                "SourceInvalid", f"source {self._name!r}: http.{field} is no JMESPath: {said}; correct it"
            ) from None

    def _check_home(self) -> None:
        try:
            usable = bool(origin(self._home)[1])
        except ValueError:
            usable = False
        if not usable:
            raise SpecError(
                "SourceInvalid", f"source {self._name!r}: http.uri is no address; write it like https://host/path"
            )

    def _check_headers(self) -> None:
        for header, value in self._headers.items():
            if not header.isascii() or any(c in value for c in "\r\n\0") or not _is_latin(value):
                raise SpecError(
                    "SecretInvalid",
                    f"source {self._name!r}: the Secret of headersFrom holds under {header!r} what no header may say; "
                    "write one line of plain text",
                )


class _Circles:
    """Notices pages that go in a circle.

    Raises:
        DataError: `SourceUnreadable`, from both methods.
    """

    def __init__(self, name: str, parameter: str | None) -> None:
        self._name = name
        self._parameter = parameter
        self._seen: set[str] = set()
        self._last = b""
        self._same = 0

    def follow(self, uri: str) -> None:
        """An address that is asked now."""
        if uri in self._seen:
            raise DataError(
                "SourceUnreadable",
                f"source {self._name!r}: the pages go in a circle, back to {shown(uri)}; correct http.next or the API",
            )
        self._seen.add(uri)

    def see(self, answer: Answer) -> None:
        """An answer that came."""
        self._same = self._same + 1 if answer.body == self._last else 1
        self._last = answer.body
        if self._parameter is not None and self._same == _SAME_PAGES and len(self._seen) == _SAME_PAGES:
            raise DataError(
                "SourceUnreadable",
                f"source {self._name!r}: the first {_SAME_PAGES} pages of {shown(answer.uri)} are the same, so it does "
                f"not count pages by {self._parameter!r}; correct http.pageParameter, or leave it out",
            )


def _json_name(value: Any) -> str:
    names: dict[type, str] = {
        dict: "an object",
        str: "a text",
        bool: "a boolean",
        list: "a list",
        type(None): "nothing",
    }
    return names.get(type(value), "a number")


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
