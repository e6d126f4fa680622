"""The server as a process: what it says, how it ends, and what is left of it in the store when it is killed."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from evermodel_api.deployment import PredictionLog
from evermodel_api.runs import ServingOrder
from evermodel_api.version import Artifact

READY_SECONDS = 60
THREADS = 4


class Server:
    """A running `evermodel serve`."""

    def __init__(self, process: subprocess.Popen[str], line: str):
        self.process = process
        self.line = line
        found = re.search(r"https?://127\.0\.0\.1:(\d+) ", line)
        assert found, line
        self.port = int(found[1])

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(self, method, path, body=None):
        connection = self.connect()
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, dict(response.headers), response.read()
        finally:
            connection.close()


def start(*arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [
        sys.executable,
        "-c",
        "import sys; from evermodel.cli import main; sys.exit(main())",
        "serve",
        *arguments,
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )


@contextmanager
def serving(*arguments: str):
    process = start(*arguments)
    timer = threading.Timer(READY_SECONDS, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
        timer.cancel()
        assert line, process.stderr.read()
        yield Server(process, line)
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def finish(server: Server, seconds: float = 30) -> tuple[int, str, str]:
    out, err = server.process.communicate(timeout=seconds)
    return server.process.returncode, out, err


def fails(*arguments: str) -> tuple[int, str]:
    process = start(*arguments)
    _, err = process.communicate(timeout=READY_SECONDS)
    return process.returncode, err


def own_store(made, tmp_path: Path) -> Path:
    """A copy of the store, which this test may write to and damage."""
    shutil.copytree(made.store, tmp_path / "store", ignore=shutil.ignore_patterns("log", "feedback"))
    return tmp_path / "store"


def write_order(made, store: Path, path: Path, **more) -> Path:
    digest = made.artifact.digest
    uri = f"file://{store}/artifacts/{digest.removeprefix('sha256:')}"
    order = ServingOrder(
        namespace="clinic",
        deployment="ward",
        model="ward",
        version=made.version,
        artifact=Artifact(uri=uri, digest=digest),
        store=f"file://{store}",
        log=PredictionLog(flush="200ms"),
        **more,
    )
    path.write_text(order.model_dump_json(by_alias=True))
    return path


def logged_ids(store: Path, deployment: str) -> Counter:
    files = sorted((store / "log" / deployment).rglob("*.parquet"))
    return Counter(i for file in files for i in pq.read_table(file)["_id"].to_pylist())


def test_several_models_answer_behind_one_host_and_it_ends_with_its_log_written(line, patients, tmp_path):
    # given a store, when two versions of it and a directory under a name of its own are served
    store = own_store(line, tmp_path)
    directory = f"my_line-2={line.artifact.uri.removeprefix('file://')}"
    with serving("line-1", "patients", directory, "--store", str(store), "--port", "0", "--drain", "0") as server:
        assert "answers with line-1, patients-1, my_line-2" in server.line
        # then each answers by its name
        status, headers, body = server.ask("GET", "/v2/model/line/50/prediction")
        assert (status, headers["evermodel-version"], json.loads(body)["prediction"]) == (200, "line-1", 104.0)
        status, headers, body = server.ask("POST", "/v1/models/my_line:predict", '{"instances": [50]}')
        assert (status, headers["evermodel-version"], json.loads(body)["predictions"]) == (200, "my_line-2", [104.0])
        status, headers, body = server.ask("GET", "/v2/model/patients/70,male,true/prediction")
        assert (status, headers["evermodel-version"], json.loads(body)["prediction"]) == (200, "patients-1", "ill")
        # and what is no HTTP at all gets the same kind of error
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.sendall(b"NONSENSE\r\n\r\n")
            head, _, text = raw.recv(4096).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400")
            assert list(json.loads(text)) == ["error"]
        # and after SIGTERM it ends well, with each request in the log of its version
        server.process.terminate()
        code, _, err = finish(server)
    assert (code, err) == (0, "")
    assert [sum(logged_ids(store, model).values()) for model in ("line", "my_line", "patients")] == [1, 1, 1]


class Client(threading.Thread):
    """Asks on one kept-alive connection as fast as it can, until nobody listens any more."""

    def __init__(self, server: Server, number: int, stop: threading.Event):
        super().__init__()
        self.server = server
        self.number = number
        self.stop = stop
        self.answered: list[str] = []
        self.failures: list[str] = []
        self.connections = 0
        self.refused_at: float | None = None

    def run(self):
        connection = self.server.connect()
        for count in range(10**9):
            if self.stop.is_set():
                break
            if connection.sock is None:
                try:
                    connection.connect()
                except ConnectionError:
                    self.refused_at = time.monotonic()
                    break
                self.connections += 1
            self._ask(connection, f"client-{self.number}-{count}")
        connection.close()

    def _ask(self, connection, request_id):
        body = json.dumps({"instances": [[50]], "id": request_id})
        try:
            connection.request("POST", "/v1/models/ward:predict", body)
            response = connection.getresponse()
            answer = json.loads(response.read())
            assert response.status == 200, answer
            assert answer["predictions"] == [104.0]
            assert answer["model_version"] == "line-1"
            self.answered.append(request_id)
        except Exception as error:  # noqa: BLE001  every failure is a finding
            self.failures.append(f"{request_id}: {error!r}")
            connection.close()


def hammer(server: Server, stop: threading.Event) -> list[Client]:
    clients = [Client(server, number, stop) for number in range(THREADS)]
    for client in clients:
        client.start()
    return clients


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_under_load_loses_no_request(line, tmp_path, workers):
    # given a pod's server and clients that keep their connections open and never pause
    store = own_store(line, tmp_path)
    order = write_order(line, store, tmp_path / "order.json")
    stop = threading.Event()
    arguments = ("--order", str(order), "--port", "0", "--drain", "1.5", "--termination-log", str(tmp_path / "t"))
    with serving(*arguments, "--workers", str(workers)) as server:
        clients = hammer(server, stop)
        time.sleep(1.0)
        before = [client.connections for client in clients]
        # when SIGTERM arrives
        terminated = time.monotonic()
        server.process.terminate()
        time.sleep(0.5)
        # then it is not ready any more but goes on answering, and asks everybody to leave
        status, headers, _ = server.ask("GET", "/v2/health/ready")
        assert (status, headers["connection"]) == (503, "close")
        code, _, err = finish(server)
        for client in clients:
            client.join(20)
        stop.set()
    # then no request failed, each client left on being asked to, and connections were refused only after the drain
    assert [failure for client in clients for failure in client.failures] == []
    assert before == [1] * THREADS
    assert all(client.connections > 1 for client in clients)
    assert all(client.refused_at and client.refused_at - terminated >= 1.5 for client in clients)
    assert (code, err) == (0, "")
    # and every answer is in the log, once
    answered = Counter(i for client in clients for i in client.answered)
    assert len(answered) > 100
    assert logged_ids(store, "ward") == answered


def test_an_idle_client_does_not_delay_the_end(line, tmp_path):
    # given a client that holds a connection open and sends nothing
    store = own_store(line, tmp_path)
    with serving("line", "--store", str(store), "--port", "0", "--drain", "0.1") as server:
        idle = socket.create_connection(("127.0.0.1", server.port))
        # when the server is asked to end
        started = time.monotonic()
        server.process.terminate()
        code, _, _ = finish(server)
        idle.close()
    # then it ends soon
    assert code == 0
    assert time.monotonic() - started < 8


def test_after_sigkill_the_log_is_readable_and_has_all_but_the_last_moment(line, tmp_path):
    # given a server under load that writes its log every 200 ms
    store = own_store(line, tmp_path)
    order = write_order(line, store, tmp_path / "order.json")
    stop = threading.Event()
    with serving("--order", str(order), "--port", "0", "--termination-log", str(tmp_path / "t")) as server:
        clients = hammer(server, stop)
        time.sleep(1.0)
        early = [list(client.answered) for client in clients]
        # when it is killed a second after these answers
        time.sleep(1.5)
        server.process.kill()
        finish(server)
        stop.set()
        for client in clients:
            client.join(20)
    # then every file can be read, nothing is there twice, and what was answered before the last second is there
    logged = logged_ids(store, "ward")
    assert {i for ids in early for i in ids} <= set(logged)
    assert max(logged.values()) == 1
    # and nothing is there that was not asked
    asked = {f"client-{client.number}-{n}" for client in clients for n in range(len(client.answered) + 2)}
    assert set(logged) <= asked


def test_changed_bytes_end_with_3_and_say_so_where_kubernetes_looks(line, tmp_path):
    # given an artifact with a changed byte
    store = own_store(line, tmp_path)
    order = write_order(line, store, tmp_path / "order.json")
    model = next(store.glob(f"artifacts/{line.artifact.digest[7:]}/model.skops"))
    content = bytearray(model.read_bytes())
    content[100] ^= 1
    model.write_bytes(content)
    # when a pod is to serve it
    code, err = fails("--order", str(order), "--port", "0", "--termination-log", str(tmp_path / "message"))
    # then it ends with 3, and the sentence names the file, on standard error and in the termination message
    assert code == 3
    assert "model.skops" in err
    assert "Traceback" not in err
    assert (tmp_path / "message").read_text() in err
