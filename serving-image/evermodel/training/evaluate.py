"""Fitting, choosing by cross-validation, and measuring on the rows that were held out."""

import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from evermodel.artifact.model import answer
from evermodel.artifact.signature import Signature
from evermodel.errors import DataError, SpecError
from evermodel.metrics import DEFAULT_METRICS, Answers, measure
from evermodel.training.pipeline import Plan, build_pipeline
from evermodel_api.training import Algorithm, Metric, Task, TrainingSpec

Progress = Callable[[str], None]
_LIBRARY_ERRORS = (ValueError, TypeError, AttributeError, ArithmeticError, LookupError)
"""What scikit-learn and XGBoost raise when parameters and rows do not fit together."""

_PLACES = re.compile(r"\[\d\d:\d\d:\d\d\] |/\S+\.(?:cc|cu|h|cpp|cuh):\d+: ")
"""XGBoost's words begin with the time and a line of its source."""


@dataclass(frozen=True)
class Rows:
    """Rows with their truth."""

    frame: pd.DataFrame
    """The signature's columns."""
    truth: NDArray[np.float64]
    """Shape (rows,): class numbers or numbers."""

    def where(self, mask: NDArray[np.bool_]) -> "Rows":
        """The rows at which the mask is true."""
        return Rows(self.frame.loc[mask], self.truth[mask])


@dataclass(frozen=True)
class Candidate:
    """How one algorithm did in cross-validation."""

    algorithm: Algorithm
    scores: dict[Metric, float]
    """Mean over the folds; empty where there was nothing to choose."""
    notes: tuple[str, ...]
    """What its library warned of while it was fitted."""


def wanted_metrics(spec: TrainingSpec) -> tuple[Metric, ...]:
    """What is measured: what the spec names, or the task's defaults, and what gates look at. The first one chooses."""
    named = [*(spec.validation.metrics or DEFAULT_METRICS[spec.task]), *(gate.metric for gate in spec.gates)]
    return tuple(dict.fromkeys(named))


def fit(plan: Plan, algorithm: Algorithm, signature: Signature, rows: Rows, seed: int) -> tuple[Any, tuple[str, ...]]:
    """A fitted pipeline, and what its library warned of.

    Raises:
        SpecError: `ParameterUnknown`, or `FitFailed` naming the algorithm and what its library said.
    """
    from evermodel.artifact.frame import estimator_frame  # noqa: PLC0415

    pipeline = build_pipeline(plan, algorithm, seed)
    truth = rows.truth.astype(np.int64) if signature.task is Task.CLASSIFICATION else rows.truth
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            pipeline.fit(estimator_frame(signature, rows.frame), truth)
        except _LIBRARY_ERRORS as error:
            raise SpecError(
                "FitFailed",
                f"{described(algorithm)} could not be fitted: {_said(error)}; correct its params or the pipeline",
            ) from error
    _forget_jobs(pipeline)
    return pipeline, tuple(dict.fromkeys(_said(warning.message) for warning in caught))


def _said(words: Warning | Exception | str) -> str:
    """A library's own words on one line, without the time and the places in its code: they say nothing of the model."""
    own, _, _ = str(words).partition("Stack trace:")
    return _PLACES.sub("", " ".join(own.split()))[:400].strip(" .")


def _forget_jobs(pipeline: Pipeline) -> None:
    """Let a fitted model answer with one thread, however many fitted it.

    Forests add up what their trees say in the order in which threads come, which changes the last bits of an answer.
    """
    estimator = pipeline.named_steps["estimator"]
    if estimator.get_params(deep=False).get("n_jobs") not in {None, 1}:
        estimator.set_params(n_jobs=1)


def described(algorithm: Algorithm) -> str:
    """An algorithm, as messages name it."""
    return f"the algorithm {algorithm.name!r} ({algorithm.estimator})"


def evaluate(model: Any, signature: Signature, rows: Rows, who: str) -> Answers:
    """A model's answers beside the truth. `who` is the model, for messages.

    Raises:
        SpecError: `FitFailed` when the model cannot answer rows that it was not fitted on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as levels that training never saw: they are in the scores
        try:
            predicted, probabilities = answer(model, signature, rows.frame)
        except _LIBRARY_ERRORS as error:
            raise SpecError(
                "FitFailed",
                f"{who} cannot answer rows that it was not fitted on: {_said(error)}; "
                "correct its params or the pipeline",
            ) from error
    return Answers(rows.truth, predicted, probabilities, len(signature.classes))


def cross_validate(
    plan: Plan, spec: TrainingSpec, signature: Signature, rows: Rows, folds: NDArray[np.intp], progress: Progress
) -> list[Candidate]:
    """Every algorithm's mean scores over the folds, in the spec's order.

    Raises:
        SpecError: as `fit`.
    """
    candidates = []
    for algorithm in spec.algorithms:
        scores: dict[Metric, list[float]] = {metric: [] for metric in wanted_metrics(spec)}
        notes: list[str] = []
        for fold in range(int(folds.max()) + 1):
            model, warned = fit(plan, algorithm, signature, rows.where(folds != fold), spec.run.seed)
            notes.extend(warned)
            answers = evaluate(model, signature, rows.where(folds == fold), described(algorithm))
            for metric, values in scores.items():
                values.append(measure(metric, answers))
        means = {metric: float(np.mean(values)) for metric, values in scores.items()}
        candidates.append(Candidate(algorithm, means, tuple(dict.fromkeys(notes))))
        first = next(iter(means))
        progress(f"{algorithm.name}: {first} {means[first]:.4f} in cross-validation")
    return candidates


def choose(candidates: Sequence[Candidate], metric: Metric) -> Candidate:
    """The best by the metric; the first of equals; one whose score is not defined only when none is."""

    def merit(candidate: Candidate) -> float:
        score = candidate.scores.get(metric, math.nan)
        if math.isnan(score):
            return -math.inf
        return score if metric.larger_is_better else -score

    return max(candidates, key=merit)


def check_classes(
    truth: NDArray[np.float64], parts: Sequence[NDArray[np.bool_]], signature: Signature, remedy: str
) -> None:
    """Check that every class is in every part.

    Raises:
        DataError: `TooFewRows` naming the class and the remedy.
    """
    for part in parts:
        present = set(truth[part].tolist())
        for number, label in enumerate(signature.classes):
            if number not in present:
                raise DataError(
                    "TooFewRows", f"the class {label!r} has too few rows to be in every part of the data; {remedy}"
                )
