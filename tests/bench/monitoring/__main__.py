"""Monitoring beside Evidently and NannyML: whole processes, from Parquet files to a verdict, imports included.

    python -m tests.bench.monitoring [--sets a b c wide long] [--peers evidently nannyml] [--directory DIR] [--repeat 3]

The environments of the peers are made once, outside the repository, in DIR/evidently and DIR/nannyml; what they compare
is in `tables`. The reference does not change between evaluations, so ours profiles it once, at training (`prepare`, not
counted but told); the peers read it each time. Prints a table with seconds, peak memory, and how many times as much a
peer takes. `levels` and `false_alarms` beside this file measure rates instead of times.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

PACKAGES = {
    "evidently": ("evidently==0.7.*", "pandas<3", "pyarrow"),
    "nannyml": ("nannyml==0.13.1", "statsmodels", "pyarrow"),
}
ROOT = Path(__file__).resolve().parents[3]


def measure(command, repeat):
    """Median seconds and peak memory in MiB of whole processes; None where one failed."""
    found = []
    for _ in range(repeat):
        with tempfile.TemporaryFile("w+") as errors:
            start = time.perf_counter()
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, cwd=ROOT)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = status
            if status:
                errors.seek(0)
                sys.stderr.write(f"{command[:3]} failed: {errors.read()[-500:]}\n")
                return None
            found.append((time.perf_counter() - start, usage.ru_maxrss / 1024))
        if found[0][0] > 30:
            break
    return statistics.median(s for s, _ in found), max(m for _, m in found)


def environment(directory, peer):
    """Python of a peer's environment, made when it is not there."""
    place = directory / peer
    python = place / "bin" / "python"
    if not (place / "made").exists():
        venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES[peer]], check=True)
        (place / "made").touch()
    return str(python)


def ours(directory, name):
    """The command of one evaluation, after the reference was profiled."""
    here, store = directory / "tables" / name, directory / "tables" / name / "store"
    prepared = [sys.executable, "-m", "tests.bench.monitoring.prepare", str(here / "ref.parquet"), str(store)]
    uri = subprocess.run(prepared, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout.strip()
    evermodel = str(Path(sys.executable).with_name("evermodel"))
    given = ["-f", str(store / "monitor.yaml"), "--store", str(store), "--model", uri]
    return [evermodel, "monitor", *given, "--window", str(here / "cur.parquet"), "--json"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sets", nargs="*", default=["a", "b", "c", "wide", "long"])
    arguments.add_argument("--peers", nargs="*", default=list(PACKAGES), choices=list(PACKAGES))
    arguments.add_argument("--directory", type=Path, default=Path("~/.cache/evermodel-peers/monitoring").expanduser())
    arguments.add_argument("--repeat", type=int, default=3)
    asked = arguments.parse_args()
    sys.stdout.write("| table | who | seconds | MiB | times ours | memory / ours |\n|---|---|---|---|---|---|\n")
    for name in asked.sets:
        tables = asked.directory / "tables"
        subprocess.run([sys.executable, "-m", "tests.bench.monitoring.tables", tables, name], check=True, cwd=ROOT)
        paths = [str(tables / name / f"{side}.parquet") for side in ("ref", "cur")]
        measured = {"ours": measure(ours(asked.directory, name), asked.repeat)}
        for peer in asked.peers if name in "abc" else []:
            command = [environment(asked.directory, peer), str(Path(__file__).with_name("peers.py")), peer, *paths]
            measured[peer] = measure(command, asked.repeat)
        for who, row in measured.items():
            if row is None:
                sys.stdout.write(f"| {name} | {who} | failed | | | |\n")
                continue
            seconds, memory = row
            base = measured["ours"] or row
            ratios = f"{seconds / base[0]:.1f} | {memory / base[1]:.1f}"
            sys.stdout.write(f"| {name} | {who} | {seconds:.2f} | {memory:.0f} | {ratios} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
