"""What a fit needs so that it repeats to the bit, whatever machine it runs on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from evermodel.artifact.model_parts import parts_of
from evermodel.artifact.threads import one_thread, one_thread_of_blas

_THREAD_PROOF = (
    "evermodel.artifact",
    "evermodel.training.quick_steps",
    "lightgbm",
    "sklearn._loss",
    "sklearn.calibration",
    "sklearn.compose",
    "sklearn.ensemble._hist_gradient_boosting",
    "sklearn.feature_selection._univariate_selection",
    "sklearn.impute._base",
    "sklearn.model_selection._split",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "xgboost",
)
"""Modules whose fits are the same with any number of OpenMP's threads (docs/reproducible.md)."""
_POOL_SIZES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


@contextmanager
def repeatable(model: Any, seed: int) -> Iterator[None]:
    """Fit in here: one thread of BLAS, one of OpenMP unless the model is thread-proof, and numpy's chance seeded.

    Boosted trees keep their threads: XGBoost, LightGBM and HistGradientBoosting make the same trees with any number.
    Some classes draw from numpy's global chance and take no seed; it is set here, and put back afterwards.

    Args:
        model: what is to be fitted.
        seed: of the run.
    """
    one_thread_of_blas()
    chance = np.random.get_state()  # noqa: NPY002  it is the global one that is meant
    sizes = {name: os.environ.get(name) for name in _POOL_SIZES}
    os.environ.update(dict.fromkeys(_POOL_SIZES, "1"))  # for the processes that joblib starts
    np.random.seed(seed)  # noqa: NPY002
    try:
        with nullcontext() if is_thread_proof(model) else one_thread():
            yield
    finally:
        np.random.set_state(chance)  # noqa: NPY002
        for name, size in sizes.items():
            if size is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = size


def is_thread_proof(model: Any) -> bool:
    """Whether every part of the model is fitted the same with any number of OpenMP's threads."""
    return all(type(part).__module__.startswith(_THREAD_PROOF) for part in parts_of(model))
