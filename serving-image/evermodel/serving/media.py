"""Media types: what a body is said to be, and what a client accepts (RFC 9110, 12.5.1)."""

from evermodel.serving.exchange import JSON
from evermodel.serving.faults import EncodingError

CSV = b"text/csv"
ARROW = b"application/vnd.apache.arrow.stream"
_WRITTEN = (JSON, CSV, ARROW)
"""In the order of our own preference."""
_CHARACTER_SETS = frozenset({b"utf-8", b"utf8", b"us-ascii"})


def read_media_type(header: bytes | None) -> bytes:
    """CSV or Arrow where a Content-Type says so; everything else is read as the JSON of its route.

    Raises:
        EncodingError: CSV in another character set than UTF-8, or without a header line.

    >>> read_media_type(b"Text/CSV; charset=UTF-8"), read_media_type(None)
    (b'text/csv', b'application/json')
    """
    kind, *parameters = (part.strip().lower() for part in (header or b"").split(b";"))
    if kind not in (CSV, ARROW):
        return JSON
    for parameter in parameters:
        name, _, value = (part.strip(b' "') for part in parameter.partition(b"="))
        if kind == CSV and name == b"charset" and value not in _CHARACTER_SETS:
            raise EncodingError(f"CSV in {value.decode('latin-1')[:40]} is not read here; send it in UTF-8")
        if kind == CSV and name == b"header" and value == b"absent":
            raise EncodingError("CSV without a header line is not read here; begin with the names of the columns")
    return kind


def choose_accepted(header: bytes | None) -> bytes:
    """The form that a client likes best; JSON where it says nothing, or likes none of ours.

    >>> choose_accepted(b"text/csv"), choose_accepted(b"text/html, */*;q=0.8"), choose_accepted(b"text/csv;q=0.5, */*")
    (b'text/csv', b'application/json', b'application/json')
    """
    ranges = _read_ranges(header or b"")
    shares = {kind: _share(kind, ranges) for kind in _WRITTEN}
    return max(_WRITTEN, key=lambda kind: shares[kind])


def _read_ranges(header: bytes) -> dict[bytes, float]:
    ranges: dict[bytes, float] = {}
    for part in header.split(b","):
        name, *parameters = (piece.strip().lower() for piece in part.split(b";"))
        weights = [piece[2:] for piece in parameters if piece[:2] == b"q="]
        try:
            ranges[name] = float(weights[0]) if weights else 1.0
        except ValueError:
            ranges[name] = 0.0
    return ranges


def _share(kind: bytes, ranges: dict[bytes, float]) -> float:
    """What the most specific range that has a kind says of it."""
    wide = kind.partition(b"/")[0] + b"/*"
    return next((ranges[name] for name in (kind, wide, b"*/*") if name in ranges), 0.0)
