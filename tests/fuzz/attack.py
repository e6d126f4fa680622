"""Sends requests to a running server, and holds every answer against what it should be."""

import contextlib
import json
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz import oracle
from tests.fuzz.cases import Case, requests
from tests.unit.evermodel.serving.conftest import MadeModel

CHUNK = 500
"""Cases whose answers are compared together: scikit-learn is asked once for many rows."""


@dataclass
class Reply:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """A client that sends bytes as they are, on a connection that it keeps as long as it may."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._rest = b""

    def ask(self, data: bytes, *, head_only: bool = False) -> Reply | None:
        """The answer to one request; None where the server closed the connection without one."""
        for fresh in (self._socket is None, True):  # a connection that was kept may have been closed meanwhile
            if self._socket is None:
                self._socket, self._rest = socket.create_connection(("127.0.0.1", self._port), timeout=20), b""
            with contextlib.suppress(ConnectionError):
                self._socket.sendall(data)
                reply = self._read(head_only=head_only)
                if reply is not None and reply.headers.get("connection") == "close":
                    self.close()
                if reply is not None or fresh:
                    return reply
            self.close()
        return None

    def throw(self, data: bytes) -> list[Reply]:
        """All answers to bytes on a connection of their own, until the server closes it."""
        self.close()
        self._socket, self._rest = socket.create_connection(("127.0.0.1", self._port), timeout=20), b""
        replies = []
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(data)
            self._socket.shutdown(socket.SHUT_WR)
            while (reply := self._read()) is not None:
                replies.append(reply)
        self.close()
        return replies

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _more(self) -> bool:
        part = self._socket.recv(1 << 18) if self._socket else b""
        self._rest += part
        return bool(part)

    def _read(self, *, head_only: bool = False) -> Reply | None:
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return None
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        if status == 100:
            return self._read(head_only=head_only)
        size = 0 if head_only else int(headers["content-length"])
        while len(self._rest) < size:
            assert self._more(), "the server broke off in the middle of an answer"
        body, self._rest = self._rest[:size], self._rest[size:]
        return Reply(status, headers, body)


@dataclass
class Findings:
    """What came of it."""

    statuses: Counter[int] = field(default_factory=Counter)
    compared: int = 0
    rows: int = 0
    worst: float = 0.0


class Attack:
    """Some cases against one server."""

    def __init__(self, port: int, models: dict[str, MadeModel]) -> None:
        self.findings = Findings()
        self._wire = Wire(port)
        self._models = models
        self._answered: dict[str, list[tuple[Case, list[list[Any]], bytes]]] = {name: [] for name in models}

    def run(self, cases: int, first_seed: int, on_chunk: Callable[[int], bool] = lambda _: True) -> Findings:
        """Send so many, in chunks of their own seeds, so that what a long run finds is found again by a short one.

        `on_chunk` is told how many were sent, and says whether to go on.
        """
        strategy = requests({name: made.signature for name, made in self._models.items()})
        for number, start in enumerate(range(0, cases, CHUNK)):
            count = min(CHUNK, cases - start)
            rules = settings(
                max_examples=count,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            seed(first_seed + number)(rules(given(strategy)(self._send)))()
            self._compare()
            if not on_chunk(start + count):
                break
        self._wire.close()
        return self.findings

    def _send(self, case: Case) -> None:
        if case.raw:
            for reply in self._wire.throw(case.body):
                self._check(case, reply)
            return
        reply = self._wire.ask(case.encode(), head_only=case.method == "HEAD")
        assert reply is not None, f"no answer to {case}"
        self._check(case, reply, head_only=case.method == "HEAD")
        if reply.status == 200 and case.form in ("v1", "v2", "values"):
            self._answered[case.model].append((case, oracle.rows_of(case, self._models[case.model]), reply.body))

    def _check(self, case: Case, reply: Reply, *, head_only: bool = False) -> None:
        self.findings.statuses[reply.status] += 1
        assert 200 <= reply.status < 500, f"{reply.status} to {case}: {reply.body!r}"
        if reply.status >= 400 and not head_only:
            document = json.loads(reply.body)
            assert list(document) == ["error"], f"{document} to {case}"
            assert isinstance(document["error"], str), document
            assert len(document["error"]) > 10, document

    def _compare(self) -> None:
        for name, found in self._answered.items():
            if not found:
                continue
            made = self._models[name]
            truth = oracle.expected(made, [row for _, rows, _ in found for row in rows])
            place = 0
            for case, rows, body in found:
                labels, shares = oracle.answered(case, made, body)
                apart = oracle.difference(made, truth[place : place + len(rows)], labels, shares)
                assert apart <= oracle.TOLERANCE, (
                    f"{apart} from scikit-learn's {truth[place : place + len(rows)][:3]}: {case} {body[:300]!r}"
                )
                place += len(rows)
                self.findings.worst = max(self.findings.worst, apart)
                self.findings.compared += 1
            self.findings.rows += place
            found.clear()
        assert np.isfinite(self.findings.worst)
