"""Whatever a spec may name is compiled and answers as scikit-learn does, or scikit-learn serves it."""

import warnings

import numpy as np
import pytest

from evermodel.artifact.manifest import COMPILED
from evermodel.artifact.model import answer
from evermodel.artifact.random_rows import random_rows
from evermodel.compiled.check import difference
from evermodel.compiled.file import decode, encode
from evermodel.compiled.parity import rows_of_frame
from evermodel_api.training import Task
from tests.unit.evermodel.compiled.pipelines import ENCODED, IMPUTED, Made, make

IMPUTER = {"SimpleImputer": {"strategy": "mean"}}
PREPARE = (
    {"ratio": {"out": "r", "of": ["x0", "x1"]}},
    {"difference": {"out": "s", "of": ["x2", "r"]}},
    {"product": {"out": "p", "of": ["x0", "x3"]}},
    {"log": {"out": "l", "of": "x2"}},
    {"isMissing": {"out": "m", "of": "x1"}},
    {"isMissing": {"out": "n", "of": "c"}},
)
DATES = (
    {
        "dateParts": {
            "of": "when",
            "parts": ["year", "quarter", "month", "week", "day", "weekday", "dayOfYear", "hour", "minute"],
        }
    },
    {"elapsed": {"out": "e", "from": "when", "to": "when", "unit": "hours"}},
    {"isMissing": {"out": "w", "of": "when"}},
)
NUMBERS = {
    "mean, min and max": [IMPUTER, {"MinMaxScaler": {"clip": True}}],
    "constant": [{"SimpleImputer": {"strategy": "constant", "fill_value": -7.0}}, {"MaxAbsScaler": {}}],
    "indicator": [{"SimpleImputer": {"add_indicator": True}}, {"StandardScaler": {}}],
    "only the indicator": [{"MissingIndicator": {}}],
    "robust": [{"RobustScaler": {}}, IMPUTER],
    "two scalers": [IMPUTER, {"StandardScaler": {"with_mean": False}}, {"MinMaxScaler": {}}],
    "lengths": [IMPUTER, {"Normalizer": {"norm": "l2"}}],
    "lengths by sum": [IMPUTER, {"Normalizer": {"norm": "l1"}}],
    "largest": [IMPUTER, {"Normalizer": {"norm": "max"}}],
    "above": [IMPUTER, {"Binarizer": {"threshold": 0.2}}],
    "bins": [IMPUTER, {"KBinsDiscretizer": {"n_bins": 4}}],
    "numbers of bins": [IMPUTER, {"KBinsDiscretizer": {"n_bins": 4, "encode": "ordinal"}}],
    "products": [IMPUTER, {"PolynomialFeatures": {"degree": 3}}],
    "products of others": [IMPUTER, {"PolynomialFeatures": {"interaction_only": True, "include_bias": False}}],
    "power": [IMPUTER, {"PowerTransformer": {}}],
    "quantiles": [{"QuantileTransformer": {"n_quantiles": 30}}, IMPUTER],
    "splines": [IMPUTER, {"SplineTransformer": {"n_knots": 4}}],
    "splines that go on": [IMPUTER, {"SplineTransformer": {"extrapolation": "linear", "include_bias": False}}],
    "components": [IMPUTER, {"PCA": {"n_components": 2, "whiten": True}}],
    "singular values": [IMPUTER, {"TruncatedSVD": {"n_components": 2}}, {"StandardScaler": {}}],
    "independent": [IMPUTER, {"FastICA": {"n_components": 2}}],
    "random": [IMPUTER, {"GaussianRandomProjection": {"n_components": 2}}],
    "few that vary": [IMPUTER, {"VarianceThreshold": {"threshold": 2.0}}],
}
TEXTS = {
    "rare ones together": [{"OneHotEncoder": {"min_frequency": 20}}],
    "without the first": [{"OneHotEncoder": {"drop": "first", "handle_unknown": "ignore"}}],
    "at most three": [{"OneHotEncoder": {"max_categories": 3}}],
    "filled by the most frequent": [{"SimpleImputer": {"strategy": "most_frequent"}}, {"OneHotEncoder": {}}],
    "filled by a level": [
        {"SimpleImputer": {"strategy": "constant", "fill_value": "none given"}},
        {"OneHotEncoder": {}},
    ],
    "numbered": [{"OrdinalEncoder": {"encoded_missing_value": -2}}],
    "numbered and scaled": [{"OrdinalEncoder": {}}, {"SimpleImputer": {}}, {"StandardScaler": {}}],
    "by the target": [{"TargetEncoder": {"cv": 3}}],
    "scaled": [{"OneHotEncoder": {}}, {"StandardScaler": {}}],
    "components": [{"OneHotEncoder": {}}, {"TruncatedSVD": {"n_components": 3}}],
    "only the gaps": [{"MissingIndicator": {}}],
}


