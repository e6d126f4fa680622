"""scikit-learn's trees and what is made of them, read from the attributes of fitted estimators."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.kernel import Link, Rounding
from evermodel.compiled.model import Floats, NotCompilableError
from evermodel.compiled.trees import Trees
from evermodel.compiled.trees_arrays import PlainTree, assemble
from evermodel.compiled.trees_facts import Finish, TreesFacts

_SINGLE_TREES = {"DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"}
_LARGE = 1e300
"""Too large for single precision."""


def _refuses(estimator: Any, value: float) -> bool:
    """Whether the estimator refuses a row with this value. It is asked: the rules differ, and are its own."""
    row = np.zeros((1, estimator.n_features_in_))
    row[0, :1] = value
    with warnings.catch_warnings():
        # that the row has no names of columns
        warnings.simplefilter("ignore")
        try:
            estimator.predict(row)
        except ValueError:
            return True
    return False


def _facts(estimator: Any, classes: int, outputs: int, **more: Any) -> TreesFacts:
    """What holds for all trees that compare in single precision."""
    return TreesFacts(
        features=int(estimator.n_features_in_),
        classes=classes,
        outputs=outputs,
        rounding=Rounding.SINGLE,
        refuse_missing=_refuses(estimator, np.nan),
        refuse_large=_refuses(estimator, _LARGE),
        **more,
    )


def _plain(fitted: Any, values: NDArray[Any], columns: NDArray[Any] | None = None) -> PlainTree:
    """A tree of scikit-learn.

    Args:
        fitted: its `tree_`.
        values: as `PlainTree.values`.
        columns: the column that each of its features is; None for the same.
    """
    feature = fitted.feature if columns is None or not len(columns) else columns[np.maximum(fitted.feature, 0)]
    missing_left = np.asarray(fitted.missing_go_to_left, bool)
    return PlainTree(
        left=np.asarray(fitted.children_left, np.int32),
        right=np.asarray(fitted.children_right, np.int32),
        feature=np.asarray(feature),
        threshold=fitted.threshold,
        values=values,
        cover=fitted.weighted_n_node_samples,
        missing_left=missing_left,
    )


def _numbers(fitted: Any) -> NDArray[Any]:
    """Values of a regression tree: shape (nodes,)."""
    if fitted.value.shape[1:] != (1, 1):
        raise NotCompilableError("its trees answer several numbers")
    return np.asarray(fitted.value[:, 0, 0])


def _shares(tree: Any, classes: int) -> NDArray[Any]:
    """Values of a classification tree: shape (nodes, classes); it may know some of the classes only."""
    if tree.n_outputs_ != 1:
        raise NotCompilableError("its trees answer several targets")
    own = tree.tree_.value[:, 0, : int(tree.n_classes_)]
    if own.shape[1] == classes:
        return np.asarray(own)
    known = _class_numbers(tree, classes)
    shares = np.zeros((len(own), classes))
    shares[:, known] = own
    return shares


def _class_numbers(tree: Any, classes: int) -> NDArray[np.int64]:
    """The classes that a tree inside another estimator knows, as numbers of the other's classes."""
    known = np.asarray(tree.classes_)
    if not np.issubdtype(known.dtype, np.number):
        raise NotCompilableError("its classes are no numbers")
    numbers = known.astype(np.int64)
    if np.any(numbers != known) or np.any((numbers < 0) | (numbers >= classes)):
        raise NotCompilableError("its classes are no class numbers")
    return numbers


def _trees_of(estimators: Sequence[Any], whose: str) -> Sequence[Any]:
    for tree in estimators:
        if type(tree).__name__ not in _SINGLE_TREES:
            raise NotCompilableError(f"{whose} of {type(tree).__name__} is no set of trees")
    return estimators


def _single(tree: Any) -> Trees:
    if not hasattr(tree, "classes_"):
        arrays = assemble([_plain(tree.tree_, _numbers(tree.tree_))], tree.n_features_in_, np.zeros(1), [0])
        return Trees(arrays, _facts(tree, 0, 1))
    classes = len(tree.classes_)
    arrays = assemble([_plain(tree.tree_, _shares(tree, classes))], tree.n_features_in_, np.zeros(classes))
    return Trees(arrays, _facts(tree, classes, classes, unit="probability"))


def _mean(forest: Any) -> Trees:
    """Forests and bags: the mean of what the trees say, in their order."""
    trees = _trees_of(forest.estimators_, type(forest).__name__)
    columns = getattr(forest, "estimators_features_", [None] * len(trees))
    if columns[0] is not None and len(np.unique(np.concatenate(columns))) < forest.n_features_in_:
        # such a column may hold anything: no tree looks whether its values can be taken
        raise NotCompilableError("no tree of it was given some of the columns")
    count = float(len(trees))
    if not hasattr(forest, "classes_"):
        plain = [_plain(tree.tree_, _numbers(tree.tree_), own) for tree, own in zip(trees, columns, strict=True)]
        arrays = assemble(plain, forest.n_features_in_, np.zeros(1), [0] * len(plain))
        return Trees(arrays, _facts(forest, 0, 1, divisor=count))
    classes = len(forest.classes_)
    plain = [_plain(tree.tree_, _shares(tree, classes), own) for tree, own in zip(trees, columns, strict=True)]
    arrays = assemble(plain, forest.n_features_in_, np.zeros(classes))
    return Trees(arrays, _facts(forest, classes, classes, divisor=count, unit="probability"))


