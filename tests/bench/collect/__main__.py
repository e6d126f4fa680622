"""Collection and combining: DuckDB beside pandas, one file beside pandas.read_parquet, and data larger than memory.

python -m tests.bench.collect [--rows 1000000] [--scratch DIR] [--json]

Each measurement is a process of its own: seconds without Python's start and imports, and the peak of its memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 11
NOW = datetime(2026, 11, 24, tzinfo=UTC)
LIMIT = 256 << 20
AGG = {
    "mean": ["x0", "mean"],
    "sum": ["x1", "sum"],
    "std": ["x2", "std"],
    "median": ["x3", "median"],
    "top": ["x4", "max"],
    "texts": ["t0", "distinct"],
}


def make_files(folder: Path, rows: int, large_rows: int) -> None:
    """A table of 30 columns, one row a patient for it, and a table that is larger than the limit of memory."""
    _write(folder / "wide.parquet", rows, 24, 6)
    _write(folder / "labs.parquet", rows, 6, 1)
    _write(folder / "large.parquet", large_rows, 12, 2)
    for name, count in (("patients", rows // 20), ("many", large_rows // 20)):
        pd.DataFrame({"patient": np.arange(count), "age": np.arange(count) % 90}).to_parquet(folder / f"{name}.parquet")


def _write(path: Path, rows: int, numbers: int, texts: int) -> None:
    generator = np.random.default_rng(SEED)
    patients = max(rows // 20, 1)
    writer = None
    for start in range(0, rows, 250_000):
        count = min(250_000, rows - start)
        columns: dict[str, Any] = {"patient": generator.integers(0, patients, count)}
        columns |= {f"x{i}": generator.normal(size=count) for i in range(numbers)}
        columns |= {f"t{i}": [f"level {n}" for n in generator.integers(0, 1000, count)] for i in range(texts)}
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="lz4")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _data(folder: Path, source: str, patients: str) -> Any:
    from evermodel_api.training import Data

    steps = [
        {"aggregate": {"in": "labs", "by": ["patient"], "out": "by", "agg": AGG}},
        {"join": {"left": "patients", "right": "by", "on": ["patient"], "out": "all", "validate": "one_to_one"}},
    ]
    files = {"labs": source, "patients": patients}
    sources = [{"name": name, "file": {"uri": str(folder / f"{file}.parquet")}} for name, file in files.items()]
    return Data.model_validate({"sources": sources, "combine": steps})


def read_ours(folder: Path) -> int:
    """One source without combine."""
    from evermodel.data.collect import collect
    from evermodel_api.training import Data

    data = Data.model_validate({"sources": [{"name": "wide", "file": {"uri": str(folder / "wide.parquet")}}]})
    return len(collect(data, NOW, folder, folder / "scratch", None, str).frame)


def read_pandas(folder: Path) -> int:
    """The same by pandas."""
    return len(pd.read_parquet(folder / "wide.parquet"))


def combine_ours(folder: Path) -> int:
    """Group and join, from files to a frame."""
    from evermodel.data.collect import collect

    return len(collect(_data(folder, "labs", "patients"), NOW, folder, folder / "scratch", None, str).frame)


def combine_pandas(folder: Path) -> int:
    """The same by pandas."""
    return _by_pandas(folder, "labs", "patients")


def _by_pandas(folder: Path, source: str, patients: str) -> int:
    labs, left = pd.read_parquet(folder / f"{source}.parquet"), pd.read_parquet(folder / f"{patients}.parquet")
    functions = {"distinct": "nunique"}
    named = {new: (column, functions.get(function, function)) for new, (column, function) in AGG.items()}
    grouped = labs.groupby("patient", as_index=False).agg(**named)
    return len(left.merge(grouped, on="patient", how="left", validate="one_to_one"))


def combine_plain(folder: Path) -> int:
    """The same by DuckDB's own functions on the files themselves: nothing spooled, sums that follow the threads."""
    connection = duckdb.connect()
    functions = {"mean": "avg", "std": "stddev_samp", "distinct": "count(distinct "}
    parts = []
    for new, (column, function) in AGG.items():
        called = functions.get(function, function)
        parts.append(f"{called if '(' in called else called + '('}{column}) AS {new}")
    labs, patients = folder / "labs.parquet", folder / "patients.parquet"
    grouped = f"SELECT patient, {', '.join(parts)} FROM '{labs}' GROUP BY patient"
    return len(connection.sql(f"SELECT * FROM '{patients}' LEFT JOIN ({grouped}) USING (patient)").df())


def large_ours(folder: Path) -> int:
    """Group and join of a table that is larger than the limit of memory."""
    from evermodel.data.collect import collect

    return len(collect(_data(folder, "large", "many"), NOW, folder, folder / "scratch", LIMIT, str).frame)


def large_pandas(folder: Path) -> int:
    """The same by pandas."""
    return _by_pandas(folder, "large", "many")


MEASURED: dict[str, Callable[[Path], int]] = {
    "one file: collect": read_ours,
    "one file: pandas.read_parquet": read_pandas,
    "group and join: collect": combine_ours,
    "group and join: pandas": combine_pandas,
    "group and join: DuckDB, not exact": combine_plain,
    f"larger than memory: collect ({LIMIT >> 20} MiB)": large_ours,
    "larger than memory: pandas": large_pandas,
}


def _peak_kb() -> int:
    """The most memory that this process held; what `getrusage` says includes that of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))


def measure(name: str, folder: Path) -> None:
    """One measurement, as JSON on standard output: this is what a child process does."""
    import evermodel.data.collect
    import evermodel.data.combine
    import evermodel.data.files  # noqa: F401  imports are not measured

    base = _peak_kb()
    began = time.perf_counter()
    rows = MEASURED[name](folder)
    seconds, peak = round(time.perf_counter() - began, 2), _peak_kb()
    found = {"seconds": seconds, "peak_mb": round(peak / 1024), "more_mb": round((peak - base) / 1024), "rows": rows}
    sys.stdout.write(json.dumps(found))


def main() -> None:
    """Make the files, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--large-rows", type=int, default=10_000_000)
    parser.add_argument("--scratch")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, Path(arguments.scratch))
        return
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as name:
        folder = Path(name)
        make_files(folder, arguments.rows, arguments.large_rows)
        found = {}
        for label in MEASURED:
            command = [sys.executable, "-m", "tests.bench.collect", "--measure", label, "--scratch", name]
            # The first of two finds files on disk that the second finds in memory: the better one counts.
            runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
            found[label] = min((json.loads(ran.stdout) for ran in runs), key=lambda row: row["seconds"])
        sizes = {path.name: round(path.stat().st_size / 1e6) for path in sorted(folder.glob("*.parquet"))}
    versions = {module.__name__: module.__version__ for module in (duckdb, pd, pa, np)}
    about = {"python": platform.python_version(), "cores": len(os.sched_getaffinity(0)), **versions, "seed": SEED}
    if arguments.json:
        sys.stdout.write(f"{json.dumps({'about': about, 'megabytes': sizes, 'measured': found})}\n")
        return
    lines = [f"{about}", f"files in MB: {sizes}", f"{'':44}{'seconds':>9}{'peak MB':>9}{'more MB':>9}{'rows':>10}"]
    lines += [
        f"{label:44}{row['seconds']:>9}{row['peak_mb']:>9}{row['more_mb']:>9}{row['rows']:>10}"
        for label, row in found.items()
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
