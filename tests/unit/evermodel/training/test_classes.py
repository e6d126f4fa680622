"""Classes by name: the lists are what the libraries offer, parameters are checked, and chance is seeded."""

import math
import warnings

import imblearn.utils.testing
import lightgbm
import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import all_estimators

from evermodel.errors import SpecError
from evermodel.training.classes import (
    make_estimator,
    make_sampler,
    make_selector,
    make_transformer,
    with_probabilities,
)
from evermodel.training.libraries import DEFAULTS, MODULES, load_class
from evermodel_api.training import Task
from evermodel_api.training.classes import (
    CLASSIFIERS,
    ESTIMATORS,
    REGRESSORS,
    SAMPLERS,
    SELECTORS,
    TRANSFORMERS,
)

SEVERAL_TARGETS = {
    *("ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain"),
    *("MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV"),
}
MOVE_THE_THRESHOLD = {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}
RANKS_OR_FORESTS = {"XGBRanker", "XGBRFClassifier", "XGBRFRegressor", "LGBMRanker"}
NO_PREPARATION = {
    "compose others": {"ColumnTransformer", "FeatureUnion"},
    "run functions": {"FunctionTransformer"},
    "take text, dictionaries or images": {
        *("DictVectorizer", "FeatureHasher", "HashingVectorizer", "PatchExtractor", "TfidfTransformer"),
    },
    "turn the target": {"LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer"},
    "cannot take new rows": {"TSNE"},
    "make a graph of the training rows": {"KNeighborsTransformer", "RadiusNeighborsTransformer"},
    "take a kernel or a dictionary that is not in the data": {"KernelCenterer", "SparseCoder"},
    "are estimators that also transform": {
        *("CCA", "IsotonicRegression", "PLSCanonical", "PLSSVD", "StackingClassifier", "StackingRegressor"),
        *("VotingClassifier", "VotingRegressor"),
    },
    "cannot be held without pickle": {"Birch"},
}
NO_SAMPLING = {
    "run functions": {"FunctionSampler"},
    "repeat another of the list": {"AllKNN", "RepeatedEditedNearestNeighbours"},
    "take categories, and rows are encoded here": {"SMOTEN", "SMOTENC"},
}


def union(groups):
    return set().union(*groups.values())


def of_sklearn(kind):
    return {name for name, _ in all_estimators(type_filter=kind)}


def test_the_lists_are_what_the_libraries_offer():
    boosted = {name for library in (xgboost, lightgbm) for name in library.__all__ if name.startswith(("XGB", "LGBM"))}
    boosted -= RANKS_OR_FORESTS | {"XGBModel", "LGBMModel"}
    assert set(CLASSIFIERS) == of_sklearn("classifier") - SEVERAL_TARGETS - MOVE_THE_THRESHOLD | {
        name for name in boosted if "Classifier" in name
    }
    assert set(REGRESSORS) == of_sklearn("regressor") - SEVERAL_TARGETS | {
        name for name in boosted if "Regressor" in name
    }
    # IterativeImputer is hidden until it is asked for
    preparing = of_sklearn("transformer") - union(NO_PREPARATION) | {"IterativeImputer"}
    assert set(TRANSFORMERS) | set(SELECTORS) == preparing
    offered = {name for name, _ in imblearn.utils.testing.all_estimators(type_filter="sampler")}
    assert set(SAMPLERS) == offered - union(NO_SAMPLING)


def test_every_name_is_a_class_of_its_module_and_no_other_is_made():
    assert set(MODULES) == {*ESTIMATORS, *TRANSFORMERS, *SELECTORS, *SAMPLERS}
    assert [name for name in MODULES if load_class(name).__name__ != name] == []
    assert set(DEFAULTS) <= set(MODULES)


def refusal(reason, name, params, **parts):
    with pytest.raises(SpecError) as error:
        make_estimator(name, params, Task.CLASSIFICATION, 0, "algorithms[a].params", **parts)
    assert error.value.reason == reason
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("SVC", {"c": 1}, "algorithms[a].params: SVC has no parameter 'c'; it has C, "),
        ("XGBClassifier", {"depth": 1}, "XGBClassifier has no parameter 'depth'; it has "),
        ("LGBMClassifier", {"depth": 1}, "LGBMClassifier has no parameter 'depth'; it has "),
        ("BaggingClassifier", {"estimator": {"SVC": {"c": 1}}}, "params.estimator.SVC: SVC has no parameter 'c'"),
        ("OneVsRestClassifier", {"estimator__c": 1}, "OneVsRestClassifier has no parameter 'estimator__c'"),
    ],
)
def test_an_unknown_parameter_is_told_with_those_there_are(name, params, said):
    assert said in refusal("ParameterUnknown", name, params)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("BaggingClassifier", {"estimator": {"os.system": {}}}, "'os.system' is no class that a spec may name"),
        ("BaggingClassifier", {"estimator": {"Popen": {}, "x": 1}}, "does not name one class"),
        ("BaggingClassifier", {"estimator": "SVC"}, "write estimator: {LogisticRegression: {C: 0.5}}"),
        ("VotingClassifier", {"estimators": [{"SVC": 3}]}, "params.estimators[0]: "),
        ("SVC", {"class_weight": {"ill": 2}}, "names the class 'ill', which the target has not; it has sick, well"),
        ("TransformedTargetRegressor", {"func": "system"}, "'system' is not known here; use one of exp, "),
    ],
)
def test_a_value_that_names_what_is_not_there_is_told(name, params, said):
    assert said in refusal("ParameterInvalid", name, params, classes=["sick", "well"])


