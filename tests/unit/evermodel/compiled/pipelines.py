"""Small fitted pipelines as a training leaves them, with their signature and rows."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from evermodel.artifact.build import column_signature
from evermodel.artifact.frame import estimator_frame
from evermodel.artifact.prepare import Prepare, names_made
from evermodel.artifact.signature import Signature
from evermodel.training.classes import make_estimator, make_selector, make_transformer, with_probabilities
from evermodel.training.fitting import Fitted
from evermodel.training.forms import Forms, make_forms
from evermodel_api.training import Task

IMPUTED = ({"SimpleImputer": {"strategy": "median"}}, {"StandardScaler": {}})
ENCODED = ({"OneHotEncoder": {}},)
Steps = Sequence[Mapping[str, Any]]


def table(rows: int = 150, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray[Any, np.dtype[np.float64]]]:
    """Four columns of numbers, one with gaps, two of categories with gaps, a date; and a number that follows."""
    chance = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"x{i}": np.round(chance.normal(size=rows) * (i + 1), 3) for i in range(4)}
    columns["x1"][chance.random(rows) < 0.1] = np.nan
    for name, levels in (("c", 3), ("d", 7)):
        cells = np.array([f"level {i}" for i in range(levels)], dtype=object)[chance.integers(0, levels, rows)]
        cells[chance.random(rows) < 0.1] = None
        columns[name] = cells
    days = np.datetime64("2024-01-01") + chance.integers(0, 900, rows)
    moments = np.array(
        [f"{day}T{hour:02}:15:00Z" for day, hour in zip(days, chance.integers(0, 24, rows), strict=True)]
    )
    cells = moments.astype(object)
    cells[::17] = None
    columns["when"] = cells
    frame = pd.DataFrame(columns)
    truth = np.nan_to_num(frame["x1"]) + frame["x2"] + 3.0 * (frame["c"] == "level 1") + chance.normal(size=rows)
    return frame, truth.to_numpy()


def signature_of(frame: pd.DataFrame, task: Task, classes: int) -> Signature:
    """The signature of such a frame."""
    kinds = {"c": ("category", "BYTES"), "d": ("category", "BYTES"), "when": ("moment", "BYTES")}
    columns = [column_signature(str(n), *kinds.get(str(n), ("number", "FP64")), frame[n]) for n in frame.columns]
    return Signature(task=task, target="y", columns=columns, classes=list(range(classes)))


@dataclass(frozen=True)
class Made:
    """A fitted pipeline in all its forms."""

    forms: Forms
    signature: Signature
    frame: pd.DataFrame
    model: Any


def make(
    task: Task,
    estimator: str,
    params: Mapping[str, Any] | None = None,
    *,
    numbers: Steps = IMPUTED,
    texts: Steps | None = ENCODED,
    classes: int = 2,
    select: tuple[str, dict[str, Any]] | None = None,
    prepare: Sequence[Mapping[str, Any]] = (),
    rows: int = 150,
    gaps: bool = True,
) -> Made:
    """Fit a pipeline of these steps."""
    frame, truth = table(rows)
    if not gaps:
        frame["x1"] = frame["x1"].fillna(0.0)
    if not any("dateParts" in step or "elapsed" in step for step in prepare):
        frame = frame.drop(columns="when")
    if texts is None:
        frame = frame.drop(columns=["c", "d"])
    if task is Task.CLASSIFICATION:
        truth = np.digitize(truth, np.quantile(truth, np.arange(1, classes) / classes)).astype(np.int64)
    elif estimator in {"PoissonRegressor", "GammaRegressor", "TweedieRegressor"}:
        truth = np.abs(truth) + 0.1
    signature = signature_of(frame, task, classes if task is Task.CLASSIFICATION else 0)
    last = make_estimator(estimator, params or {}, task, 0, "params", classes=signature.classes)
    if task is Task.CLASSIFICATION:
        last = with_probabilities(last)
    made = [name for step in prepare for name in names_made(step)]
    named = [name for name in frame.columns if name.startswith("x")] + made
    branches = [("numbers", _branch(numbers, task), named)]
    if texts is not None:
        branches.append(("texts", _branch(texts, task), ["c", "d"]))
    steps: list[tuple[str, Any]] = [("prepare", Prepare(list(prepare)))] if prepare else []
    steps.append(("columns", ColumnTransformer(branches, remainder="drop", sparse_threshold=0.0)))
    if select is not None:
        steps.append(("select", make_selector(*select, task, 0, "select", classes=signature.classes)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as a search that has not converged in so few steps
        model = Pipeline([*steps, ("estimator", last)]).fit(estimator_frame(signature, frame), truth)
    return Made(make_forms(Fitted(model), ["skops"], signature, frame), signature, frame, model)


def _branch(steps: Steps, task: Task) -> Pipeline:
    named = [(name, params) for step in steps for name, params in step.items()]
    return Pipeline(
        [
            (f"{i}-{name}", make_transformer(name, params, 0, "steps", task=task))
            for i, (name, params) in enumerate(named)
        ]
    )
