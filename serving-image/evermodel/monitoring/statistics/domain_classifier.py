"""Domain classifier: how well rows of the window can be told from rows of the reference.

Boosted trees learn to tell them apart; the area under the ROC curve of their out-of-fold scores is 0.5 when nothing
changed, whatever the columns depend on each other. p is that of a Mann-Whitney U of the scores.
"""

from math import nan, sqrt

import numpy as np
from scipy.special import ndtr, ndtri

from evermodel.metrics import roc_auc
from evermodel.monitoring.statistics.result import ALPHA, Floats, Result, nothing

_FOLDS, _TREES = 5, 40
LEAST_ROWS = 50
"""Of either sample: with fewer the trees learn nothing."""
_SEED = 13


def domain_classifier(
    reference: Floats, current: Floats, categories: list[int] | None = None, alpha: float = ALPHA
) -> Result:
    """Compare rows of two samples, shape (rows, columns) each; NaN is a missing value.

    Args:
        reference: rows of the reference.
        current: rows of the window.
        categories: places of the columns whose numbers are codes of levels.
        alpha: level of the limit.
    """
    n, m = len(reference), len(current)
    if min(n, m) < LEAST_ROWS:
        return nothing(n, m)
    rows = np.concatenate([reference, current])
    is_current = np.arange(n + m) >= n
    scores = _out_of_fold(rows, is_current, categories or [])
    value = roc_auc(is_current, scores)
    error = sqrt((n + m + 1.0) / (12.0 * n * m))
    p = nan if np.isnan(value) else float(ndtr(-(value - 0.5) / error))
    return Result(value, p, min(0.5 - float(ndtri(alpha)) * error, 1.0), n, m)


def _out_of_fold(rows: Floats, is_current: np.ndarray[tuple[int], np.dtype[np.bool_]], categories: list[int]) -> Floats:
    """The score of each row by trees that did not see it, from 0 to 1 within its fold.

    Every fold has its share of both sides. Scores are ranks within the fold, since folds are not calibrated alike.
    """
    import lightgbm  # noqa: PLC0415  only who asks for it pays for its import

    random = np.random.default_rng(_SEED)
    fold = np.empty(len(rows), dtype=np.intp)
    for side in (False, True):
        places = np.flatnonzero(is_current == side)
        fold[random.permutation(places)] = np.arange(places.size) % _FOLDS
    scores = np.empty(len(rows))
    settings = {
        "objective": "binary",
        "num_leaves": 15,
        "min_data_in_leaf": 20,
        "seed": _SEED,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    for held in range(_FOLDS):
        out = fold == held
        seen = lightgbm.Dataset(rows[~out], is_current[~out].astype(np.float64), categorical_feature=categories)
        answers = np.asarray(lightgbm.train(settings, seen, num_boost_round=_TREES).predict(rows[out]))
        ranks = np.searchsorted(np.sort(answers), answers, side="left")
        scores[out] = ranks / out.sum()
    return scores
