"""Several processes behind one port: a fair share for each, one set of counters, and none missed when one dies."""

import http.client
import json
import os
import signal
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.evermodel.serving.test_process import fails, finish, own_store, serving

WORKERS = 3


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    connection.request(method, path, body)
    response = connection.getresponse()
    return response.status, response.read()


def metrics(server) -> dict:
    _, _, text = server.ask("GET", "/metrics")
    families = text_string_to_metric_families(text.decode())
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def children(server) -> list[int]:
    parent = server.process.pid
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def sockets_of(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(entry.readlink()))
        except OSError:
            continue
    return {name for name in found if name.startswith("socket:")}


def wait_until(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


ANSWERED = ("evermodel_requests_total", ("code", "200"), ("route", "v1_predict"), ("version", "line-1"))
BODY = json.dumps({"instances": [[50]]})


@pytest.fixture
def store(line, tmp_path):
    return own_store(line, tmp_path)


def test_processes_share_clients_counters_and_the_end(store):
    arguments = ("line", "--store", str(store), "--port", "0", "--workers", str(WORKERS), "--drain", "0.2")
    with serving(*arguments) as server:
        pids = children(server)
        assert len(pids) == WORKERS
        own = {pid: len(sockets_of(pid)) for pid in pids}
        # given clients that keep their connections, one after the other
        clients = [server.connect() for _ in range(2 * WORKERS)]
        for client in clients:
            assert ask(client, "POST", "/v1/models/line:predict", BODY)[0] == 200
        # then each process has as many of them as the others
        assert [len(sockets_of(pid)) - own[pid] for pid in pids] == [2] * WORKERS
        # and whichever is asked tells of all
        found = metrics(server)
        assert found[ANSWERED] == 2 * WORKERS
        assert found["evermodel_processes",] == WORKERS
        for client in clients:
            client.close()
        # when one of them is killed
        os.kill(pids[0], signal.SIGKILL)
        wait_until(lambda: is_gone(pids[0]))
        # then the others answer, and the server stays ready
        for _ in range(20):
            assert server.ask("GET", "/v2/health/ready")[0] == 200
            assert server.ask("POST", "/v1/models/line:predict", BODY)[0] == 200
        # and it is started again, and goes on counting where it had been
        wait_until(lambda: metrics(server)["evermodel_processes",] == WORKERS)
        assert metrics(server)[ANSWERED] == 2 * WORKERS + 20
        server.process.terminate()
        code, out, err = finish(server)
    assert code == 0
    assert "ended" in out
    assert "ended with -9; it is started again" in err
    assert len(err.splitlines()) == 1


def test_processes_end_when_their_parent_is_killed(store):
    arguments = ("line", "--store", str(store), "--port", "0", "--workers", "2", "--drain", "0.1")
    with serving(*arguments) as server:
        pids = children(server)
        server.process.kill()
        server.process.wait()
        wait_until(lambda: all(is_gone(pid) for pid in pids), 15)


def test_a_model_that_cannot_be_served_ends_all_with_its_sentence(line, store, tmp_path):
    for model in store.glob(f"artifacts/{line.artifact.digest[7:]}/model.skops"):
        content = bytearray(model.read_bytes())
        content[100] ^= 1
        model.write_bytes(content)
    message = tmp_path / "message"
    code, err = fails("line", "--store", str(store), "--port", "0", "--workers", "2", "--termination-log", str(message))
    assert code == 3
    assert "model.skops" in err
    assert "Traceback" not in err
    assert message.read_text() in err


def test_nobody_runs_any_number_of_processes(line):
    for wrong in ("0", "-1", "many", "1000"):
        code, err = fails("line", "--store", str(line.store), "--workers", wrong)
        assert code == 2
        assert "--workers" in err
