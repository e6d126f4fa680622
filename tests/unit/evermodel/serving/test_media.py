"""Which form a client sends and likes."""

import pytest

from evermodel.serving.faults import EncodingError
from evermodel.serving.media import ARROW, CSV, JSON, choose_accepted, read_media_type


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (None, JSON),
        (b"", JSON),
        (b"application/json; charset=utf-8", JSON),
        (b"application/x-www-form-urlencoded", JSON),
        (b"text/csv", CSV),
        (b' TEXT/CSV ; header=present; charset="UTF-8"', CSV),
        (b"application/vnd.apache.arrow.stream", ARROW),
    ],
)
def test_what_a_body_is_said_to_be(header, kind):
    assert read_media_type(header) == kind


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (b"text/csv; charset=iso-8859-1", "CSV in iso-8859-1 is not read here"),
        (b"text/csv; header=absent", "without a header line"),
    ],
)
def test_csv_that_cannot_be_read_is_refused(header, part):
    with pytest.raises(EncodingError, match=part):
        read_media_type(header)


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (None, JSON),
        (b"*/*", JSON),
        (b"text/html, application/xhtml+xml, */*;q=0.8", JSON),
        (b"text/html", JSON),
        (b"text/csv, */*;q=0.1", CSV),
        (b"text/*", CSV),
        (b"application/json;q=0.5, text/csv;q=0.4", JSON),
        (b"application/vnd.apache.arrow.stream, text/csv;q=0.9", ARROW),
        (b"text/csv;q=0, application/json", JSON),
        (b"text/csv;q=x", JSON),
    ],
)
def test_what_a_client_likes_best(header, kind):
    assert choose_accepted(header) == kind