def _gradient_boosting(model: Any) -> Trees:
    start = model.init_
    if not (isinstance(start, str) or type(start).__name__ in ("DummyClassifier", "DummyRegressor")):
        raise NotCompilableError(f"it begins with the answers of {type(start).__name__}")
    features = int(model.n_features_in_)
    # no public attribute tells it: what the sums are before the first tree, for any row
    base = np.asarray(model._raw_predict_init(np.zeros((1, features), np.float32))[0], np.float64)  # noqa: SLF001  see above
    rounds = model.estimators_
    plain = [_plain(tree.tree_, model.learning_rate * _numbers(tree.tree_)) for tree in rounds.ravel()]
    groups = list(range(rounds.shape[1])) * rounds.shape[0]
    arrays = assemble(plain, features, base, groups)
    if not hasattr(model, "classes_"):
        return Trees(arrays, _facts(model, 0, 1))
    if len(base) > 1:
        return Trees(arrays, _facts(model, len(base), len(base), finish=Finish.SOFTMAX, unit="log-odds"))
    scale = 2.0 if model.loss == "exponential" else 1.0
    return Trees(arrays, _facts(model, 2, 1, link=Link.SIGMOID, scale=scale, unit="log-odds"))


def _hist_gradient_boosting(model: Any) -> Trees:
    if model.is_categorical_ is not None:
        raise NotCompilableError("it splits by categories")
    base = np.asarray(model._baseline_prediction, np.float64).reshape(-1)  # noqa: SLF001  no public attribute tells it
    plain = [_hist_tree(tree.nodes) for stage in model._predictors for tree in stage]  # noqa: SLF001  likewise
    groups = list(range(len(base))) * (len(plain) // len(base))
    features = int(model.n_features_in_)
    arrays = assemble(plain, features, base, groups)
    if not hasattr(model, "classes_"):
        log = model.loss in ("poisson", "gamma")
        facts = (
            TreesFacts(features, 0, 1, finish=Finish.EXP, unit="log of a value") if log else TreesFacts(features, 0, 1)
        )
        return Trees(arrays, facts)
    if len(base) > 1:
        facts = TreesFacts(features, len(base), len(base), finish=Finish.SOFTMAX_BY_COLUMN, unit="log-odds")
    else:
        facts = TreesFacts(features, 2, 1, link=Link.SIGMOID, unit="log-odds")
    return Trees(arrays, facts)


def _hist_tree(nodes: NDArray[Any]) -> PlainTree:
    leaf = nodes["is_leaf"].astype(bool)
    return PlainTree(
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)).astype(np.int32),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)).astype(np.int32),
        feature=nodes["feature_idx"],
        threshold=nodes["num_threshold"],
        values=nodes["value"],
        cover=nodes["count"],
        missing_left=nodes["missing_go_to_left"].astype(bool),
    )


def _votes(model: Any) -> Trees:
    """AdaBoostClassifier: each tree gives its weight to the class that it answers, and takes some from the others."""
    classes = len(model.classes_)
    if classes < 2:
        raise NotCompilableError("it knows one class only")
    trees = _trees_of(model.estimators_, type(model).__name__)
    plain = []
    for tree, weight in zip(trees, model.estimator_weights_, strict=False):
        answered = _class_numbers(tree, classes)[np.argmax(tree.tree_.value[:, 0, :], axis=1)]
        said = answered[:, None] == np.arange(classes)
        plain.append(_plain(tree.tree_, np.where(said, weight, -1 / (classes - 1) * weight)))
    arrays = assemble(plain, model.n_features_in_, np.zeros(classes))
    weights = float(np.sum(model.estimator_weights_))
    return Trees(arrays, _facts(model, classes, classes, finish=Finish.VOTES, divisor=weights, unit="log-odds"))


def _median(model: Any) -> Trees:
    """AdaBoostRegressor: the weighted median of what the trees say."""
    trees = _trees_of(model.estimators_, type(model).__name__)
    plain = [_plain(tree.tree_, _numbers(tree.tree_)) for tree in trees]
    arrays = assemble(plain, model.n_features_in_, np.zeros(1), [0] * len(plain))
    weights: Floats = np.asarray(model.estimator_weights_[: len(plain)], np.float64)
    return Trees(arrays, _facts(model, 0, 1, link=Link.LEAVES, finish=Finish.MEDIAN, unit=""), weights)


READERS: dict[str, Callable[[Any], Trees]] = {
    **dict.fromkeys(_SINGLE_TREES, _single),
    **dict.fromkeys(("RandomForestClassifier", "RandomForestRegressor"), _mean),
    **dict.fromkeys(("ExtraTreesClassifier", "ExtraTreesRegressor", "BaggingClassifier", "BaggingRegressor"), _mean),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), _gradient_boosting),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), _hist_gradient_boosting),
    "AdaBoostClassifier": _votes,
    "AdaBoostRegressor": _median,
}
"""Who reads each class."""
