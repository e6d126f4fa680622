"""docs/serving.md tells the truth: its requests are sent to a real server, and answered as it says."""

import http.client
import json
import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from evermodel.cli import main
from tests.unit.evermodel.serving.test_process import Server, serving

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "serving.md").read_text("utf-8")
HEART = ROOT / "manifests" / "examples" / "heart"
_CALL = re.compile(r"^(curl (?:.|\n(?!\{))*?)\n(\{.*\})$", re.MULTILINE)
CALLS = [(found[1], json.loads(found[2])) for found in _CALL.finditer(GUIDE)]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    """What the guide's first two commands start."""
    store = str(tmp_path_factory.mktemp("guide") / "store")
    data = f"patients={HEART / 'heart.csv'}"
    assert main(["train", "-f", str(HEART / "training.yaml"), "--store", store, "--set-source", data]) == 0
    with serving("heart-1", "--store", store, "--port", "0", "--drain", "0") as running:
        yield running


def send(server: Server, command: str) -> tuple[int, Any]:
    """What curl would send."""
    words = shlex.split(command)
    address = urlsplit(next(word for word in words if word.startswith("http")))
    body = words[words.index("-d") + 1] if "-d" in words else None
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request("GET" if body is None else "POST", address.path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def alike(found: Any, told: Any) -> bool:
    """Equal, but for ids that the server makes and the last digits of numbers."""
    if isinstance(told, dict):
        return list(found) == list(told) and all(
            alike(found[key], value) or (key == "id" and len(value) == len(found[key])) for key, value in told.items()
        )
    if isinstance(told, list):
        return len(found) == len(told) and all(map(alike, found, told))
    return math.isclose(found, told, abs_tol=1e-6) if isinstance(told, float) else bool(found == told)


@pytest.mark.parametrize(("command", "told"), CALLS, ids=lambda value: str(value)[:70])
def test_every_request_is_answered_as_the_guide_says(server, command, told):
    assert shlex.split(command)[:2] == ["curl", "-s"]
    status, found = send(server, command)
    assert alike(found, told), found
    assert (status == 200) == ("error" not in told)


def test_every_command_with_curl_was_among_them():
    assert len(CALLS) == len(re.findall("^curl ", GUIDE, re.MULTILINE)) > 7


def test_the_table_of_metrics_is_whole(server):
    # given every metric that a server with a log and labels has
    _, _, text = server.ask("GET", "/metrics")
    there = set(re.findall(r"^# TYPE (\S+)", text.decode(), re.MULTILINE))
    # then the guide has each of them, and no other
    told = set(re.findall(r"`((?:evermodel|process)_[a-z_]+)`", GUIDE))
    assert told == there


def test_the_routes_of_the_table_are_there(server):
    table = GUIDE.partition("## Routes")[2].partition("\n\nOne row")[0]
    for line in re.findall(r"^\| (.*?) \|", table, re.MULTILINE)[2:]:
        method = line.split("`")[1].split()[0]
        for path in re.findall(r"(/[^`,\s]*)", line):
            asked = path.replace("MODEL", "heart").replace("VERSION", "1").replace("VALUES", "1,2")
            status, _, body = server.ask(method, asked, "{}" if method == "POST" else None)
            # values that do not fit are told; a path that is not there would be 404
            assert status in (200, 400), (path, body)
