"""One fit: rows that are made for training only, the pipeline, the estimator, and what travels to serving."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline

from evermodel.artifact.frame import estimator_frame
from evermodel.artifact.signature import Signature
from evermodel.data.augment import augment
from evermodel.data.folds import make_folds
from evermodel.errors import SpecError
from evermodel.training.classes import make_estimator, make_sampler, with_probabilities
from evermodel.training.pipeline import Plan, build_steps
from evermodel.training.quick_steps import make_plain, quicken
from evermodel.training.repeatable import repeatable
from evermodel_api.training import Algorithm, Augment, Calibration, Parameters, Task, TrainingSpec

LIBRARY_ERRORS = (ValueError, TypeError, AttributeError, ArithmeticError, LookupError)
"""What scikit-learn, XGBoost and LightGBM raise when parameters and rows do not fit together."""

_PLACES = re.compile(r"\[\d\d:\d\d:\d\d\] |/\S+\.(?:cc|cu|h|cpp|cuh):\d+: ")
"""XGBoost's words begin with the time and a line of its source."""


@dataclass(frozen=True)
class Rows:
    """Rows with their truth."""

    frame: pd.DataFrame
    """The signature's columns."""
    truth: NDArray[np.float64]
    """Shape (rows,): class numbers or numbers."""
    hashes: NDArray[Any]
    """Content of each row (`row_hashes`), shape (rows, 2): what makes rows, instead of the order of rows."""
    dealt: NDArray[Any]
    """What is dealt of each row to folds (`dealt_by`), shape (rows, 2)."""
    groups: NDArray[Any] | None = None
    """Content of each row's group, shape (rows, 2), where the split goes by groups."""

    def where(self, mask: NDArray[np.bool_]) -> "Rows":
        """The rows at which the mask is true."""
        groups = None if self.groups is None else self.groups[mask]
        return Rows(self.frame.loc[mask], self.truth[mask], self.hashes[mask], self.dealt[mask], groups)

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class Recipe:
    """How a model is fitted, but for the algorithm."""

    plan: Plan
    signature: Signature
    seed: int
    augment: Sequence[Augment] = ()
    resample: tuple[str, Parameters] | None = None
    calibration: Calibration | None = None

    @classmethod
    def of(cls, spec: TrainingSpec, plan: Plan, signature: Signature) -> "Recipe":
        """The recipe of a spec."""
        return cls(
            plan=plan,
            signature=signature,
            seed=spec.run.seed,
            augment=tuple(step.augment for step in spec.data.rows if step.augment is not None),
            resample=next(iter(spec.pipeline.resample.items())) if spec.pipeline.resample else None,
            calibration=spec.validation.calibration,
        )


@dataclass(frozen=True)
class Fitted:
    """A model that can answer."""

    model: Any
    """scikit-learn Pipeline, or a CalibratedClassifierCV of one. Answers with one thread."""
    notes: tuple[str, ...] = field(default=())
    """What the library warned of."""


def fit(recipe: Recipe, algorithm: Algorithm, params: Mapping[str, Any], rows: Rows) -> Fitted:
    """Fit one algorithm with parameters on rows.

    Raises:
        SpecError: `ParameterUnknown`, or `FitFailed` naming the algorithm and what its library said.
    """
    model = _unfitted(recipe, algorithm, params, rows)
    quicken(model)
    frame = estimator_frame(recipe.signature, rows.frame)
    classifies = recipe.signature.task is Task.CLASSIFICATION
    truth = rows.truth.astype(np.int64) if classifies else rows.truth
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with repeatable(model, recipe.seed):
                model.fit(frame.reset_index(drop=True), truth)
        except LIBRARY_ERRORS as error:
            raise SpecError(
                "FitFailed",
                f"{described(algorithm)} could not be fitted: {library_words(error)}; correct its params or the "
                "pipeline",
            ) from error
    notes = dict.fromkeys(library_words(warning.message) for warning in caught)
    served = _served(model)
    make_plain(served)
    return Fitted(served, tuple(notes))


