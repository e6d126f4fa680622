"""Where the next page of an API is. Pure: addresses and answers in, addresses out."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[^\s;,=]+\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]+))*)")
_PARAMETER = re.compile(r";\s*([^\s;,=]+)\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))")
_PORTS = {"http": 80, "https": 443}


def with_moment(uri: str, as_of: datetime) -> str:
    """The address with `{asOf}` replaced by a moment (RFC 3339, in UTC, percent-encoded).

    >>> with_moment("https://a.example/r?until={asOf}", datetime(2026, 11, 24, 9, tzinfo=UTC))
    'https://a.example/r?until=2026-11-24T09%3A00%3A00Z'
    """
    moment = as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return uri.replace("{asOf}", quote(moment, safe=""))


def with_page(uri: str, parameter: str, page: int) -> str:
    """The address that asks for a page by its number.

    >>> with_page("https://a.example/r?size=10&page=7", "page", 2)
    'https://a.example/r?size=10&page=2'
    """
    parts = urlsplit(uri)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != parameter]
    return urlunsplit(parts._replace(query=urlencode([*query, (parameter, str(page))])))


def next_link(header: str | None) -> str | None:
    """The target of rel="next" in a Link header (RFC 8288); None when there is none.

    >>> next_link('</r?p=1>; rel="prev first", <https://a.example/r?p=3>; title="a, b"; rel=next')
    'https://a.example/r?p=3'
    """
    for target, parameters in _LINK.findall(header or ""):
        for name, quoted, plain in _PARAMETER.findall(parameters):
            if name.lower() == "rel" and "next" in (quoted or plain).lower().split():
                return str(target)
    return None


def resolved(base: str, link: str) -> str:
    """The address that a link on a page means, without its fragment.

    >>> resolved("https://a.example/v1/rows?page=1", "?page=2")
    'https://a.example/v1/rows?page=2'
    """
    return urljoin(base, link).partition("#")[0]


def origin(uri: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: where credentials may go.

    >>> origin("https://A.example/r") == origin("https://a.example:443/other")
    True
    """
    parts = urlsplit(uri)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme)


def shown(uri: str) -> str:
    """An address for messages: without its query, which may hold a token, and without user and password.

    >>> shown("https://user:secret@a.example:8080/rows?cursor=abc")
    'https://a.example:8080/rows'
    """
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
