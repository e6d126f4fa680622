"""The access log: whole lines, in time, and none that anybody waits for."""

import json
import threading
import time

import pytest

from evermodel.serving.access_log import ATOMIC_BYTES, AccessLog, chunks, line_of
from evermodel.serving.exchange import Exchange

NOTED = (1.5, "POST", "infer", 200, 0.00123456789, 17, "a", "heart-1", 3, "ward", "10.0.0.1")


def exchange(number: int = 0, **headers: str) -> Exchange:
    found = {name.encode(): value.encode() for name, value in headers.items()}
    return Exchange(f"r-{number}", found, version="heart-1", rows=2, method="POST", client="10.0.0.1")


def test_a_line_says_what_happened_and_leaves_out_what_is_not_known():
    assert json.loads(line_of(NOTED)) == {
        "time": "1970-01-01T00:00:01.500Z", "method": "POST", "route": "infer", "status": 200, "seconds": 0.001235,
        "bytes": 17, "id": "a", "version": "heart-1", "rows": 3, "key": "ward", "client": "10.0.0.1",
    }  # fmt: skip
    assert "key" not in json.loads(line_of((*NOTED[:9], None, "")))


def test_lines_are_put_together_up_to_what_a_pipe_takes_at_once():
    lines = [b"x" * 1000 + b"\n"] * 10 + [b"y" * 9000 + b"\n"] + [b"z\n"]
    found = list(chunks(iter(lines)))
    assert b"".join(found) == b"".join(lines)
    assert all(len(chunk) <= ATOMIC_BYTES or chunk.startswith(b"y") for chunk in found)
    assert all(chunk.endswith(b"\n") for chunk in found)


def test_every_request_gets_a_line_with_the_name_of_its_key_and_never_the_key():
    written: list[bytes] = []
    log = AccessLog(written.append, lambda headers: "ward" if headers.get(b"x") == b"secret" else None, seconds=0.01)
    log.write(exchange(1, x="secret"), "infer", 200, 10, 0.1)
    log.write(exchange(2), "infer", 401, 10, 0.1)
    log.close()
    first, second = (json.loads(line) for line in b"".join(written).splitlines())
    assert (first["id"], first["key"], first["rows"]) == ("r-1", "ward", 2)
    assert (second["id"], second["status"], second.get("key")) == ("r-2", 401, None)
    assert b"secret" not in b"".join(written)


def test_a_reader_that_is_too_slow_costs_lines_and_no_time():
    # given somebody who does not read
    written, goes_on = [], threading.Event()

    def write(chunk: bytes) -> None:
        goes_on.wait(10)
        written.append(chunk)

    log = AccessLog(write, seconds=0.01, most_waiting=100)
    log.write(exchange(), "infer", 200, 10, 0.1)
    time.sleep(0.1)
    # when many requests come, then nobody waits
    begun = time.monotonic()
    for number in range(1000):
        log.write(exchange(number), "infer", 200, 10, 0.1)
    assert time.monotonic() - begun < 1
    goes_on.set()
    log.close()
    # and what was left out is told
    lines = [json.loads(line) for line in b"".join(written).splitlines()]
    left_out = sum(line.get("leftOut", 0) for line in lines)
    assert sum("id" in line for line in lines) + left_out == 1001
    assert left_out >= 800


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("something else")])
def test_a_log_that_cannot_be_written_is_told_once_and_goes_on_when_it_can(capfd, error):
    # given standard output that is broken for a while
    written: list[bytes] = []
    broken = threading.Event()
    broken.set()

    def write(chunk: bytes) -> None:
        if broken.is_set():
            raise error
        written.append(chunk)

    log = AccessLog(write, seconds=0.005)
    for number in range(10):
        log.write(exchange(number), "infer", 200, 10, 0.1)
        time.sleep(0.01)
    broken.clear()
    time.sleep(0.05)
    # when it can be written again, then it is
    log.write(exchange(99), "infer", 200, 10, 0.1)
    log.close()
    lines = [json.loads(line) for line in b"".join(written).splitlines()]
    assert [line["id"] for line in lines if "id" in line][-1] == "r-99"
    # and what was lost is told, as a line and once on standard error
    assert sum(line.get("leftOut", 0) for line in lines) + sum("id" in line for line in lines) == 11
    assert capfd.readouterr().err.count("the access log cannot be written") == 1