def hold(made: Made) -> None:
    """The model is compiled, and its file answers random rows as scikit-learn does, all at once and one by one."""
    assert made.forms.notes == ()
    content = made.forms.files[COMPILED]
    program, check = decode(content)
    assert encode(program, check) == content
    assert check.difference(program) <= check.tolerance
    chance = random_rows(made.signature, 40, 7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # levels that training never saw
        values, probabilities = answer(made.forms.model, made.signature, chance)
    wanted = values if probabilities is None else probabilities
    rows = rows_of_frame(made.signature, chance)
    assert difference(wanted, program.predict(rows.values, rows.texts)) <= check.tolerance
    single = [
        program.predict(rows.values[i : i + 1], {place: texts[i : i + 1] for place, texts in rows.texts.items()})
        for i in range(5)
    ]
    assert difference(wanted[:5], np.concatenate(single)) <= check.tolerance
    assert len(program.features.sources) == program.features.width
    assert all(0 <= place < len(made.signature.columns) for places in program.features.sources for place in places)


@pytest.mark.parametrize("steps", NUMBERS.values(), ids=NUMBERS)
def test_steps_of_numbers(steps):
    hold(make(Task.REGRESSION, "Ridge", numbers=steps, texts=None))


@pytest.mark.parametrize("steps", TEXTS.values(), ids=TEXTS)
def test_encoders_of_categories(steps):
    hold(make(Task.CLASSIFICATION, "LogisticRegression", {}, texts=steps))


def test_an_encoder_of_three_classes():
    hold(make(Task.CLASSIFICATION, "LogisticRegression", {}, texts=[{"TargetEncoder": {"cv": 3}}], classes=3))


def test_stateless_columns():
    hold(make(Task.REGRESSION, "Ridge", prepare=PREPARE))


def test_dates():
    hold(make(Task.REGRESSION, "Ridge", prepare=DATES))


def test_selection():
    hold(make(Task.CLASSIFICATION, "LogisticRegression", select=("SelectKBest", {"k": 3})))


CLASSIFIERS = {
    "LogisticRegression": {"C": 0.3},
    "LinearDiscriminantAnalysis": {},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.5},
    "GaussianNB": {},
    "BernoulliNB": {},
    "SGDClassifier": {"loss": "modified_huber"},
    "LinearSVC": {},
    "RidgeClassifier": {},
    "OneVsRestClassifier": {},
    "MLPClassifier": {"max_iter": 5, "hidden_layer_sizes": [5, 4], "activation": "tanh"},
    "DummyClassifier": {},
    "RandomForestClassifier": {"n_estimators": 5},
    "XGBClassifier": {"n_estimators": 5},
    "BaggingClassifier": {"n_estimators": 4, "max_features": 0.7},
    "CalibratedClassifierCV": {"estimator": {"LogisticRegression": {}}, "method": "isotonic", "cv": 3},
    "CalibratedClassifierCV of boosted trees": {
        "estimator": {"HistGradientBoostingClassifier": {"max_iter": 5}},
        "cv": 3,
        "ensemble": False,
    },
    "VotingClassifier": {
        "estimators": [{"a": {"LogisticRegression": {}}}, {"b": {"GaussianNB": {}}}],
        "voting": "soft",
        "weights": [2, 1],
    },
    "StackingClassifier": {
        "estimators": [{"a": {"LogisticRegression": {}}}, {"b": {"GaussianNB": {}}}],
        "passthrough": True,
        "cv": 3,
    },
}
REGRESSORS = {
    "LinearRegression": {},
    "HuberRegressor": {},
    "RANSACRegressor": {},
    "PoissonRegressor": {},
    "TweedieRegressor": {"power": 0},
    "LinearSVR": {},
    "MLPRegressor": {"max_iter": 5},
    "DummyRegressor": {},
    "ExtraTreesRegressor": {"n_estimators": 5},
    "BaggingRegressor": {"n_estimators": 4, "max_samples": 0.6},
    "VotingRegressor": {"estimators": [{"a": {"Ridge": {}}}, {"b": {"Lasso": {}}}]},
    "StackingRegressor": {"estimators": [{"a": {"Ridge": {}}}, {"b": {"Lasso": {}}}], "cv": 3},
    "TransformedTargetRegressor": {"regressor": {"Ridge": {}}, "transformer": {"StandardScaler": {}}},
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name, classes):
    hold(make(Task.CLASSIFICATION, name.split()[0], CLASSIFIERS[name], classes=classes))


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name):
    hold(make(Task.REGRESSION, name, REGRESSORS[name]))


def test_what_has_no_compiled_form_is_said_and_kept_as_it_is():
    made = make(Task.CLASSIFICATION, "KNeighborsClassifier")
    assert COMPILED not in made.forms.files
    assert made.forms.notes == (
        "the model is not compiled, and scikit-learn serves it: KNeighborsClassifier has no compiled form",
    )


def test_a_step_that_has_none_is_named():
    made = make(Task.REGRESSION, "Ridge", numbers=[{"KNNImputer": {}}])
    assert made.forms.notes[-1].endswith("KNNImputer has no compiled form")


def test_equal_models_have_equal_bytes():
    first, second = (make(Task.CLASSIFICATION, "LogisticRegression").forms.files[COMPILED] for _ in range(2))
    assert first == second


def test_rows_that_scikit_learn_refuses_are_refused():
    # given a model without an imputer
    made = make(Task.REGRESSION, "Ridge", numbers=[{"StandardScaler": {}}], texts=None, gaps=False)
    if COMPILED not in made.forms.files:
        pytest.fail(str(made.forms.notes))
    program, _ = decode(made.forms.files[COMPILED])
    # when a value is missing, then it is refused and not answered by NaN
    with pytest.raises(ValueError, match="missing"):
        program.predict(np.array([[1.0, np.nan, 1.0, 1.0]]), {})


def test_contributions_of_a_linear_model_add_up_to_its_score():
    made = make(Task.CLASSIFICATION, "LogisticRegression", numbers=IMPUTED, texts=ENCODED)
    program, _ = decode(made.forms.files[COMPILED])
    rows = rows_of_frame(made.signature, made.frame)
    matrix = program.features.matrix(rows.values, rows.texts)
    told = program.model.contributions(matrix)
    margin = made.model[-1].decision_function(matrix)
    assert told.scale == "log-odds"
    np.testing.assert_allclose(told.base + told.values.sum(axis=1)[:, 0], margin, rtol=0, atol=1e-9)
