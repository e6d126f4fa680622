"""Asking a fitted model for rows that it was not fitted on."""

import warnings
from typing import Any

import numpy as np

from evermodel.artifact.model import answer
from evermodel.artifact.signature import Signature
from evermodel.errors import SpecError
from evermodel.metrics import DEFAULT_METRICS, Answers, measure
from evermodel.training.fitting import LIBRARY_ERRORS, Rows, library_words
from evermodel_api.training import Metric, TrainingSpec


def wanted_metrics(spec: TrainingSpec) -> tuple[Metric, ...]:
    """What is measured: what the spec names, or the task's defaults, and what else looks at a metric."""
    named = [*(spec.validation.metrics or DEFAULT_METRICS[spec.task]), *(gate.score for gate in spec.gates)]
    if spec.tuning is not None:
        named.append(spec.tuning.objective)
    if spec.validation.overfit is not None:
        named.append(spec.validation.overfit.metric)
    return tuple(dict.fromkeys(metric for metric in named if metric is not None))


def objective_of(spec: TrainingSpec) -> Metric:
    """The metric that chooses."""
    if spec.tuning is not None and spec.tuning.objective is not None:
        return spec.tuning.objective
    return wanted_metrics(spec)[0]


def evaluate(model: Any, signature: Signature, rows: Rows, who: str) -> Answers:
    """A model's answers beside the truth. `who` is the model, for messages.

    Raises:
        SpecError: `FitFailed` when the model cannot answer rows that it was not fitted on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as levels that training never saw: they are in the scores
        try:
            predicted, probabilities = answer(model, signature, rows.frame)
        except LIBRARY_ERRORS as error:
            raise SpecError(
                "FitFailed",
                f"{who} cannot answer rows that it was not fitted on: {library_words(error)}; "
                "correct its params or the pipeline",
            ) from error
    return Answers(rows.truth, predicted, probabilities, len(signature.classes))


def scores_of(metrics: tuple[Metric, ...], answers: Answers) -> dict[str, float]:
    """The metrics that are defined, by their names."""
    values = {str(metric): measure(metric, answers) for metric in metrics}
    return {name: value for name, value in values.items() if not np.isnan(value)}
