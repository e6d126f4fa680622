"""What every answer carries, on both wires."""

import httptools
from hypothesis import given
from hypothesis import strategies as st

from evermodel.serving.exchange import Reply, encode_reply, reply_headers, request_ids

IDS = st.text("abcXYZ0189-_.~!", min_size=1, max_size=128)
MORE = st.lists(
    st.sampled_from([(b"retry-after", b"1"), (b"allow", b"GET, HEAD"), (b"connection", b"close")]), unique=True
)


class Parsed:
    """What a client reads."""

    def __init__(self, data: bytes):
        self.headers, self.body = [], b""
        parser = httptools.HttpResponseParser(self)
        parser.feed_data(data)
        self.status = parser.get_status_code()

    def on_header(self, name, value):
        self.headers.append((name, value))

    def on_body(self, body):
        self.body += body


@given(st.binary(max_size=50), st.sampled_from([200, 400, 413, 503]), MORE, IDS, IDS, st.booleans())
def test_both_wires_carry_the_same(body, status, more, request_id, version, closing):
    # given an answer
    reply = Reply(body, b"text/plain", status, tuple(more))
    # when it is written as bytes and as ASGI has it
    parsed = Parsed(encode_reply(reply, request_id, version, b"date: now\r\n", closing=closing))
    headers = reply_headers(reply, request_id, version, closing=closing)
    # then a client reads the same, but for the date, which uvicorn adds on the ASGI way
    assert (parsed.status, parsed.body) == (status, body)
    assert sorted(parsed.headers) == sorted([*headers, (b"date", b"now")])
    names = [name for name, _ in headers]
    assert len(names) == len(set(names))
    assert ((b"connection", b"close") in headers) == (closing or (b"connection", b"close") in more)


def test_ids_repeat_neither_in_a_process_nor_in_its_next_life():
    makers = [request_ids() for _ in range(100)]
    made = [make() for make in makers for _ in range(100)]
    assert len(set(made)) == len(made)
    assert {len(one) for one in made} == {26}
