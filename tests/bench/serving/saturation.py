"""What our server does past what it can, and with more processes.

python -m tests.bench.serving.saturation [--seconds 5] [--out FILE]

More and more connections ask without pause. Past saturation the rate should stay, the latency be bounded by connections
over rate, and what is refused be refused with 503 (or 429) and Retry-After. Two models: one that is compiled, and one that
scikit-learn itself answers, which has a bounded queue. Then --workers 2 beside 1, all cores for both, and wrk on the same cores:
what is told there is what is left beside wrk.
"""

# ruff: noqa: T201  what it prints is its answer
from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tests.bench.serving import bodies
from tests.bench.serving.competitors import ALL, OURS, PORT, UNCOMPILED
from tests.bench.serving.load import Cell, Request, fire
from tests.bench.serving.measure import CLIENT_CORE, SERVER_CORE, read_rows, wait_until_right
from tests.bench.serving.process import running
from tests.bench.serving.setup import HOME

CONNECTIONS = (1, 8, 64, 256, 1024)
STAYS = 0.8
"""Past the best rate, this share of it should stay."""


def stays(cells: list[Cell]) -> float:
    """The last rate as a share of the best one; 1 where more connections never hurt."""
    best = max(cell.rate for cell in cells)
    return round(cells[-1].rate / best, 3) if best else 0.0


def answered(cell: Cell) -> float:
    """Right answers in a second."""
    return (cell.requests - cell.status_errors) / cell.seconds if cell.seconds else 0.0


def curve(model: str, workers: int, seconds: float, connections: tuple[int, ...], *, apart: bool) -> list[Cell]:
    """A cell for each number of connections; `apart`: the server on one core and wrk on the other."""
    from tests.bench.serving.models import prepare  # slow to import, and its tests need none of it

    folder = prepare(model, mlflow=False)
    ours, rows = ALL[OURS], read_rows(folder)
    request = Request("POST", ours.path.format(model=model), bodies.tensor(rows.first(1)))
    command = [*ours.command(folder, model), "--workers", str(workers)]
    server, client = (SERVER_CORE, CLIENT_CORE) if apart else (None, None)
    found = []
    with running(command, {}, HOME / "run" / "saturation.log", server) as tree:
        wait_until_right(tree, ours.url(model), ours.body(rows.first(1)), rows.labels[:1])
        for count in connections:
            told = {"connections": count, "seconds": seconds, "core": client, "statuses": True}
            found.append(fire(f"http://127.0.0.1:{PORT}", [request], HOME / "run", **told))
            _tell(model, workers, count, found[-1])
    return found


def _tell(model: str, workers: int, connections: int, cell: Cell) -> None:
    print(
        f"{model:<12}{workers:>2} processes {connections:>5} connections {cell.rate:>9.0f} req/s, {answered(cell):>9.0f} right"
        f"  p50 {cell.p50_ms:>8.2f}  p99 {cell.p99_ms:>8.2f} ms  refused {cell.busy}"
        f" ({cell.busy_without_retry_after} without Retry-After), other errors {cell.errors - cell.busy}",
        flush=True,
    )


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--out", type=Path, help="write the result there (JSON)")
    arguments = parser.parse_args()
    (HOME / "run").mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {}
    for model in ("lr", UNCOMPILED):
        cells = curve(model, 1, arguments.seconds, CONNECTIONS, apart=True)
        share = stays(cells)
        verdict = "stays" if share >= STAYS else "DOES NOT STAY"
        print(f"{model}: with {CONNECTIONS[-1]} connections {share:.0%} of the best rate: it {verdict}\n")
        result[model] = {"cells": [cell.document() for cell in cells], "share": share}
    for workers in (1, 2):
        cells = curve("lr", workers, arguments.seconds, (8, 64), apart=False)
        result[f"lr, {workers} processes"] = {"cells": [cell.document() for cell in cells]}
    one, two = (result[f"lr, {n} processes"]["cells"][-1]["rate"] for n in (1, 2))
    print(f"two processes beside one, wrk on the same cores: {two / one:.2f}x")
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
