"""Rows from an API: which pages are asked for, how often, with which headers, and what is said when it fails."""

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.data.http import HttpApi
from evermodel.data.paging import next_link, origin, resolved, with_page
from evermodel.data.patience import Clock
from evermodel.data.unavailable import SourceUnavailableError
from evermodel.errors import DataError, SpecError
from evermodel_api.training import HttpSource
from tests.integration.data.web import Reply, Request, Web

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN = "Bearer open-sesame"


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def web():
    server = Web()
    yield server
    server.stop()


@pytest.fixture
def time():
    return Time()


def reply(document, status=200, **headers) -> Reply:
    return Reply(status, json.dumps(document).encode(), headers)


def in_turn(*replies: Reply) -> Callable[[Request], Reply]:
    """Answers one after the other; the last one for ever."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def source(web: Web, time: Time, path="/rows", headers=None, **fields) -> HttpApi:
    uri = path if path.startswith("http") else web.url + path
    return HttpApi("sites", HttpSource(uri=uri, **fields), NOON, headers or {}, time.clock)


def failure(error_type, reason, read) -> str:
    with pytest.raises(error_type) as error:
        read()
    assert error.value.reason == reason
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("source 'sites': ")
    assert "open-sesame" not in message
    return message


def targets(web: Web) -> list[str]:
    return [request.target for request in web.requests]


@pytest.mark.parametrize(
    ("document", "records"),
    [([{"a": 1}], "@"), ({"data": [{"a": 1}]}, "data[]"), ({"x": {"y": [{"r": {"a": 1}}]}}, "x.y[].r")],
)
def test_rows_are_where_records_says(web, time, document, records):
    web.answer = lambda _: reply(document)
    assert source(web, time, records=records).frame().to_dict("list") == {"a": [1]}


def test_rows_may_lack_keys(web, time):
    web.answer = lambda _: reply([{"a": 1}, {"b": "x"}, {"a": 2.5, "c": None}])
    frame = source(web, time).frame()
    assert list(frame.columns) == ["a", "b", "c"]
    assert frame["a"].fillna(-1).tolist() == [1, -1, 2.5]


def test_the_moment_of_the_run_is_part_of_the_address(web, time):
    web.answer = lambda _: reply([])
    source(web, time, path="/rows?until={asOf}").frame()
    assert targets(web) == ["/rows?until=2026-11-24T12%3A00%3A00Z"]


def test_a_link_in_the_answer_is_followed_where_next_says(web, time):
    pages = {"/v1/rows": "?p=2", "/v1/rows?p=2": "/v1/rows?p=3#part", "/v1/rows?p=3": None}
    web.answer = lambda request: reply({"rows": [{"t": request.target}], "links": {"next": pages[request.target]}})
    frame = source(web, time, path="/v1/rows", records="rows", next="links.next").frame()
    assert frame["t"].tolist() == list(pages)


def test_the_link_header_is_followed_when_nothing_else_is_said(web, time):
    web.answer = in_turn(reply([{"a": 1}], Link='</rows?p=2>; rel="next", </>; rel="first"'), reply([{"a": 2}]))
    assert source(web, time).frame()["a"].tolist() == [1, 2]
    assert targets(web) == ["/rows", "/rows?p=2"]


def test_pages_are_counted_until_one_has_no_rows(web, time):
    def answer(request: Request) -> Reply:
        page = int(parse_qs(urlsplit(request.target).query)["page"][0])
        return reply({"rows": [{"a": page}] if page < 3 else None})

    web.answer = answer
    frame = source(web, time, path="/rows?size=1&page=9", records="rows", pageParameter="page", firstPage=0).frame()
    assert frame["a"].tolist() == [0, 1, 2]
    assert targets(web) == [f"/rows?size=1&page={n}" for n in range(4)]


def test_more_pages_than_maxpages_fail(web, time):
    web.answer = lambda request: reply([{"t": request.target}], Link=f'<{request.target}x>; rel="next"')
    message = failure(SpecError, "TooManyPages", source(web, time, maxPages=3).frame)
    assert "has more than 3 pages; raise http.maxPages" in message
    assert len(web.requests) == 3


def test_exactly_maxpages_pages_are_fine(web, time):
    web.answer = in_turn(reply([{"a": 1}], Link='</2>; rel="next"'), reply([{"a": 2}]))
    assert len(source(web, time, maxPages=2).frame()) == 2


def test_pages_in_a_circle_are_noticed(web, time):
    web.answer = lambda _: reply([{}], Link='</rows?p=2>; rel="next"')
    assert "the pages go in a circle, back to" in failure(DataError, "SourceUnreadable", source(web, time).frame)
    assert len(web.requests) == 2


def test_an_api_that_does_not_know_the_page_parameter_is_noticed(web, time):
    web.answer = lambda _: reply([{"a": 1}])
    message = failure(DataError, "SourceUnreadable", source(web, time, pageParameter="seite").frame)
    assert "the first 10 pages" in message
    assert "'seite'" in message
    assert len(web.requests) == 10


def test_500_then_200_is_read(web, time):
    web.answer = in_turn(Reply(500), Reply(502), reply([{"a": 1}]))
    assert source(web, time).frame()["a"].tolist() == [1]
    assert time.slept == [0.5, 1.0]


def test_retry_after_is_obeyed(web, time):
    web.answer = in_turn(Reply(429, headers={"Retry-After": "17"}), reply([{"a": 1}]))
    source(web, time).frame()
    assert time.slept == [17.0]


def test_a_broken_connection_is_tried_again(web, time):
    whole = json.dumps([{"a": 1}]).encode()
    web.answer = in_turn(Reply(200, whole[:3], reset=True), Reply(200, whole))
    assert source(web, time).frame()["a"].tolist() == [1]
    assert time.slept == [0.5]


def test_half_an_answer_is_no_answer(web, time):
    web.answer = lambda _: Reply(200, b'[{"a": 1}]', reset=True)
    message = failure(SourceUnavailableError, "SourceUnreachable", source(web, time, retries=2).frame)
    assert "does not answer" in message
    assert len(web.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_does_not_pass_is_told_after_all_repetitions(web, time, status):
    web.answer = lambda _: Reply(status)
    read = source(web, time, retries=3).frame
    message = failure(SourceUnavailableError, "SourceUnreachable", read)
    assert f"{web.url}/rows answers with status {status}, also after 3 repetitions" in message
    assert time.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "check http.uri"), (401, "the Secret of headersFrom"), (403, "allowed"), (404, "with next"), (410, "check")],
)
def test_a_request_that_is_wrong_is_not_repeated(web, time, status, said):
    web.answer = lambda _: Reply(status, b"Bearer open-sesame is wrong")
    message = failure(SpecError, "HttpRefused", source(web, time, headers={"Authorization": TOKEN}).frame)
    assert f"answers with status {status}" in message
    assert said in message
    assert len(web.requests) == 1


def test_nobody_answers(time):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{held.getsockname()[1]}/rows"
        api = HttpApi("sites", HttpSource(uri=uri, retries=1), NOON, {"X-Key": TOKEN}, time.clock)
        message = failure(SourceUnavailableError, "SourceUnreachable", api.frame)
    assert f"{uri} does not answer: " in message
    assert "Connection refused" in message


def test_an_answer_that_never_ends_takes_no_longer_than_the_timeout(web):
    # given an answer that drips
    web.answer = lambda _: Reply(200, b"[" + b" " * 400_000)
    time = Time()
    clock = Clock(lambda: time.now, time.sleep)

    def drip() -> float:
        time.now += 1.0
        return time.now

    api = HttpApi(
        "sites", HttpSource(uri=f"{web.url}/rows", timeout="3s", retries=0), NOON, {}, Clock(drip, clock.sleep)
    )
    message = failure(SourceUnavailableError, "SourceUnreachable", api.frame)
    assert "took longer than 3 s" in message


def test_requests_are_no_more_frequent_than_allowed(web, time):
    web.answer = in_turn(
        Reply(500), reply([{}], Link='</2>; rel="next"'), reply([{}], Link='</3>; rel="next"'), reply([{}])
    )
    source(web, time, requestsPerSecond=0.5).frame()
    # a repetition counts too: half a second of patience, and a second and a half for the rate
    assert time.slept == [0.5, 1.5, 2.0, 2.0]


def test_headers_go_to_the_first_page_s_origin_and_nowhere_else(web, time):
    other = Web()
    try:
        web.answer = lambda _: reply([{"a": 1}], Link=f'<{other.url}/rows>; rel="next"')
        other.answer = in_turn(reply([{"a": 2}], Link=f'<{web.url}/last>; rel="next"'))
        web.answer = lambda request: (
            reply([{"a": 3}])
            if request.target == "/last"
            else reply([{"a": 1}], Link=f'<{other.url}/rows>; rel="next"')
        )
        frame = source(web, time, headers={"Authorization": TOKEN, "X-Key": "k"}).frame()
    finally:
        other.stop()
    assert frame["a"].tolist() == [1, 2, 3]
    assert [request.headers.get("authorization") for request in web.requests] == [TOKEN, TOKEN]
    assert [request.headers.get("x-key") for request in web.requests] == ["k", "k"]
    assert not {"authorization", "x-key"} & set(other.requests[0].headers)


def test_a_redirect_takes_no_headers_to_another_origin(web, time):
    other = Web()
    try:
        other.answer = lambda _: Reply(401)
        web.answer = lambda _: Reply(302, headers={"Location": f"{other.url}/rows"})
        message = failure(SpecError, "HttpRefused", source(web, time, headers={"X-Key": TOKEN}).frame)
        assert "so the headers of headersFrom are not sent to it" in message
        assert "x-key" not in other.requests[0].headers
        web.answer = lambda request: (
            reply([{"a": 1}]) if request.target == "/new" else Reply(308, headers={"Location": "/new"})
        )
        assert source(web, time, headers={"X-Key": TOKEN}).frame()["a"].tolist() == [1]
        assert web.requests[-1].headers["x-key"] == TOKEN
    finally:
        other.stop()


def test_redirects_without_end_are_told(web, time):
    web.answer = lambda request: Reply(302, headers={"Location": request.target + "x"})
    assert "redirected" in failure(SourceUnavailableError, "SourceUnreachable", source(web, time).frame)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "the answer is no JSON"),
        (b"", "the answer is no JSON"),
        (b'{"rows": 1, "data": []}', "finds an object and no list of objects; the answer has data, rows; correct it"),
        (b"[1, 2]", "finds a list with a number in it"),
        (b"null", "finds nothing and no list of objects"),
    ],
)
def test_an_answer_without_rows_is_unreadable(web, time, body, said):
    web.answer = lambda _: Reply(200, body)
    message = failure(DataError, "SourceUnreadable", source(web, time).frame)
    assert said in message


def test_a_path_that_finds_nothing_on_the_first_page_is_wrong(web, time):
    web.answer = lambda _: reply({"data": [], "next": None})
    message = failure(DataError, "SourceUnreadable", source(web, time, records="dta[]", pageParameter="p").frame)
    assert "http.records (dta[]) finds nothing and no list of objects; the answer has data, next" in message


@pytest.mark.parametrize(("field", "said"), [("records", "http.records is no JMESPath"), ("next", "http.next is no")])
def test_a_path_that_is_none_is_the_spec_s_fault(web, time, field, said):
    assert said in failure(SpecError, "SourceInvalid", lambda: source(web, time, **{field: "a[?"}))
    assert web.requests == []


@pytest.mark.parametrize("link", [7, {"href": "x"}, "ftp://a/b"])
def test_a_next_that_is_no_address_is_told(web, time, link):
    web.answer = lambda _: reply({"rows": [], "next": link})
    assert "correct http.next" in failure(
        DataError, "SourceUnreadable", source(web, time, records="rows", next="next").frame
    )


@pytest.mark.parametrize("value", ["open-sesame\r\nX-Other: 1", "open-sesame \u20ac"])
def test_a_header_that_cannot_be_sent_is_told_without_its_value(web, time, value):
    message = failure(SpecError, "SecretInvalid", lambda: source(web, time, headers={"X-Key": value}))
    assert "'X-Key'" in message
    assert web.requests == []


def test_a_query_may_hold_a_token_and_is_not_shown(web, time):
    web.answer = lambda _: Reply(400)
    message = failure(SpecError, "HttpRefused", source(web, time, path="/rows?key=open-sesame").frame)
    assert f"{web.url}/rows answers" in message


@pytest.mark.parametrize(
    ("header", "link"),
    [
        (None, None),
        ("", None),
        ("</a>; rel=prev", None),
        ("</a>; rel=next", "/a"),
        ('</a,b>; title="x, <y>; rel=next"; rel="last", </c>; rel="Next"', "/c"),
        ("</a> ; rel = next", "/a"),
    ],
)
def test_link_headers(header, link):
    assert next_link(header) == link


@given(st.text(max_size=60))
def test_any_link_header_can_be_read(header):
    assert next_link(header) is None or isinstance(next_link(header), str)


@given(st.text(alphabet="abcé &=%?/", max_size=8), st.integers(0, 10**6))
def test_a_page_number_is_in_the_query_once(parameter, page):
    uri = with_page(with_page("https://a.example/r?x=1&y=", parameter, 7), parameter, page)
    query = parse_qs(urlsplit(uri).query, keep_blank_values=True)
    assert query[parameter] == [str(page)]
    assert parameter in {"x", "y"} or (query["x"], query["y"]) == (["1"], [""])


def test_origins():
    assert origin("http://a.example") == origin("HTTP://A.example:80/x?y")
    for other in ("https://a.example", "http://a.example:81", "http://b.example", "http://a.example.b.example"):
        assert origin("http://a.example") != origin(other)
    assert resolved("https://a.example/x/y?z", "//b.example/w#v") == "https://b.example/w"
