"""A server that is killed under load, again and again: what was answered is in the log, once.

`EVERMODEL_KILLS=20` kills it twenty times instead of three.
"""

import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.evermodel.serving.test_process import logged_ids, own_store, serving, write_order

KILLS = int(os.environ.get("EVERMODEL_KILLS", "3"))
CLIENTS = 4


class Client(threading.Thread):
    """Asks on one connection until it breaks; remembers what was answered with 200, and what was asked."""

    def __init__(self, server, name: str) -> None:
        super().__init__()
        self.server, self.label = server, name
        self.answered: list[str] = []
        self.asked: list[str] = []

    def run(self) -> None:
        connection = self.server.connect()
        for count in range(10**9):
            request = f"{self.label}-{count}"
            self.asked.append(request)
            try:
                connection.request("POST", "/v1/models/ward:predict", json.dumps({"instances": [[1]], "id": request}))
                response = connection.getresponse()
                body = response.read()
            except Exception:  # noqa: BLE001  however the end of a server looks to a client
                break
            assert response.status == 200, body
            self.answered.append(request)
        connection.close()


def group_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [*map(int, children), pid]


def live_and_die(arguments, life: int, seconds: float) -> list[Client]:
    """A life of the server under load; it ends by SIGKILL to all of its processes."""
    with serving(*arguments) as server:
        clients = [Client(server, f"life-{life}-{number}") for number in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(seconds)
        pids = group_of(server.process.pid)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # all at one moment, wherever each of them is
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        server.process.communicate(timeout=20)
        for client in clients:
            client.join(20)
            assert not client.is_alive()
    return clients


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_answered_is_in_the_log_once_however_often_the_server_is_killed(line, tmp_path, workers):
    # given a server with a spool that outlives it, killed under load, sometimes before and sometimes after it flushes
    store, spool = own_store(line, tmp_path), tmp_path / "spool"
    order = write_order(line, store, tmp_path / "order.json")
    arguments = ("--order", str(order), "--port", "0", "--workers", str(workers), "--spool", str(spool))
    arguments += ("--termination-log", str(tmp_path / "t"), "--drain", "0")
    clients: list[Client] = []
    for life in range(KILLS):
        clients += live_and_die(arguments, life, 0.3 + 0.37 * (life % 4))
    answered = Counter(request for client in clients for request in client.answered)
    asked = {request for client in clients for request in client.asked}
    assert len(answered) > 50 * KILLS
    # when the next server has started, and ends as it should
    with serving(*arguments) as server:
        deadline = time.monotonic() + 30
        while any(spool.rglob("*.seg")) and time.monotonic() < deadline:
            time.sleep(0.1)
        server.process.terminate()
        assert server.process.wait(30) == 0
    # then each request that was answered is there, once; and nothing is there that was not asked
    logged = logged_ids(store, "ward")
    missing = [request for request in answered if request not in logged]
    assert missing == []
    assert max(logged.values()) == 1
    assert set(logged) <= asked
    assert list(spool.rglob("*.seg")) == []
    print(f"{workers} workers, {KILLS} kills: {len(answered)} answered, {len(logged)} in the log, each once")  # noqa: T201
