"""The data report on a wide table: seconds, and peak memory beside that of the table.

python -m tests.bench.eda [--rows 100000] [--columns 1000] [--max-cells 20000000] [--json]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd

from evermodel.data.eda import explore
from evermodel.data.eda_page import eda_page
from evermodel_api.training import Task

SEED = 7


def wide_table(rows: int, columns: int) -> pd.DataFrame:
    """Four columns of numbers to each of text; a third of the numbers has gaps; the target follows from the first."""
    generator = np.random.default_rng(SEED)
    texts = columns // 5
    block = generator.normal(size=(columns - texts, rows))
    block[::3, :][generator.random((len(block[::3]), rows)) < 0.1] = np.nan
    block[1] = (block[2] + generator.normal(size=rows) > 0).astype(np.float64)
    frame = pd.DataFrame(block.T, columns=[f"n{i}" for i in range(len(block))], copy=False)
    named = {}
    for i in range(texts):
        levels = np.array([f"level {j}" for j in range(3 + i % 60)], dtype=object)
        named[f"t{i}"] = pd.Series(levels[generator.integers(0, len(levels), rows)], dtype="str")
    return pd.concat([frame, pd.DataFrame(named)], axis=1)


def _memory(key: str) -> float:
    """A line of the kernel's account of this process, in megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(key)) * 1024 / 1e6


def measure(rows: int, columns: int, max_cells: int) -> dict[str, float]:
    """Seconds and megabytes of one report. The table is made before the clock starts."""
    frame = wide_table(rows, columns)
    explore(frame.head(500), "n1", Task.CLASSIFICATION, budget_seconds=60, max_cells=max_cells)  # imports, caches
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    began = time.perf_counter()
    eda = explore(frame, "n1", Task.CLASSIFICATION, budget_seconds=120, max_cells=max_cells)
    explored = time.perf_counter()
    peak = _memory("VmHWM")
    page = eda_page(eda)
    return {
        "rows": rows,
        "columns": columns,
        "seconds": round(explored - began, 2),
        "page_seconds": round(time.perf_counter() - explored, 2),
        "frame_mb": round(float(frame.memory_usage(deep=False).sum()) / 1e6, 1),
        "extra_mb": round(peak - before, 1),
        "page_mb": round(len(page.encode()) / 1e6, 2),
        "sample_rows": eda.sample_rows,
        "only_summarised": len(eda.only_summarised),
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=1000)
    parser.add_argument("--max-cells", type=int, default=20_000_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measured = measure(arguments.rows, arguments.columns, arguments.max_cells)
    if arguments.json:
        print(json.dumps(measured))  # noqa: T201  the answer
        return
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, pandas {pd.__version__}, seed {SEED}"
    print(versions, *(f"{key:>16} {value}" for key, value in measured.items()), sep="\n")  # noqa: T201  the answer


if __name__ == "__main__":
    main()
