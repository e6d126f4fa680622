"""Profiles what a model answered to its test rows, so that later answers can be judged without labels.

Made once, at training, and deterministic. Needs pandas and scikit-learn.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact.baseline import (
    MAX_VALUES,
    AnswersProfile,
    Baseline,
    Calibration,
    CategoryProfile,
    LossTrees,
    NumberProfile,
    RowsSample,
)
from evermodel.artifact.cells import category_text
from evermodel.artifact.decision import labels_of
from evermodel.artifact.matrix import MISSING, level_places
from evermodel.artifact.model import answer
from evermodel.artifact.profiling import profile_categories, profile_numbers
from evermodel.artifact.signature import Signature
from evermodel.metrics import Answers, scorer
from evermodel_api.training import Metric, Task

Floats = NDArray[np.float64]

_SAMPLE_ROWS = 1000
_SAMPLE_CELLS = 200_000
_POINTS = 50
"""A calibration has at most so many."""
_LEAST_ROWS = 100
"""With fewer test rows neither a calibration nor losses are learnt."""
_MOST_ROWS = 20_000
_BOOTSTRAPS = 100
_DRAWN_ROWS = 2000
_ASKED_ROWS = 100
_ASKED_AT_ONCE = 50
_SEED = 0


def row_matrix(baseline: Baseline, frame: pd.DataFrame) -> tuple[list[str], Floats]:
    """Names and cells of the profiled columns, shape (rows, columns)."""
    names = [name for name in baseline.columns if name in frame]
    cells = np.empty((len(frame), len(names)))
    for i, name in enumerate(names):
        profile = baseline.columns[name]
        if isinstance(profile, NumberProfile):
            cells[:, i] = frame[name].to_numpy(dtype=np.float64)
        else:
            cells[:, i] = level_places(profile, [None if pd.isna(v) else v for v in frame[name].tolist()])
    return names, cells


def complete_baseline(
    baseline: Baseline, model: Any, signature: Signature, training: pd.DataFrame, tested: tuple[Answers, pd.DataFrame]
) -> Baseline:
    """The baseline with some whole training rows, the answers to the test rows, and what each column counts for.

    Args:
        baseline: of the training rows.
        model: the fitted pipeline.
        signature: its signature.
        training: the training rows. They lie in the order of a hash, so the first are a random sample.
        tested: the answers to the test rows, and these.
    """
    kept = min(len(training), _SAMPLE_ROWS, max(_SAMPLE_CELLS // max(len(baseline.columns), 1), 50))
    names, cells = row_matrix(baseline, training.head(kept))
    return baseline.model_copy(
        update={
            "sample": RowsSample(columns=names, cells=cells.ravel()),
            "answers": profile_answers(signature, baseline, *tested),
            "importance": importance(model, signature, tested[1]),
        }
    )


def profile_answers(
    signature: Signature, baseline: Baseline, answers: Answers, frame: pd.DataFrame
) -> AnswersProfile | None:
    """What is known of the answers to the test rows; None when there is no row.

    Args:
        signature: of the model.
        baseline: of the training rows.
        answers: to the test rows.
        frame: the test rows, with the signature's columns.
    """
    rows = len(answers.truth)
    if rows == 0:
        return None
    enough = rows >= _LEAST_ROWS
    return AnswersProfile(
        rows=rows,
        scores=_scores(signature, answers),
        calibration=_calibrations(answers) if enough and answers.probabilities is not None else [],
        losses=_losses(baseline, answers, frame) if enough and signature.task is Task.REGRESSION else {},
        errors=_errors(signature.task, answers),
    )


def _scores(signature: Signature, answers: Answers) -> NumberProfile | CategoryProfile:
    if signature.task is Task.REGRESSION:
        return profile_numbers(answers.predicted, MAX_VALUES)
    if answers.classes == 2 and answers.probabilities is not None:
        return profile_numbers(answers.probabilities[:, 1], MAX_VALUES)
    labels = [category_text(label) for label in labels_of(signature, answers.predicted)]
    return profile_categories(pd.Series(labels, dtype=object))


def _calibrations(answers: Answers) -> list[Calibration]:
    """Isotonic regression of each class; empty where it would not lower the calibration error of held-out rows."""
    assert answers.probabilities is not None  # noqa: S101  checked by the caller
    given = answers.probabilities
    truth = answers.truth[:, None] == np.arange(given.shape[1])
    folds = np.arange(len(given)) % 2 == 0  # test rows lie in the order of a hash
    held = np.empty_like(given)
    for seen in (folds, ~folds):
        for k in range(given.shape[1]):
            held[~seen, k] = _isotonic(given[seen, k], truth[seen, k]).predict(given[~seen, k])
    if _brier(held, truth) >= _brier(given, truth):
        return []
    return [_points(given[:, k], truth[:, k]) for k in range(given.shape[1])]


def _brier(given: Floats, truth: NDArray[np.bool_]) -> float:
    return float(((given - truth) ** 2).mean())


def _isotonic(given: Floats, truth: NDArray[np.bool_]) -> Any:
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415  heavy: only a training needs it

    return IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(given, truth.astype(np.float64))


def _points(given: Floats, truth: NDArray[np.bool_]) -> Calibration:
    fitted = _isotonic(given, truth)
    x, y = fitted.X_thresholds_, fitted.y_thresholds_
    places = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).round().astype(np.intp))
    return Calibration(given=x[places], true=y[places])


def _losses(baseline: Baseline, answers: Answers, frame: pd.DataFrame) -> dict[str, LossTrees]:
    """Trees for the absolute and the squared error of an answer (direct loss estimation)."""
    names, cells = row_matrix(baseline, frame.head(_MOST_ROWS))
    rows = np.column_stack([cells, answers.predicted[:_MOST_ROWS]])
    errors = np.abs(answers.predicted - answers.truth)[:_MOST_ROWS]
    with np.errstate(over="ignore"):
        squares = errors**2
    targets = {"absolute": errors, "squared": squares}
    return {name: _trees(names, rows, loss) for name, loss in targets.items() if np.isfinite(loss).all()}


def _trees(names: list[str], rows: Floats, loss: Floats) -> LossTrees:
    from sklearn.ensemble import GradientBoostingRegressor  # noqa: PLC0415

    model = GradientBoostingRegressor(
        n_estimators=40, max_depth=3, min_samples_leaf=max(10, len(rows) // 100), learning_rate=0.1, random_state=_SEED
    )
    model.fit(np.nan_to_num(rows, nan=MISSING), loss)
    trees = [tree.tree_ for tree in model.estimators_[:, 0]]
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    shift = [(tree, int(start)) for tree, start in zip(trees, starts, strict=True)]
    return LossTrees(
        columns=names,
        base=float(model.init_.constant_[0, 0]),
        depth=max(tree.max_depth for tree in trees),
        roots=[start for _, start in shift],
        feature=[int(max(f, -1)) for tree in trees for f in tree.feature],
        threshold=np.concatenate([tree.threshold for tree in trees]),
        left=[int(n + start if n >= 0 else i + start) for t, start in shift for i, n in enumerate(t.children_left)],
        right=[int(n + start if n >= 0 else i + start) for t, start in shift for i, n in enumerate(t.children_right)],
        value=np.concatenate([tree.value[:, 0, 0] * model.learning_rate for tree in trees]),
    )


def _errors(task: Task, answers: Answers) -> dict[str, float]:
    """Standard error of each metric, from rows drawn again.

    Of many rows the first are enough (they lie in the order of a hash): the error falls with the root of their number.
    """
    random = np.random.default_rng(_SEED)
    all_rows = len(answers.truth)
    answers = _first(answers, _DRAWN_ROWS)
    scale = float(np.sqrt(len(answers.truth) / all_rows))
    scorers = {metric.value: scorer(metric, answers) for metric in Metric if metric.task is task}
    draws: dict[str, list[float]] = {name: [] for name in scorers}
    for _ in range(_BOOTSTRAPS):
        weights = np.bincount(random.integers(0, len(answers.truth), len(answers.truth)), minlength=len(answers.truth))
        for name, score in scorers.items():
            draws[name].append(score(weights.astype(np.float64)))
    with np.errstate(over="ignore", invalid="ignore"):  # squares of the largest numbers are none
        found = {name: float(np.std(values)) * scale for name, values in draws.items()}
    return {name: error for name, error in found.items() if np.isfinite(error)}


def _first(answers: Answers, rows: int) -> Answers:
    shares = None if answers.probabilities is None else answers.probabilities[:rows]
    return Answers(answers.truth[:rows], answers.predicted[:rows], shares, answers.classes)


def importance(model: Any, signature: Signature, frame: pd.DataFrame) -> dict[str, float]:
    """How much the answers change when a feature's values move to other rows; the mean over the features is 1.

    Needs no truth. Empty where the model answers the same whatever it is given, or refuses such rows.
    """
    rows = frame[signature.names].head(_ASKED_ROWS).reset_index(drop=True)
    if len(rows) < 2:
        return {}
    try:
        before = _asked(model, signature, rows)
        changes = _changes(model, signature, rows, before)
    except (ValueError, TypeError):
        return {}
    mean = sum(changes.values()) / len(changes)
    return {name: change / mean for name, change in changes.items()} if mean > 0.0 else {}


def _changes(model: Any, signature: Signature, rows: pd.DataFrame, before: Floats) -> dict[str, float]:
    """What the answers change by when one feature moves, for each; many are asked at once, for a call has its price."""
    changes: dict[str, float] = {}
    for first in range(0, len(signature.names), _ASKED_AT_ONCE):
        names = signature.names[first : first + _ASKED_AT_ONCE]
        moved = pd.concat([rows.assign(**{name: np.roll(rows[name].to_numpy(), len(rows) // 2)}) for name in names])
        after = _asked(model, signature, moved.reset_index(drop=True)).reshape(len(names), *before.shape)
        found = np.abs(after - before).mean(axis=(1, 2))
        changes.update(zip(names, np.where(np.isfinite(found), found, 0.0).tolist(), strict=True))
    return changes


def _asked(model: Any, signature: Signature, rows: pd.DataFrame) -> Floats:
    values, probabilities = answer(model, signature, rows)
    return values[:, None] if probabilities is None else probabilities
