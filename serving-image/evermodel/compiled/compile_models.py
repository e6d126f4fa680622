"""Fitted estimators as compiled models. They are told apart by their class's name; scikit-learn is not imported."""

from collections.abc import Callable
from typing import Any

import numpy as np

from evermodel.compiled.linear import Constant, Linear
from evermodel.compiled.linear_bayes import Gaussian, Quadratic
from evermodel.compiled.linear_layers import ACTIVATIONS, Layers
from evermodel.compiled.model import Floats, Model, NotCompilableError, from_parts

Compiler = Callable[[Any, Floats], Model]
"""Takes the estimator and the mean of the features, from which linear models measure contributions."""
_REGRESSIONS = frozenset(
    """
    ARDRegression BayesianRidge ElasticNet ElasticNetCV HuberRegressor Lars LarsCV Lasso LassoCV LassoLars LassoLarsCV
    LassoLarsIC LinearRegression LinearSVR OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV
    PassiveAggressiveRegressor QuantileRegressor Ridge RidgeCV SGDRegressor TheilSenRegressor
    """.split()  # noqa: SIM905  a list of words is read more easily
)
_SCORERS = frozenset(
    """
    LinearDiscriminantAnalysis LinearSVC LogisticRegression LogisticRegressionCV PassiveAggressiveClassifier Perceptron
    RidgeClassifier RidgeClassifierCV SGDClassifier
    """.split()  # noqa: SIM905  a list of words is read more easily
)
"""Classifiers whose decision function is linear."""
_BOOSTED = frozenset({"GradientBoostingClassifier", "HistGradientBoostingClassifier"})
"""Classifiers whose decision function is the sum of their trees."""
TREES = frozenset(
    """
    AdaBoostClassifier AdaBoostRegressor DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier
    ExtraTreeRegressor ExtraTreesClassifier ExtraTreesRegressor GradientBoostingClassifier GradientBoostingRegressor
    HistGradientBoostingClassifier HistGradientBoostingRegressor LGBMClassifier LGBMRegressor RandomForestClassifier
    RandomForestRegressor XGBClassifier XGBRegressor
    """.split()  # noqa: SIM905  a list of words is read more easily
)


def compile_model(fitted: Any, center: Floats) -> Model:
    """A fitted estimator that takes a matrix.

    Args:
        fitted: a regressor, or a classifier that gives probabilities.
        center: the mean of the features, shape (features,).

    Raises:
        NotCompilableError: it has no compiled form.
    """
    from evermodel.compiled.compile_compositions import COMPOSITIONS  # noqa: PLC0415  they compile models themselves

    name = type(fitted).__name__
    compiler = _COMPILERS.get(name) or COMPOSITIONS.get(name)
    if compiler is None:
        raise NotCompilableError(f"{name} has no compiled form")
    return compiler(fitted, center)


def compile_scores(fitted: Any, center: Floats) -> Model:
    """What a calibration asks of a classifier: its scores where it has a decision function, else its probabilities.

    Scores are a table, of shape (rows, 1) for two classes.

    Raises:
        NotCompilableError: it has no compiled form.
    """
    name = type(fitted).__name__
    if name in _SCORERS:
        return _linear(fitted, "scores", center)
    if name in _BOOSTED:
        return _sums(_trees(fitted, center))
    if hasattr(fitted, "decision_function"):
        raise NotCompilableError(f"the scores of {name}, which are calibrated, have no compiled form")
    return compile_model(fitted, center)


def _sums(trees: Model) -> Model:
    """Boosted trees that answer what their trees add up to, before it becomes a probability."""
    header, arrays = trees.describe()
    outputs = header["outputs"]
    plain = {"link": "none", "finish": "none", "scale": 1.0, "unit": "score", "classes": 0 if outputs == 1 else outputs}
    return from_parts({**header, **plain}, arrays)


def _linear(fitted: Any, link: str, center: Floats) -> Linear:
    weights = np.atleast_2d(np.asarray(fitted.coef_, dtype=np.float64))
    intercept = np.broadcast_to(np.asarray(fitted.intercept_, dtype=np.float64).ravel(), (len(weights),))
    return Linear(np.ascontiguousarray(weights), intercept.copy(), link, center)


def _regression(fitted: Any, center: Floats) -> Model:
    if np.atleast_2d(fitted.coef_).shape[0] != 1:
        raise NotCompilableError(f"{type(fitted).__name__} answers several numbers")
    return _linear(fitted, "identity", center)


def _ransac(fitted: Any, center: Floats) -> Model:
    return compile_model(fitted.estimator_, center)


def _generalized(fitted: Any, center: Floats) -> Model:
    link = type(fitted._base_loss.link).__name__  # noqa: SLF001  no public name says which link it took
    if link not in {"LogLink", "IdentityLink"}:
        raise NotCompilableError(f"{type(fitted).__name__} with the link {link} has no compiled form")
    return _linear(fitted, "exp" if link == "LogLink" else "identity", center)


def _by_scores(fitted: Any, center: Floats) -> Model:
    return _linear(fitted, "logistic" if len(fitted.classes_) == 2 else "softmax", center)