def _unfitted(recipe: Recipe, algorithm: Algorithm, params: Mapping[str, Any], rows: Rows) -> Any:
    task, seed = recipe.signature.task, recipe.seed
    where = f"algorithms[{algorithm.name}].params"
    classes = recipe.signature.classes
    estimator = make_estimator(str(algorithm.estimator), params, task, seed, where, classes=classes)
    if task is Task.CLASSIFICATION:
        estimator = with_probabilities(estimator)
    steps = [*build_steps(recipe.plan, recipe.signature, seed), ("estimator", estimator)]
    pipeline = Pipeline(steps)
    if not recipe.augment and recipe.resample is None:
        model: Any = pipeline
    else:
        model = TrainingOnly(pipeline, recipe, rows.hashes)
    if recipe.calibration is None:
        return model
    folds = _calibration_folds(rows, recipe.calibration.folds, seed)
    return CalibratedClassifierCV(model, method=recipe.calibration.method, cv=folds, ensemble=False)


def _calibration_folds(rows: Rows, folds: int, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows of one group stay together; else each class is divided alike."""
    kind = "StratifiedKFold" if rows.groups is None else "GroupKFold"
    masks = make_folds(kind, folds, seed, hashes=rows.dealt, strata=rows.truth, groups=rows.groups)
    return [(np.flatnonzero(training), np.flatnonzero(validation)) for training, validation in masks]


class TrainingOnly(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A pipeline that is fitted on more, or fewer, rows than it is given. What it leaves behind is the plain pipeline.

    Rows are made here, inside the fit, so that no row that is measured on was made, copied or looked at: what divides
    rows for cross-validation or calibration divides them before.
    """

    def __init__(self, pipeline: Pipeline, recipe: Recipe, hashes: NDArray[Any]) -> None:
        self.pipeline = pipeline
        self.recipe = recipe
        self.hashes = hashes

    def fit(self, frame: pd.DataFrame, truth: NDArray[Any]) -> Self:
        """Fit the pipeline. The frame's index says which rows of `hashes` these are."""
        recipe = self.recipe
        places = frame.index.to_numpy()
        given, answers = augment(frame, np.asarray(truth, float), self.hashes[places], recipe.augment, recipe.seed)
        if recipe.signature.task is Task.CLASSIFICATION:
            answers = answers.astype(np.int64)
            self.classes_ = np.unique(answers)
        steps = [(name, clone(step)) for name, step in self.pipeline.steps]
        taken: Any = given
        for _, step in steps[:-1]:
            taken = step.fit_transform(taken, answers)
        if recipe.resample is not None:
            name, parameters = recipe.resample
            sampler = make_sampler(
                name, parameters, recipe.seed, f"pipeline.resample.{name}", classes=recipe.signature.classes
            )
            taken, answers = sampler.fit_resample(taken, answers)
        steps[-1][1].fit(taken, answers)
        self.fitted_ = Pipeline(steps)
        return self

    def predict(self, frame: pd.DataFrame) -> Any:
        """As the pipeline."""
        return self.fitted_.predict(frame)

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        """As the pipeline."""
        return self.fitted_.predict_proba(frame)


def _served(model: Any) -> Any:
    """What travels to serving: no step that makes rows, and one thread, however many fitted it.

    Forests add up what their trees say in the order in which threads come, which changes the last bits of an answer.
    """
    if isinstance(model, TrainingOnly):
        return _served(model.fitted_)
    if isinstance(model, CalibratedClassifierCV):
        for calibrated in model.calibrated_classifiers_:
            calibrated.estimator = _served(calibrated.estimator)
        model.estimator = None  # the unfitted one: it holds rows, and says nothing of the model
        model.cv = None
        return model
    for name, value in model.get_params(deep=True).items():
        if name.rsplit("__", 1)[-1] == "n_jobs" and value not in {None, 1}:
            model.set_params(**{name: 1})
    return model


def described(algorithm: Algorithm) -> str:
    """An algorithm, as messages name it."""
    what = algorithm.estimator or (algorithm.container.image if algorithm.container else "")
    return f"the algorithm {algorithm.name!r} ({what})"


def library_words(words: Warning | Exception | str) -> str:
    """A library's own words on one line, without the time and the places in its code: they say nothing of the model."""
    own, _, _ = str(words).partition("Stack trace:")
    return _PLACES.sub("", " ".join(own.split()))[:400].strip(" .")
