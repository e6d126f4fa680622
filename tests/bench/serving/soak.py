"""Minutes of mixed load on our server at a share of what it can: errors, and whether its memory stays.

python -m tests.bench.serving.soak --minutes 30 [--share 0.8] [--model lr] [--out FILE]

The load is a mix of routes and sizes, sent by wrk on the other core. What the server can is measured first, with the
same mix; then each connection waits between an answer and the next request, so that the rate is that share.
"""

# ruff: noqa: T201  what it prints is its answer
from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from tests.bench.serving import bodies
from tests.bench.serving.bodies import Rows
from tests.bench.serving.competitors import ALL, MODELS, OURS, PORT
from tests.bench.serving.load import Request, fire
from tests.bench.serving.measure import CLIENT_CORE, SERVER_CORE, read_rows, wait_until_right
from tests.bench.serving.process import Tree, running
from tests.bench.serving.setup import HOME

CONNECTIONS = 32
FLAT = 0.05
"""Memory is flat when it grows by no more than this share of what it was after the warm-up."""
WARM_SHARE = 0.2
"""Of all samples: caches and buffers fill in them."""
_CAPACITY_SECONDS = 5


@dataclass(frozen=True)
class Trend:
    """Memory over time, after the warm-up."""

    first_mib: float
    last_mib: float
    mib_per_hour: float
    """Slope of the line of least squares."""
    growth: float
    """What that line grows by in the time that was measured, as a share of its beginning."""

    @property
    def flat(self) -> bool:
        """Whether it grew by no more than FLAT."""
        return self.growth <= FLAT


def trend(samples: Sequence[tuple[float, float]], warm: float = WARM_SHARE) -> Trend:
    """The trend of samples of (seconds, MiB), in the order of time.

    Raises:
        ValueError: fewer than three are left after the warm-up.

    >>> trend([(0, 50), (1, 100), (2, 101), (3, 102), (4, 103)]).growth
    0.03
    """
    kept = samples[int(len(samples) * warm) :]
    if len(kept) < 3:
        raise ValueError("too few samples after the warm-up; give it more minutes")
    mean_time = sum(at for at, _ in kept) / len(kept)
    mean_size = sum(size for _, size in kept) / len(kept)
    spread = sum((at - mean_time) ** 2 for at, _ in kept)
    slope = sum((at - mean_time) * (size - mean_size) for at, size in kept) / spread
    begin = mean_size + slope * (kept[0][0] - mean_time)
    growth = slope * (kept[-1][0] - kept[0][0]) / begin
    return Trend(kept[0][1], kept[-1][1], round(slope * 3600, 2), round(growth, 4))


def mix(rows: Rows, model: str) -> list[Request]:
    """Routes and sizes as clients ask them: mostly one row, at times many, now and then who watches."""
    infer, predict = f"/v2/models/{model}/infer", f"/v1/models/{model}:predict"
    one = [Request("POST", infer, bodies.tensor(Rows(rows.columns, [row], []))) for row in rows.rows[:6]]
    values = ",".join("" if cell is None else quote(str(cell), safe="") for cell in rows.rows[0])
    return [
        *one,
        Request("POST", predict, bodies.instances(rows.first(1))),
        Request("POST", infer, bodies.tensor(rows.first(10))),
        Request("GET", f"/v2/model/{model}/{values}/prediction"),
        *one,
        Request("POST", predict, bodies.instances(rows.first(100))),
        Request("GET", f"/v2/models/{model}"),
        *one,
        Request("POST", infer, bodies.tensor(rows.first(100))),
        Request("GET", "/v2/health/ready"),
        *one,
        Request("GET", "/metrics"),
    ]


def sample(tree: Tree, every: float, stop: threading.Event) -> list[tuple[float, float]]:
    """(seconds, MiB of PSS) until it is told to stop; grows by one line for each sample."""
    found: list[tuple[float, float]] = []
    began = time.monotonic()
    while not stop.wait(every):
        found.append((round(time.monotonic() - began, 1), tree.memory().pss))
    return found


def pause_ms(connections: int, rate: float, latency_ms: float) -> float:
    """How long each connection has to wait between answer and request, for so many requests a second together."""
    return max(0.0, connections / rate * 1000 - latency_ms)


def main() -> int:
    """Soak, and say whether it stayed as it was; 1 where it did not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=0.8, help="of what it can (default %(default)g)")
    parser.add_argument("--model", default="lr", choices=MODELS)
    parser.add_argument(
        "--every", type=float, default=5, help="seconds between samples of memory (default %(default)g)"
    )
    parser.add_argument("--out", type=Path, help="write the result there (JSON)")
    arguments = parser.parse_args()
    from tests.bench.serving.models import prepare  # slow to import, and its tests need none of it

    folder = prepare(arguments.model, mlflow=False)
    (HOME / "run").mkdir(parents=True, exist_ok=True)
    rows, ours, base = read_rows(folder), ALL[OURS], f"http://127.0.0.1:{PORT}"
    requests, place = mix(rows, arguments.model), HOME / "run"
    with running(ours.command(folder, arguments.model), {}, HOME / "run" / "soak.log", SERVER_CORE) as tree:
        wait_until_right(tree, ours.url(arguments.model), ours.body(rows.first(1)), rows.labels[:1])
        told = {"connections": CONNECTIONS, "core": CLIENT_CORE}
        most = fire(base, requests, place, seconds=_CAPACITY_SECONDS, **told)
        wanted = most.rate * arguments.share
        print(f"it can {most.rate:.0f} req/s of the mix; {arguments.share:.0%} are {wanted:.0f}", flush=True)
        first = pause_ms(CONNECTIONS, wanted, 0)
        trial = fire(base, requests, place, seconds=_CAPACITY_SECONDS, delay_ms=first, **told)
        pause = pause_ms(CONNECTIONS, wanted, CONNECTIONS / trial.rate * 1000 - first)
        stop, found = threading.Event(), []
        watch = threading.Thread(target=lambda: found.extend(sample(tree, arguments.every, stop)), daemon=True)
        watch.start()
        soaked = fire(base, requests, place, seconds=arguments.minutes * 60, delay_ms=pause, **told)
        stop.set()
        watch.join()
        alive = tree.process.poll() is None
    line = trend(found)
    print(
        f"{soaked.requests} requests in {soaked.seconds:.0f} s: {soaked.rate:.0f} req/s, that is {soaked.rate / most.rate:.0%}"
    )
    print(
        f"p50 {soaked.p50_ms:.2f} ms, p99 {soaked.p99_ms:.2f} ms, longest {soaked.max_ms:.0f} ms; {soaked.errors} errors"
    )
    told_flat = "flat within 5 %" if line.flat else "NOT flat within 5 %"
    print(
        f"memory {line.first_mib} MiB, then {line.last_mib} MiB: {line.mib_per_hour} MiB/h, {line.growth:+.1%}, {told_flat}"
    )
    if arguments.out:
        result = {"model": arguments.model, "capacity": most.document(), "soak": soaked.document(), "samples": found}
        arguments.out.write_text(json.dumps({**result, "trend": {**asdict(line), "flat": line.flat}}, indent=1) + "\n")
    return 0 if alive and line.flat and not soaked.errors else 1


if __name__ == "__main__":
    raise SystemExit(main())