@pytest.mark.parametrize("name", ["VotingClassifier", "StackingClassifier"])
def test_a_class_that_cannot_do_without_is_told_how_it_is_written(name):
    assert "needs estimators; write estimators: [{first: " in refusal("ParameterMissing", name, {})


def test_classes_inside_are_made_and_seeded():
    # given estimators inside others, by name and in a list
    inside = [{"a": {"LogisticRegression": {"C": 0.5}}}, {"b": {"RandomForestClassifier": {"random_state": 9}}}]
    made = make_estimator("VotingClassifier", {"estimators": inside, "a__C": 0.25}, Task.CLASSIFICATION, 7, "w")
    # then they are instances, and what the spec did not seed is seeded
    assert isinstance(made, VotingClassifier)
    (first, one), (second, other) = made.estimators
    assert (first, one.C, one.random_state) == ("a", 0.25, 7)
    assert (second, other.random_state) == ("b", 9)


@pytest.mark.parametrize("value", [None, 0])
def test_null_means_the_seed_and_a_number_means_itself(value):
    made = make_estimator("SGDClassifier", {"random_state": value}, Task.CLASSIFICATION, 7, "w")
    assert made.random_state == (7 if value is None else value)


def test_weights_by_class_are_given_for_class_numbers():
    made = make_estimator("SVC", {"class_weight": {"true": 3}}, Task.CLASSIFICATION, 0, "w", classes=[False, True])
    assert made.class_weight == {1: 3}
    sampler = make_sampler("RandomUnderSampler", {"sampling_strategy": {"3": 5}}, 0, "w", classes=[2, 3])
    assert sampler.sampling_strategy == {1: 5}


@pytest.mark.parametrize(
    ("task", "inside", "score"),
    [(Task.CLASSIFICATION, LogisticRegression, "f_classif"), (Task.REGRESSION, Ridge, "f_regression")],
)
def test_a_selection_gets_what_fits_the_task(task, inside, score):
    assert isinstance(make_selector("SelectFromModel", {}, task, 0, "w").estimator, inside)
    assert make_selector("SelectKBest", {"k": 2}, task, 0, "w").score_func.name == score


def test_mutual_information_is_seeded():
    rows = np.random.default_rng(0).normal(size=(60, 3))
    truth = (rows[:, 0] > 0).astype(int)
    params = {"k": 1, "score_func": "mutual_info_classif"}
    scores = [make_selector("SelectKBest", params, Task.CLASSIFICATION, 4, "w").fit(rows, truth).scores_ for _ in "ab"]
    assert (scores[0] == scores[1]).all()


def test_target_encoder_knows_a_regression_whose_numbers_look_like_classes():
    assert make_transformer("TargetEncoder", {}, 0, "w", task=Task.REGRESSION).target_type == "continuous"
    assert make_transformer("TargetEncoder", {}, 0, "w").target_type == "auto"


def test_lists_become_tuples_where_the_class_wants_them():
    assert make_transformer("MinMaxScaler", {"feature_range": [0, 2]}, 0, "w").feature_range == (0, 2)


def test_what_adds_up_in_pieces_has_one_job():
    assert make_transformer("Nystroem", {"n_jobs": 4}, 0, "w").n_jobs == 1


ROWS = np.random.default_rng(2).normal(size=(90, 4))
TRUTH = (ROWS[:, 0] > 0).astype(int) + (ROWS[:, 1] > 1)
WITHOUT = {
    *("LinearSVC", "NuSVC", "OneVsOneClassifier", "OutputCodeClassifier", "PassiveAggressiveClassifier", "Perceptron"),
    *("RidgeClassifier", "RidgeClassifierCV", "SGDClassifier", "SVC"),
}


@pytest.mark.parametrize("name", sorted(WITHOUT | {"VotingClassifier"}))
def test_a_classifier_without_probabilities_is_calibrated(name):
    params = {"nu": 0.1} if name == "NuSVC" else {}
    if name == "VotingClassifier":
        params = {"estimators": [{"a": {"LinearSVC": {}}}, {"b": {"Perceptron": {}}}]}
    made = make_estimator(name, params, Task.CLASSIFICATION, 0, "w")
    calibrated = with_probabilities(made)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probabilities = calibrated.fit(ROWS, TRUTH).predict_proba(ROWS)
    assert probabilities.shape == (90, 3)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == TRUTH).mean() > 0.6


def test_a_classifier_with_probabilities_is_left_as_it_is():
    given = {"StackingClassifier": {"estimators": [{"a": {"LinearSVC": {}}}]}, "SGDClassifier": {"loss": "log_loss"}}
    for name in sorted(set(CLASSIFIERS) - WITHOUT - {"VotingClassifier"} | {"SGDClassifier"}):
        made = make_estimator(name, given.get(name, {}), Task.CLASSIFICATION, 0, "w")
        assert with_probabilities(made) is made


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(ESTIMATORS), st.text(min_size=1, max_size=12), json_values)
def test_any_parameter_is_taken_or_refused_with_a_reason(name, key, value):
    task = Task.CLASSIFICATION if name in CLASSIFIERS else Task.REGRESSION
    try:
        made = make_estimator(name, {key: value}, task, 0, "w")
    except SpecError as error:
        assert error.reason in {"ParameterUnknown", "ParameterMissing", "ParameterInvalid"}
    else:
        assert key in made.get_params()
        assert not (isinstance(value, float) and math.isnan(value))
