"""One client of a served model: a thread with one connection at a time."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .ward import TARGET, Clinic, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .tally import Tally

TIMEOUT = 10.0
LABELS_A_POST = 20
REQUESTS_A_CONNECTION = 50
_PAUSE_WHILE_NOBODY_ANSWERS = 0.2


def number_columns(rows: Sequence[Row]) -> frozenset[str]:
    """Columns in which every value that is there is a number."""

    def is_number(text: str) -> bool:
        return text.replace(".", "", 1).lstrip("-").isdigit()

    return frozenset(name for name in rows[0] if all(is_number(row[name]) for row in rows if row[name]))


def instance(row: Row, numbers: frozenset[str]) -> dict[str, float | str | None]:
    """The row as a client sends it: without the answer, numbers as numbers, null for what is missing."""
    return {
        name: None if not text else float(text) if name in numbers else text
        for name, text in row.items()
        if name != TARGET
    }


@dataclass(frozen=True)
class Target:
    """The model that is asked."""

    host: str
    port: int
    model: str
    numbers: frozenset[str]
    """Columns that are sent as numbers."""

    @classmethod
    def at(cls, url: str, model: str, numbers: frozenset[str]) -> Target:
        """The model behind an http URL."""
        parts = urlsplit(url)
        return cls(parts.hostname or "localhost", parts.port or http.client.HTTP_PORT, model, numbers)


class Client(threading.Thread):
    """Asks about one patient after the other, over a connection that is made anew every so many requests."""

    def __init__(self, target: Target, clinic: Clinic, tally: Tally) -> None:
        """What the client sees goes to the tally, which clients may share; the clinic is its own."""
        super().__init__(daemon=True)
        self.ward_share = 0.0
        self.seconds_between = 0.0
        self._target = target
        self._clinic = clinic
        self._tally = tally
        self._connection: http.client.HTTPConnection | None = None
        self._labels: list[dict[str, Any]] = []
        self._sent = 0
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End after the request that is under way, and wait for that."""
        self._stopping.set()
        self.join(TIMEOUT)

    def run(self) -> None:
        """Ask until stopped."""
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            # A client that was held up does not make up for it by asking faster later.
            due = max(due, time.monotonic() - self.seconds_between) + self.seconds_between
            self._ask(self._clinic.patient(self.ward_share))
            if not self._tally.answering:
                self._stopping.wait(_PAUSE_WHILE_NOBODY_ANSWERS)
            if len(self._labels) >= LABELS_A_POST:
                self._tell()
            if self._sent >= REQUESTS_A_CONNECTION:
                self._hang_up()
        self._tell()
        self._hang_up()

    def _ask(self, patient: Row) -> None:
        began = time.monotonic()
        question = {"instances": [instance(patient, self._target.numbers)]}
        answer = self._post(f"/v1/models/{self._target.model}:predict", question, began)
        if answer is None:
            return
        headers, body = answer
        self._tally.answered(began, time.monotonic() - began, headers["Evermodel-Version"], body.get("model_version"))
        self._labels.append({"id": headers["Evermodel-Request-Id"], "truth": int(patient[TARGET])})

    def _tell(self) -> None:
        labels, self._labels = self._labels, []
        if not labels:
            return
        if self._post(f"/v2/models/{self._target.model}/feedback", labels, time.monotonic()) is not None:
            self._tally.labelled(len(labels))

    def _post(self, path: str, document: object, began: float) -> tuple[http.client.HTTPMessage, dict[str, Any]] | None:
        """Headers and body of an answer with status 200; None, and a failure in the tally, for anything else."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._target.host, self._target.port, timeout=TIMEOUT)
        self._sent += 1
        try:
            self._connection.request("POST", path, json.dumps(document), {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            content = response.read()
            if response.status == http.HTTPStatus.OK:
                return response.headers, json.loads(content)
            self._tally.failed(began, f"{path}: status {response.status}: {content[:200].decode(errors='replace')}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._tally.failed(began, f"{path}: {type(error).__name__}: {error}")
            self._hang_up()
        return None

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._sent = None, 0
