"""Choosing an algorithm by cross-validation on the training rows, and fitting the winner on all of them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evermodel.artifact.signature import Signature
from evermodel.errors import SpecError
from evermodel.metrics import Answers
from evermodel.training.containers import FINAL, Masks, read_model
from evermodel.training.evaluate import evaluate, scores_of, wanted_metrics
from evermodel.training.fitting import Fitted, Rows, described, fit
from evermodel.training.forms import Forms, make_forms, with_compiled
from evermodel.training.ledger import Fold
from evermodel.training.material import Material
from evermodel.training.search.trial import FoldFit
from evermodel.training.threshold import best_threshold
from evermodel_api.training import Algorithm, TrainingSpec


@dataclass(frozen=True)
class Objective:
    """Fits one algorithm on one fold and measures it there: what a search asks for."""

    spec: TrainingSpec
    material: Material
    masks: Sequence[Masks]
    exchange: Path | None = None

    @property
    def folds(self) -> int:
        """Number of folds."""
        return len(self.masks)

    def fit_fold(self, algorithm: Algorithm, params: dict[str, Any], fold: int) -> FoldFit:
        """Metrics of one fit on its fold's validation rows.

        Raises:
            SpecError: `ParameterUnknown`, `FitFailed`.
            DataError: `ContainerModelMissing`.
        """
        began, cpu = time.perf_counter(), time.process_time()
        training, validation = self.masks[fold]
        rows, signature, who = self.material.training, self.material.signature, described(algorithm)
        fitted = fit_model(self.material, algorithm, params, rows.where(training), self.exchange, str(fold))
        answers = evaluate(fitted.model, signature, rows.where(validation), who)
        guard = self.spec.validation.overfit
        train_scores = {}
        if guard is not None:
            train_scores = scores_of((guard.metric,), evaluate(fitted.model, signature, rows.where(training), who))
        measured = Fold(
            scores=scores_of(wanted_metrics(self.spec), answers),
            train_scores=train_scores,
            seconds=round(time.perf_counter() - began, 4),
            cpu_seconds=round(time.process_time() - cpu, 4),
        )
        return FoldFit(measured, fitted.notes)


def fit_model(
    material: Material, algorithm: Algorithm, params: Mapping[str, Any], rows: Rows, exchange: Path | None, name: str
) -> Fitted:
    """Fit an algorithm, or take what its container left for the fit of this name."""
    if algorithm.container is not None:
        return Fitted(read_model(exchange, algorithm, name)[0])
    return fit(material.recipe, algorithm, params, rows)


@dataclass(frozen=True)
class Winner:
    """The algorithm that was chosen, fitted on all training rows."""

    algorithm: Algorithm
    params: dict[str, Any]
    model: Any
    """The model after its way through its file: what is measured is what will be loaded."""
    files: dict[str, bytes]
    """The model in each form that is kept, by the file's name; the form that is loaded first."""
    signature: Signature
    answers: Answers
    """To the test rows."""
    on_training: Answers | None
    """To the training rows, where somebody wants to know."""
    metrics: dict[str, float]
    train_metrics: dict[str, float]
    threshold: float | None = None
    notes: tuple[str, ...] = field(default=())
    onnx_difference: float | None = None
    """Largest difference of the ONNX form's answers; None where there is no ONNX form."""


def fit_winner(
    spec: TrainingSpec,
    material: Material,
    algorithm: Algorithm,
    params: Mapping[str, Any],
    masks: Sequence[Masks],
    exchange: Path | None,
) -> Winner:
    """Fit on all training rows, and measure on the test rows.

    Raises:
        SpecError: as `fit`, and `ModelTypeRefused`.
        DataError: `ThresholdImpossible`, `ContainerModelMissing`.
    """
    if algorithm.container is not None:
        model, files = read_model(exchange, algorithm, FINAL)
        forms = with_compiled(Forms(model, files), material.signature, material.test.frame, material.training.frame)
    else:
        fitted = fit(material.recipe, algorithm, params, material.training)
        forms = make_forms(
            fitted, spec.register_.formats, material.signature, material.test.frame, material.training.frame
        )
    signature, model = material.signature, forms.model
    if spec.validation.threshold is not None:
        _check_two_classes(signature)
        objective = Objective(spec, material, masks, exchange)
        threshold = _tuned_threshold(objective, algorithm, params)
        signature = signature.model_copy(update={"threshold": threshold})
    who = described(algorithm)
    answers = evaluate(model, signature, material.test, who)
    on_training = evaluate(model, signature, material.training, who) if spec.validation.overfit else None
    metrics = wanted_metrics(spec)
    return Winner(
        algorithm=algorithm,
        params=dict(params),
        model=model,
        files=forms.files,
        signature=signature,
        answers=answers,
        on_training=on_training,
        metrics=scores_of(metrics, answers),
        train_metrics={} if on_training is None else scores_of(metrics, on_training),
        threshold=signature.threshold,
        notes=forms.notes,
        onnx_difference=forms.onnx_difference,
    )


def _check_two_classes(signature: Signature) -> None:
    if len(signature.classes) != 2:
        raise SpecError(
            "ThresholdImpossible",
            f"validation.threshold divides two classes, and the target {signature.target!r} has "
            f"{len(signature.classes)}; leave it out",
        )


def _tuned_threshold(objective: Objective, algorithm: Algorithm, params: Mapping[str, Any]) -> float:
    """The threshold that is best on rows that were not fitted on: each row is answered by the fit of its fold."""
    wanted = objective.spec.validation.threshold
    assert wanted is not None  # noqa: S101  checked by the caller; tells the type checker
    rows, signature = objective.material.training, objective.material.signature
    truths, probabilities = [], []
    for number, (training, validation) in enumerate(objective.masks):
        fitted = fit_model(objective.material, algorithm, params, rows.where(training), objective.exchange, str(number))
        answers = evaluate(fitted.model, signature, rows.where(validation), described(algorithm))
        assert answers.probabilities is not None  # noqa: S101  classifiers always have them
        truths.append(answers.truth)
        probabilities.append(answers.probabilities[:, 1])
    return best_threshold(np.concatenate(truths) == 1, np.concatenate(probabilities), wanted)


def chooses(spec: TrainingSpec) -> bool:
    """Whether candidates are compared: there are several, or the spec asks for cross-validation."""
    searched = any(algorithm.search for algorithm in spec.algorithms)
    return len(spec.algorithms) > 1 or searched or spec.validation.cv is not None


def needs_folds(spec: TrainingSpec) -> bool:
    """Whether anything is chosen or tuned on the training rows."""
    return chooses(spec) or spec.validation.threshold is not None
