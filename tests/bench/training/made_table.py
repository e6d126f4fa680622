"""A table to train on: numbers, categories, gaps, and a target of two classes that follows from some of them."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

NUMBERS = 24
LEVELS = (3, 5, 8, 8, 12, 20)
"""How many levels each column of categories has."""
TARGET = "bought"


def made_table(rows: int, seed: int) -> pd.DataFrame:
    """24 columns of numbers, a third of them with gaps; 6 of categories, two with gaps; the target, 30 % of it true."""
    generator = np.random.default_rng(seed)
    block = generator.normal(size=(NUMBERS, rows))
    block[8:16] = np.round(np.exp(block[8:16]), 2)  # amounts
    block[16:] = np.floor(block[16:] * 10 + 40)  # counts
    codes = [generator.integers(0, levels, rows) for levels in LEVELS]
    effects = [generator.normal(scale=0.5, size=levels) for levels in LEVELS]
    score = block[0] + 0.7 * block[1] * block[2] + 0.5 * np.log1p(block[8]) + 0.05 * (block[16] - 40)
    score += np.sin(2 * block[3]) + sum(effect[code] for effect, code in zip(effects, codes, strict=True))
    score += generator.logistic(size=rows)
    columns: dict[str, pd.Series | np.ndarray] = {}
    for i, cells in enumerate(block):
        if i % 3 == 0:
            cells[generator.random(rows) < 0.05] = np.nan
        columns[f"n{i}"] = cells
    for i, (code, levels) in enumerate(zip(codes, LEVELS, strict=True)):
        gaps = code.copy()
        if i % 3 == 0:
            gaps[generator.random(rows) < 0.02] = -1
        texts = pd.Categorical.from_codes(gaps, [f"level {j}" for j in range(levels)])
        columns[f"c{i}"] = pd.Series(texts).astype("str")
    columns[TARGET] = (score > np.quantile(score, 0.7)).astype(np.int64)
    return pd.DataFrame(columns)


def main() -> None:
    """Write it as one Parquet file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    made_table(arguments.rows, arguments.seed).to_parquet(arguments.path, index=False)


if __name__ == "__main__":
    main()
