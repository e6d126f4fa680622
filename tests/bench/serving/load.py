"""Load by wrk: what it is told, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tests.bench.serving.process import pinned

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Request:
    """One request of a load."""

    method: str
    path: str
    body: bytes | None = None


@dataclass(frozen=True)
class Cell:
    """What wrk measured."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    connection_errors: int
    timeouts: int
    status_errors: int
    """Answers with a status of 400 or more."""
    busy: int = 0
    """Of them 429 and 503, where statuses are counted."""
    busy_without_retry_after: int = 0

    @property
    def rate(self) -> float:
        """Answers in a second, of all statuses."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def errors(self) -> int:
        """All that went wrong."""
        return self.connection_errors + self.timeouts + self.status_errors

    def document(self) -> dict[str, Any]:
        """For the result."""
        return {**asdict(self), "rate": round(self.rate, 1), "errors": self.errors}


def read_cell(output: str) -> Cell:
    """What wrk printed.

    Raises:
        ValueError: it did not come to its end.
    """
    for line in output.splitlines():
        if line.startswith("JSON "):
            told = json.loads(line.removeprefix("JSON "))
            return Cell(**{field.name: told[field.name] for field in fields(Cell) if field.name in told})
    raise ValueError(f"wrk said no result: {output[-300:]!r}")


def fire(
    base: str,
    requests: Sequence[Request],
    folder: Path,
    *,
    connections: int,
    seconds: float,
    core: int | None = None,
    delay_ms: float = 0,
    statuses: bool = False,
) -> Cell:
    """Send requests for some seconds, and measure.

    Args:
        base: as http://127.0.0.1:5050.
        requests: sent in turn.
        folder: for the files that wrk reads.
        connections: how many, each of which waits for its answer.
        seconds: how long.
        core: where wrk runs.
        delay_ms: how long each connection waits between an answer and the next request.
        statuses: whether 429 and 503 are counted, which costs wrk time.
    """
    lines = []
    for place, request in enumerate(requests):
        file = "-"
        if request.body is not None:
            file = str(folder / f"body-{place}")
            Path(file).write_bytes(request.body)
        lines.append(f"{request.method}\t{request.path}\t{file}")
    listed = folder / "requests.tsv"
    listed.write_text("\n".join(lines) + "\n")
    told = {"WRK_REQUESTS": str(listed), "WRK_DELAY": f"{delay_ms:.3f}"} | ({"WRK_STATUSES": "1"} if statuses else {})
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "--latency"]
    ran = subprocess.run(
        [*pinned(core), *command, "-s", str(SCRIPT), base],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    return read_cell(ran.stdout or ran.stderr)