def _descent(fitted: Any, center: Floats) -> Model:
    if fitted.loss == "modified_huber":
        return _linear(fitted, "modified-huber", center)
    return _linear(fitted, "logistic" if len(fitted.classes_) == 2 else "ovr", center)


def _one_against_rest(fitted: Any, center: Floats) -> Model:
    """Where all of them are logistic regressions they are one table of weights."""
    if not all(type(one).__name__ in {"LogisticRegression", "LogisticRegressionCV"} for one in fitted.estimators_):
        raise NotCompilableError("OneVsRestClassifier is compiled only of logistic regressions")
    if len(fitted.estimators_) == 1:
        return _linear(fitted.estimators_[0], "logistic", center)
    weights = np.vstack([one.coef_ for one in fitted.estimators_])
    intercept = np.concatenate([one.intercept_ for one in fitted.estimators_])
    return Linear(np.ascontiguousarray(weights, dtype=np.float64), intercept.astype(np.float64), "ovr", center)


def _counts(fitted: Any, center: Floats) -> Model:
    """Multinomial and complement naive Bayes: scores are linear."""
    weights = np.ascontiguousarray(fitted.feature_log_prob_, dtype=np.float64)
    classes = len(fitted.classes_)
    prior = np.asarray(fitted.class_log_prior_, dtype=np.float64)
    is_complement = type(fitted).__name__ == "ComplementNB"
    return Linear(weights, np.zeros(classes) if is_complement else prior, "softmax", center)


def _bernoulli(fitted: Any, center: Floats) -> Model:
    absent = np.log(1.0 - np.exp(fitted.feature_log_prob_))
    intercept = fitted.class_log_prior_ + absent.sum(axis=1)
    threshold = None if fitted.binarize is None else float(fitted.binarize)
    weights = np.ascontiguousarray(fitted.feature_log_prob_ - absent)
    return Linear(weights, np.asarray(intercept, dtype=np.float64), "softmax", center, threshold)


def _normal(fitted: Any, _: Floats) -> Model:
    variances = np.asarray(fitted.var_, dtype=np.float64)
    constants = np.log(fitted.class_prior_) - 0.5 * np.log(2.0 * np.pi * variances).sum(axis=1)
    return Gaussian(np.asarray(fitted.theta_, dtype=np.float64), variances, np.asarray(constants))


def _quadratic(fitted: Any, _: Floats) -> Model:
    pairs = list(zip(fitted.rotations_, fitted.scalings_, strict=True))
    turns = tuple(np.ascontiguousarray(rotation * scaling**-0.5) for rotation, scaling in pairs)
    spread = np.array([np.log(scaling).sum() for _, scaling in pairs])
    constants = -0.5 * spread + np.log(fitted.priors_)
    return Quadratic(np.ascontiguousarray(fitted.means_, dtype=np.float64), turns, np.asarray(constants))


def _perceptrons(fitted: Any, _: Floats) -> Model:
    hidden, last = fitted.activation, fitted.out_activation_
    if hidden not in ACTIVATIONS or last not in ACTIVATIONS:
        raise NotCompilableError(f"a network with the activation {last} has no compiled form")
    weights = tuple(np.ascontiguousarray(part, dtype=np.float64) for part in fitted.coefs_)
    intercepts = tuple(np.asarray(part, dtype=np.float64) for part in fitted.intercepts_)
    return Layers(weights, intercepts, hidden, last)


def _dummy_classifier(fitted: Any, center: Floats) -> Model:
    if fitted.strategy not in {"prior", "most_frequent"}:
        raise NotCompilableError(f"DummyClassifier answers by chance ({fitted.strategy})")
    answer = np.asarray(fitted.class_prior_, dtype=np.float64)
    if fitted.strategy == "most_frequent":
        answer = (np.arange(len(answer)) == answer.argmax()).astype(np.float64)
    return Constant(len(center), answer)


def _dummy_regressor(fitted: Any, center: Floats) -> Model:
    return Constant(len(center), np.asarray(fitted.constant_, dtype=np.float64).reshape(1))


def _trees(fitted: Any, _: Floats) -> Model:
    from evermodel.compiled.trees import compile_trees  # noqa: PLC0415  loads the kernel

    model: Model = compile_trees(fitted)
    return model


_COMPILERS: dict[str, Compiler] = {
    **dict.fromkeys(_REGRESSIONS, _regression),
    "RANSACRegressor": _ransac,
    **dict.fromkeys(("PoissonRegressor", "GammaRegressor", "TweedieRegressor"), _generalized),
    **dict.fromkeys(("LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis"), _by_scores),
    "SGDClassifier": _descent,
    "OneVsRestClassifier": _one_against_rest,
    **dict.fromkeys(("MultinomialNB", "ComplementNB"), _counts),
    "BernoulliNB": _bernoulli,
    "GaussianNB": _normal,
    "QuadraticDiscriminantAnalysis": _quadratic,
    **dict.fromkeys(("MLPClassifier", "MLPRegressor"), _perceptrons),
    "DummyClassifier": _dummy_classifier,
    "DummyRegressor": _dummy_regressor,
    **dict.fromkeys(TREES, _trees),
}
