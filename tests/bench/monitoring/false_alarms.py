"""How often an evaluation leaves Healthy when nothing changed, with default settings: at most 1 % is promised.

python -m tests.bench.monitoring.false_alarms [--draws 300]

The reference has 5,000 rows; columns are numbers of five laws, and categories for every fifth one. Each draw is one
evaluation of a fresh window; the state machine of a monitor that fires at 2 of 3 is not even asked.
"""

import argparse
import sys
from itertools import product

import numpy as np
import pandas as pd

from evermodel.artifact.profiling import build_baseline
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.drift import compare
from evermodel_api.monitor import Drift
from evermodel_api.training import Task
from tests.bench.monitoring.tables import column

LEVELS = np.array([f"level{i}" for i in range(12)], dtype=object)
WEIGHTS = 1.0 / np.arange(1, 13) / np.sum(1.0 / np.arange(1, 13))
REFERENCE_ROWS = 5000


def kinds(columns):
    """Names of the columns of numbers, and of categories."""
    return [f"n{i}" for i in range(columns) if i % 5 != 4], [f"c{i}" for i in range(columns) if i % 5 == 4]


def draw(random, columns, rows):
    """Cells of each column: numbers, or codes of levels."""
    numbers, categories = kinds(columns)
    cells = {name: column(random, i, rows) for i, name in enumerate(numbers)}
    return cells, {name: random.choice(12, rows, p=WEIGHTS) for name in categories}


def reference(columns):
    numbers, codes = draw(np.random.default_rng(0), columns, REFERENCE_ROWS)
    frame = pd.DataFrame({**numbers, **{name: LEVELS[code] for name, code in codes.items()}})
    kind = {**dict.fromkeys(numbers, ("number", "FP64")), **dict.fromkeys(codes, ("category", "BYTES"))}
    described = [ColumnSignature(name=n, kind=kind[n][0], datatype=kind[n][1]) for n in frame]
    return build_baseline(Signature(task=Task.REGRESSION, target="y", columns=described), frame, {})


def alarms(columns, rows, draws):
    """Evaluations that found drift of the data set, and that had any column drift."""
    baseline, spec, of_data, of_columns = reference(columns), Drift(), 0, 0
    for seed in range(draws):
        numbers, codes = draw(np.random.default_rng([1, seed, columns, rows]), columns, rows)
        window = {name: NumberColumn(cells) for name, cells in numbers.items()}
        window |= {name: CategoryColumn(code, LEVELS.tolist()) for name, code in codes.items()}
        found = compare(spec, baseline, window)
        of_data += bool(found.holds)
        of_columns += bool(found.drifted)
    return of_data, of_columns


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--draws", type=int, default=300)
    draws = arguments.parse_args().draws
    sys.stdout.write(f"{draws} draws\n| columns | rows | leaves Healthy | any column |\n|---|---|---|---|\n")
    for columns, rows in product((10, 200), (200, 1000, 10000)):
        of_data, of_columns = alarms(columns, rows, draws)
        sys.stdout.write(f"| {columns} | {rows} | {of_data / draws:.1%} | {of_columns / draws:.1%} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
