"""A client against a real HTTP server on this machine."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hack.demo.clinic.client import REQUESTS_A_CONNECTION, Client, Target, instance, number_columns
from hack.demo.clinic.tally import Tally
from hack.demo.clinic.ward import Clinic, read_rows
from hack.demo.stage import EXAMPLE


@pytest.fixture(scope="module")
def rows():
    return read_rows((EXAMPLE / "heart.csv").read_text().splitlines())


class Model(ThreadingHTTPServer):
    """Answers as a served model does; `statuses` are used up first."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = []
        self.connections = 0
        self.questions = []
        self.labels = []
        self.close_each = False

    def verify_request(self, *_arguments: object):
        self.connections += 1
        return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model = self.server
        status = model.statuses.pop(0) if model.statuses else 200
        number = len(model.questions)
        answer = {"predictions": [1], "model_version": "heart-1", "id": f"r{number}"}
        if self.path.endswith("/feedback"):
            model.labels += document
        else:
            model.questions += document["instances"]
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Evermodel-Version", "heart-1")
        self.send_header("Evermodel-Request-Id", f"r{number}")
        if model.close_each:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object):
        pass


@pytest.fixture
def model():
    server = Model()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(model, rows, until, seconds_between=0.0):
    tally = Tally()
    target = Target.at(f"http://127.0.0.1:{model.server_port}", "heart", number_columns(rows))
    client = Client(target, Clinic(rows, 1), tally)
    client.seconds_between = seconds_between
    client.start()
    deadline = time.monotonic() + 20
    while not until() and time.monotonic() < deadline:
        time.sleep(0.005)
    client.stop()
    return tally.snapshot()


def test_numbers_are_numbers_words_are_words_and_the_answer_is_not_told(rows):
    sent = instance({**rows[0], "vessels": ""}, number_columns(rows))
    assert sent["age"] == 63.0
    assert sent["sex"] == "male"
    assert sent["vessels"] is None
    assert "diagnosis" not in sent


def test_each_answer_is_counted_and_each_label_is_told(model, rows):
    seen = ask(model, rows, lambda: len(model.questions) >= 130)
    assert seen["failed"] == 0
    assert seen["versions"] == {"heart-1": seen["requests"]}
    assert seen["labels"] == seen["requests"] == len(model.labels)
    assert {label["truth"] for label in model.labels} == {0, 1}


def test_a_connection_is_kept_for_some_requests_and_then_made_anew(model, rows):
    ask(model, rows, lambda: len(model.questions) >= 3 * REQUESTS_A_CONNECTION)
    requests = len(model.questions) + len(model.labels) // 20
    assert requests // REQUESTS_A_CONNECTION <= model.connections <= requests // REQUESTS_A_CONNECTION + 2


def test_a_server_that_closes_the_connection_is_asked_again_over_a_new_one(model, rows):
    model.close_each = True
    seen = ask(model, rows, lambda: len(model.questions) >= 30)
    assert seen["failed"] == 0
    assert model.connections >= 30


def test_a_wrong_status_is_a_failure_and_the_request_is_not_tried_again(model, rows):
    model.statuses = [200, 503]
    seen = ask(model, rows, lambda: len(model.questions) >= 10)
    assert seen["failed"] == 1
    assert "503" in seen["lastFailure"]
    assert seen["requests"] == len(model.questions)


def test_a_broken_connection_is_a_failure(rows):
    server = Model()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def gone():
        if len(server.questions) >= 5 and thread.is_alive():
            server.shutdown()
            thread.join()
            server.server_close()
            ended.append(time.monotonic())
        return bool(ended) and time.monotonic() > ended[0] + 0.3

    ended = []
    server.close_each = True
    seen = ask(server, rows, gone)
    assert seen["failed"] >= 1
    assert "refused" in seen["lastFailure"].lower()


def test_clients_keep_to_their_pace(model, rows):
    began = time.monotonic()
    ask(model, rows, lambda: len(model.questions) >= 20, seconds_between=0.02)
    assert time.monotonic() - began >= 19 * 0.02
