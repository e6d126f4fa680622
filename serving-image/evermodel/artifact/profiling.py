"""Makes the baseline: the training rows are profiled once, so that no evaluation ever reads them again.

Deterministic: the same rows, in any order, give the same bytes.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact.baseline import MAX_LEVELS, Baseline, CategoryProfile, NumberProfile, values_each
from evermodel.artifact.signature import Signature

Floats = NDArray[np.float64]


def build_baseline(signature: Signature, frame: pd.DataFrame, metrics: dict[str, float]) -> Baseline:
    """The profile of the training rows; `frame` has the signature's columns."""
    kept = values_each(sum(column.kind == "number" for column in signature.columns))
    columns: dict[str, NumberProfile | CategoryProfile] = {}
    for column in signature.columns:
        if column.format is not None:
            continue  # a date of today was never seen before: what is made of it may drift, and it is no feature
        cells = frame[column.name]
        columns[column.name] = (
            profile_numbers(cells.to_numpy(), kept) if column.kind == "number" else profile_categories(cells)
        )
    repeats = float(frame[signature.names].duplicated().mean()) if len(frame) else 0.0
    return Baseline(rows=len(frame), columns=columns, metrics=metrics, repeats=repeats)


def profile_numbers(cells: Floats, kept: int) -> NumberProfile:
    """Profile of numbers, NaN where one is missing, shape (rows,); at most `kept` values stand for them."""
    present = np.sort(cells[~np.isnan(cells)] + 0.0)  # -0.0 equals 0.0 and has other bytes: one of them stays
    missing = len(cells) - len(present)
    if len(present) == 0:
        return NumberProfile(n=0, missing=missing, mean=0.0, sd=0.0, min=0.0, max=0.0, quantiles=np.empty(0))
    mean, sd = _mean_and_sd(present)
    return NumberProfile(
        n=len(present),
        missing=missing,
        mean=mean,
        sd=sd,
        min=float(present[0]),
        max=float(present[-1]),
        quantiles=present if len(present) <= kept else _quantiles(present, kept),
    )


def _mean_and_sd(values: Floats) -> tuple[float, float]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean, sd = float(values.mean()), float(values.std())
    if np.isfinite([mean, sd]).all():
        return mean, sd
    scale = float(np.abs(values).max())  # values such as 1e200 are numbers, and their squares are none
    return float((values / scale).mean()) * scale, float((values / scale).std()) * scale


def _quantiles(ascending: Floats, count: int) -> Floats:
    """Evenly spaced quantiles of sorted values, linear between neighbours (Hyndman and Fan's type 7)."""
    places = np.linspace(0.0, len(ascending) - 1.0, count)
    below = np.floor(places).astype(np.intp)
    above = np.minimum(below + 1, len(ascending) - 1)
    return np.asarray(ascending[below] + (ascending[above] - ascending[below]) * (places - below))


def profile_categories(cells: "pd.Series[Any]") -> CategoryProfile:
    """Profile of categories, None or NaN where one is missing."""
    counted = cells.value_counts(dropna=True)
    pairs = sorted(zip(counted.index.tolist(), counted.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    present = int(counted.sum())
    return CategoryProfile(
        n=present,
        missing=len(cells) - present,
        counts=dict(sorted(pairs[:MAX_LEVELS])),
        others=sum(count for _, count in pairs[MAX_LEVELS:]),
    )
