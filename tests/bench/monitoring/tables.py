"""The tables of the benchmark: seeded, in Parquet, a reference and a window each.

    python -m tests.bench.monitoring.tables DIRECTORY NAME

a: 24 columns of numbers, of which every third has 1 % gaps, and 6 of categories with 5 to 50 levels; 50,000 rows.
b: 200 columns of numbers, 20,000 rows. c: 10 columns of numbers, 1,000,000 rows. wide: 1,000 columns, 50,000 rows.
long: 10 columns, 10,000,000 rows in the window. In each window every sixth column of numbers has moved by 0.15.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SHAPES = {
    "a": (50_000, 24, (5, 10, 20, 30, 40, 50)),
    "b": (20_000, 200, ()),
    "c": (1_000_000, 10, ()),
    "wide": (50_000, 1000, ()),
    "long": (10_000_000, 10, ()),
}
LAWS = (
    lambda random, move, n: random.normal(move, 1.0, n),
    lambda random, move, n: random.lognormal(move, 0.6, n),
    lambda random, move, n: random.gamma(2.0 + move, 1.0, n),
    lambda random, move, n: random.uniform(0.0, 1.0 + move, n),
    lambda random, move, n: random.poisson(8.0 * (1.0 + move), n).astype(float),
)


def column(random, place, rows, move=0.0):
    """Numbers of one of five laws."""
    return LAWS[place % len(LAWS)](random, move, rows)


def write(directory, name):
    """Both sides as ref.parquet and cur.parquet, column by column; what is there already stays."""
    rows, numbers, levels = SHAPES[name]
    for side in ("ref", "cur"):
        path = Path(directory) / name / f"{side}.parquet"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        count = 1_000_000 if (name, side) == ("long", "ref") else rows
        random, moved = np.random.default_rng([ord(name[0]), side == "cur"]), side == "cur"
        columns = {}
        for i in range(numbers):
            cells = column(random, i, count, 0.15 if moved and i % 6 == 0 else 0.0)
            if name == "a" and i % 3 == 0:
                cells[random.random(count) < 0.01] = np.nan
            columns[f"n{i:03}"] = pa.array(cells, from_pandas=True)
        for i, k in enumerate(levels):
            weights = 1.0 / np.arange(1, k + 1) ** (0.8 if moved and i == 0 else 1.0)
            texts = np.array([f"level{j:02}" for j in range(k)])[random.choice(k, count, p=weights / weights.sum())]
            columns[f"c{i}"] = pa.array(texts)
        pq.write_table(pa.table(columns), path)


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2])
