"""One server with one model: started, waited for, asked, measured and ended."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.serving.bodies import Rows, labels
from tests.bench.serving.competitors import PORT, QUIET, Competitor
from tests.bench.serving.load import Request, fire
from tests.bench.serving.process import Tree, running
from tests.bench.serving.setup import HOME, is_made
from tests.bench.serving.verdict import cell_name

READY_SECONDS = 120.0
SERVER_CORE, CLIENT_CORE = 0, 1
_WARM_SECONDS = 2.0


class MeasureError(Exception):
    """A server cannot be measured; the message says why."""


@dataclass(frozen=True)
class Plan:
    """How long, and how many at a time."""

    rows: Sequence[int]
    connections: Sequence[int]
    seconds: float
    warm_seconds: float = _WARM_SECONDS


def read_rows(folder: Path) -> Rows:
    """The rows of a prepared model, with the answers of scikit-learn."""
    return Rows(**json.loads((folder / "rows.json").read_text()))


def ask(url: str, body: bytes) -> Any:
    """The JSON that a server answers.

    Raises:
        OSError: it does not answer, or with an error.
    """
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  loopback
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return json.load(answer)


def wait_until_right(tree: Tree, url: str, body: bytes, wanted: list[int]) -> float:
    """Seconds from the start to the first right answer.

    Raises:
        MeasureError: none came in time, or a wrong one.
    """
    while True:
        try:
            got = labels(ask(url, body))
            break
        except urllib.error.HTTPError as error:
            reason = f"{error.code}: {error.read()[:200]!r}"
        except OSError as error:
            reason = str(error)
        if tree.process.poll() is not None or time.monotonic() - tree.started > READY_SECONDS:
            raise MeasureError(f"it did not get ready: {reason}; its log ends with: {tree.last_lines()}")
        time.sleep(0.01)
    ready = time.monotonic() - tree.started
    if got != wanted:
        raise MeasureError(f"its answer to one row is {got}, and scikit-learn's is {wanted}")
    return round(ready, 2)


def check_answers(competitor: Competitor, url: str, rows: Rows, counts: Sequence[int]) -> None:
    """See that it answers as scikit-learn does.

    Raises:
        MeasureError: it does not.
    """
    for count in counts:
        asked = rows.first(count)
        try:
            got = labels(ask(url, competitor.body(asked)))
        except urllib.error.HTTPError as error:
            raise MeasureError(f"{count} rows: {error.code}: {error.read()[:200]!r}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MeasureError(f"{count} rows: {type(error).__name__}: {error}") from None
        if got != asked.labels:
            wrong = sum(a != b for a, b in zip(got, asked.labels, strict=False))
            raise MeasureError(f"{count} rows: {wrong} of {len(got)} answers are not scikit-learn's")


def measure(
    competitor: Competitor, model: str, folder: Path, plan: Plan, tell: Callable[[str], None]
) -> dict[str, Any]:
    """All cells of one server with one model.

    Raises:
        MeasureError: it cannot be measured.
    """
    if competitor.venv and not is_made(competitor.venv):
        raise MeasureError("its venv is not there; run python -m tests.bench.serving.setup")
    rows, url = read_rows(folder), competitor.url(model)
    environment = {**QUIET, "MODEL_DIR": str(folder), "PORT": str(PORT)} if competitor.kind != "ours" else {}
    log = HOME / "run" / f"{competitor.name}-{model}.log"
    one = rows.first(1)
    with running(competitor.command(folder, model), environment, log, SERVER_CORE) as tree:
        ready = wait_until_right(tree, url, competitor.body(one), one.labels)
        check_answers(competitor, url, rows, plan.rows)
        rest = tree.memory()
        cells = {}
        for count in plan.rows:
            request = Request("POST", competitor.path.format(model=model), competitor.body(rows.first(count)))
            for connections, name in [(n, cell_name(count, n)) for n in plan.connections]:
                cells[name] = _cell(request, plan, connections, warm=connections == plan.connections[0])
                tell(f"{name:>28}  {cells[name]['rate']:>9.1f} req/s  p99 {cells[name]['p99_ms']:>8.2f} ms")
        check_answers(competitor, url, rows, plan.rows)
        after = tree.memory()
    told = {"kind": competitor.kind, "ready_seconds": ready, "rest": asdict(rest), "after": asdict(after)}
    return {**told, "cells": cells}


def _cell(request: Request, plan: Plan, connections: int, *, warm: bool) -> dict[str, Any]:
    base, folder = f"http://127.0.0.1:{PORT}", HOME / "run"
    if warm:
        fire(base, [request], folder, connections=8, seconds=plan.warm_seconds, core=CLIENT_CORE)
    found = fire(base, [request], folder, connections=connections, seconds=plan.seconds, core=CLIENT_CORE)
    return found.document()
