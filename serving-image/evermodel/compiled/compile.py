"""From a fitted pipeline of scikit-learn to a program."""

import copy
import warnings
from typing import Any

import numpy as np

from evermodel.artifact.signature import Signature
from evermodel.compiled.compile_features import compile_features
from evermodel.compiled.compile_models import compile_model
from evermodel.compiled.features import Features
from evermodel.compiled.model import DamagedError, Floats, NotCompilableError
from evermodel.compiled.program import Program
from evermodel.compiled.rows import Rows

_BLOCK = 1000
"""Rows of which the features are held at once."""


def compile_pipeline(pipeline: Any, signature: Signature, rows: Rows | None = None) -> Program:
    """The program of a fitted pipeline. Whether it answers alike is for `parity` to say.

    Args:
        pipeline: a fitted Pipeline of Prepare, ColumnTransformer, selection and estimator (all but the last may lack),
            or a CalibratedClassifierCV of one. A classifier answers class numbers 0..k-1.
        signature: its signature.
        rows: whose mean is what contributions of a linear model are measured from; without them it is 0.

    Raises:
        NotCompilableError: naming what has no compiled form.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # steps are asked one by one, on arrays without names
        *steps, estimator = _flat(pipeline)
        try:
            features = compile_features(steps, signature)
            center = np.zeros(features.width) if rows is None or not len(rows) else _mean(features, rows)
            return Program(features, compile_model(estimator, center))
        except (AttributeError, KeyError, TypeError, ValueError, IndexError, DamagedError) as error:
            # a part with parameters that nobody has met here: scikit-learn itself still serves it
            words = " ".join(str(error).split())[:160]
            raise NotCompilableError(f"it has a part that is made otherwise ({words})") from error


def _mean(features: Features, rows: Rows) -> Floats:
    """Mean of each feature over the rows that have it, 0 where none has; in blocks, for features may be many."""
    sums, counts = np.zeros(features.width), np.zeros(features.width)
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        matrix = features.matrix(rows.values[block], {place: cells[block] for place, cells in rows.texts.items()})
        sums += np.nansum(matrix, axis=0)
        counts += (~np.isnan(matrix)).sum(axis=0)
    return np.asarray(np.nan_to_num(sums / counts))


def _flat(model: Any) -> list[Any]:
    """The steps of the model. A calibrated pipeline becomes a pipeline with a calibrated estimator."""
    if hasattr(model, "calibrated_classifiers_") and len(model.calibrated_classifiers_) == 1:
        inner = model.calibrated_classifiers_[0]
        if hasattr(inner.estimator, "steps"):
            outer, calibrated = copy.copy(model), copy.copy(inner)
            calibrated.estimator = inner.estimator[-1]
            outer.calibrated_classifiers_ = [calibrated]
            return [*_flat(inner.estimator)[:-1], outer]
    return [step for _, step in model.steps] if hasattr(model, "steps") else [model]
