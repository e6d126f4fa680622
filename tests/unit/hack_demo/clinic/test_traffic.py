"""The clients' program as it runs in its pod: a folder of files, and nothing but the standard library."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hack.demo.clinic.traffic import Phase, read_phase, write_phase
from hack.demo.stage import CLIENT_PROGRAMS, CLINIC, EXAMPLE


def test_without_a_word_the_clients_begin_calmly(tmp_path):
    assert read_phase(tmp_path / "phase.json") == Phase(ward_share=0.0, rate=40.0, over=False)


def test_a_phase_is_read_as_it_was_set(tmp_path):
    phase = Phase(ward_share=0.5, rate=0.0, over=True)
    write_phase(tmp_path / "phase.json", phase)
    assert read_phase(tmp_path / "phase.json") == phase
    assert [path.name for path in tmp_path.iterdir()] == ["phase.json"]


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"predictions": [1], "model_version": "heart-1"}'
        self.send_response(200)
        for name, value in {
            "Evermodel-Version": "heart-1",
            "Evermodel-Request-Id": "r",
            "Content-Length": len(body),
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object):
        pass


@pytest.fixture
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def program(tmp_path):
    """Calls the program in a folder that holds what the ConfigMap does."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    for name in CLIENT_PROGRAMS:
        shutil.copy(CLINIC / name, folder)

    def call(*arguments: str):
        command = [sys.executable, "-S", "-m", "clinic.traffic", "--phase", str(tmp_path / "phase.json"), *arguments]
        return subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )

    return call


def test_clients_count_change_and_end_as_they_are_told(program, url):
    # given clients that ask
    running = program("run", "--url", url, "--model", "heart", "--rows", str(EXAMPLE / "heart.csv"))
    first = json.loads(running.stdout.readline())
    assert first["requests"] > 0
    assert first["ward_share"] == 0.0

    # when they are told to go on otherwise, and then to end
    with program("set", "--ward-share", "0.5", "--rate", "0") as setting:
        assert setting.wait(10) == 0
    changed = [json.loads(running.stdout.readline()) for _ in range(2)][-1]
    with program("end") as ending:
        assert ending.wait(10) == 0
    rest, _ = running.communicate(timeout=20)

    # then they did, and their last word counts everything
    assert (changed["ward_share"], changed["rate"]) == (0.5, 0)
    assert running.returncode == 0
    last = json.loads(rest.splitlines()[-1])
    assert last["over"]
    assert last["labels"] == last["requests"] == last["versions"]["heart-1"]
    assert (last["failed"], last["unnamed"]) == (0, 0)
