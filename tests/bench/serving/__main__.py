"""Measures Evermodel's server beside others on one core, with wrk on the other.

python -m tests.bench.serving.setup
python -m tests.bench.serving --peers all --seconds 8 --out FILE

Each server is started alone, answers as scikit-learn does or is not measured, and is ended before the next one starts.
One that fails is told in the end, and the others go on. Ours has its log of predictions and its metrics on. --repeat
measures all again, so that one sees how much a ratio is worth; FILE has the last of them, and the ratios of all.
"""

# ruff: noqa: T201  what it prints is its answer
from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evermodel_api import __version__
from tests.bench.serving.competitors import ALL, MODELS, OURS, ROWS, Competitor
from tests.bench.serving.measure import MeasureError, Plan, measure
from tests.bench.serving.models import prepare
from tests.bench.serving.setup import HOME
from tests.bench.serving.verdict import RATES, as_documents, cell_name, markdown, ratio, verdicts

_TOLD = (
    *("evermodel", "mlserver", "mlserver-sklearn", "kserve", "bentoml", "mlflow", "ray", "litserve", "fastapi"),
    *("uvicorn", "uvloop", "httptools", "granian", "orjson", "onnxruntime", "pydantic"),
    *("numpy", "pandas", "scikit-learn", "xgboost-cpu"),
)
"""Distributions whose versions are told."""


def versions(competitors: list[Competitor]) -> dict[str, dict[str, str]]:
    """Of what each server is made of."""
    found = {OURS: {**_versions_in(sys.path), OURS: __version__}}
    for venv in dict.fromkeys(one.venv for one in competitors if one.venv):
        found[venv] = _versions_in([str(path) for path in (HOME / venv).glob("lib/python*/site-packages")])
    return found


def _versions_in(places: list[str]) -> dict[str, str]:
    named = {str(d.metadata["Name"]).lower(): d.version for d in importlib.metadata.distributions(path=places)}
    return {name: named[name] for name in _TOLD if name in named}


def machine() -> dict[str, Any]:
    """Where and when this is measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown"),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "load_before": os.getloadavg(),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    others = [name for name in ALL if name != OURS]
    parser.add_argument(
        "--peers", nargs="*", default=["all"], choices=["all", *others], help="beside ours (default all)"
    )
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=MODELS)
    parser.add_argument("--rows", nargs="*", type=int, default=list(ROWS), choices=ROWS)
    parser.add_argument("--connections", nargs="*", type=int, default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=8, help="for each cell (default %(default)g)")
    parser.add_argument("--repeat", type=int, default=1, help="measure all so often (default %(default)d)")
    parser.add_argument("--out", type=Path, help="write the result there (JSON), and its tables beside it (.md)")
    return parser.parse_args()


def chosen(names: list[str]) -> list[Competitor]:
    """Ours first, then those that are named."""
    return [one for name, one in ALL.items() if name == OURS or "all" in names or name in names]


def run_all(competitors: list[Competitor], models: list[str], plan: Plan, keep: Any) -> dict[str, Any]:
    """Measure all; `keep` is called after each server with what there is so far."""
    result: dict[str, Any] = {"results": {}, "failed": {}}
    for number, (one, model) in enumerate([(one, model) for one in competitors for model in models], 1):
        print(f"[{number} of {len(competitors) * len(models)}] {one.name}, {model}", flush=True)
        try:
            found = measure(one, model, HOME / "models" / model, plan, lambda line: print(line, flush=True))
            result["results"].setdefault(one.name, {})[model] = found
        except (MeasureError, OSError, ValueError, subprocess.SubprocessError) as error:
            result["failed"][f"{one.name}, {model}"] = f"{type(error).__name__}: {error}"
            print(f"  FAILED: {error}", flush=True)
        keep(result)
    return result


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """Ours beside the best peer in all cells that have a target."""
    found = {}
    for target in RATES:
        name = cell_name(target.rows, target.connections)
        got = ratio(result["results"], "peer", target.model, name)
        if got:
            found[f"{target.model}, {name}"] = round(got[1], 2)
    return found


def main() -> int:
    """Prepare, measure, print and write."""
    arguments = _arguments()
    if shutil.which("wrk") is None:
        print("wrk is not there; run python -m tests.bench.serving.setup", file=sys.stderr)
        return 2
    competitors = chosen(arguments.peers)
    (HOME / "run").mkdir(parents=True, exist_ok=True)
    for model in arguments.models:
        prepare(model, mlflow=any(one.name == "mlflow" for one in competitors))
    plan = Plan(arguments.rows, arguments.connections, arguments.seconds, min(2.0, arguments.seconds))
    about = {
        **machine(),
        "seconds": arguments.seconds,
        "rows": arguments.rows,
        "connections": arguments.connections,
        "versions": versions(competitors),
    }
    started, all_ratios = time.monotonic(), []

    def keep(result: dict[str, Any]) -> None:
        if arguments.out:
            document = {**about, **result, "targets": as_documents(verdicts(result["results"])), "ratios": all_ratios}
            arguments.out.write_text(json.dumps(document, indent=1) + "\n")
            arguments.out.with_suffix(".md").write_text(markdown({**about, **result}))

    for round_number in range(arguments.repeat):
        result = run_all(competitors, arguments.models, plan, keep)
        all_ratios.append(ratios(result))
        keep(result)
        print(f"\nround {round_number + 1}, {time.monotonic() - started:.0f} s\n\n{markdown({**about, **result})}")
    if arguments.repeat > 1:
        print("ours / best peer, by round:", json.dumps(all_ratios, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
