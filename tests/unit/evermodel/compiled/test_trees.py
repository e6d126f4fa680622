"""Compiled trees answer as the libraries do, to the last bit, for every class, and are made again from their parts."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import make_regression
from sklearn.ensemble import BaggingRegressor, GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from evermodel.artifact.threads import one_thread
from evermodel.compiled.model import NotCompilableError, from_parts
from evermodel.compiled.trees import compile_trees
from tests.unit.evermodel.compiled.tree_cases import CLASSIFIERS, COLUMNS, REGRESSORS, answers, fitted, hard_rows, table

SEEDS = st.integers(0, 2**16)
FEW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
NO_GAPS = ("gradient boosting", "adaboost")
"""What refuses missing values when it is fitted, by how its name begins."""
EXP_OF_XGBOOST = 1.2e-7
"""Where XGBoost's own exp may round otherwise than the kernel's: one unit in the last place of single precision."""


def takes(model, value: float) -> bool:
    row = np.zeros((1, COLUMNS))
    row[0, 0] = value
    try:
        answers(model, row)
    except ValueError:
        return False
    return True


def made_again(compiled):
    header, arrays = compiled.describe()
    return from_parts(json.loads(json.dumps(header)), arrays)


def check_answers(model, seed: int) -> None:
    compiled = made_again(compile_trees(model))
    rows = hard_rows(compiled, seed, gaps=takes(model, np.nan), large=takes(model, 1e300))
    tolerance = EXP_OF_XGBOOST if isinstance(model, XGBClassifier | XGBRegressor) else 0.0
    for asked in (rows, rows[:1], rows[:7], rows[5:18]):
        np.testing.assert_allclose(compiled.predict(asked), answers(model, asked), rtol=tolerance, atol=0)


@pytest.mark.parametrize("name", CLASSIFIERS)
@FEW
@given(seed=SEEDS, classes=st.sampled_from([2, 3, 9]), gaps=st.booleans())
def test_classifiers_answer_the_same_bits(name, seed, classes, gaps):
    if "unbalance" in name or (classes > 2 and name == "xgboost, base score"):
        classes = 2
    check_answers(fitted(CLASSIFIERS[name], seed, classes, gaps=gaps and not name.startswith(NO_GAPS)), seed)


@pytest.mark.parametrize("name", REGRESSORS)
@FEW
@given(seed=SEEDS, gaps=st.booleans())
def test_regressors_answer_the_same_bits(name, seed, gaps):
    gaps = gaps and not name.startswith(NO_GAPS) and name != "tree, absolute error"
    check_answers(fitted(REGRESSORS[name], seed, 0, gaps=gaps), seed)


@pytest.mark.parametrize(
    "model",
    [
        CLASSIFIERS["gradient boosting"]().set_params(loss="exponential"),
        CLASSIFIERS["lightgbm"]().set_params(objective="cross_entropy"),
    ],
    ids=["exponential", "cross entropy"],
)
def test_other_links_of_two_classes(model):
    check_answers(fitted(lambda: model, 3, 2), 3)


@pytest.mark.parametrize("share", [0, 1])
def test_xgboost_where_all_answers_are_alike(share):
    rows, _ = table(1, 2, gaps=False)
    model = XGBRegressor(objective="binary:logistic", n_estimators=3, n_jobs=1).fit(rows, np.full(len(rows), share))
    np.testing.assert_allclose(compile_trees(model).predict(rows), answers(model, rows), rtol=EXP_OF_XGBOOST)


def test_one_against_all():
    check_answers(fitted(lambda: CLASSIFIERS["lightgbm"]().set_params(objective="multiclassova"), 4, 4), 4)


def test_xgboost_stops_where_it_was_best():
    rows, labels = table(1, 2, gaps=False)
    model = XGBClassifier(n_estimators=60, n_jobs=1, learning_rate=1.0, early_stopping_rounds=3)
    model.fit(rows[:100], labels[:100], eval_set=[(rows[100:], labels[100:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    check_answers(model, 1)


@pytest.mark.parametrize("name", ["tree", "forest", "bag", "histogram", "lightgbm", "xgboost"])
def test_one_class_only(name):
    rows, _ = table(1, 2, gaps=False)
    with one_thread():
        model = CLASSIFIERS[name]().fit(rows, np.zeros(len(rows), int))
    np.testing.assert_array_equal(compile_trees(model).predict(rows), answers(model, rows))


@pytest.mark.parametrize("name", ["forest", "gradient boosting", "adaboost", "tree"])
def test_what_the_library_refuses_is_refused(name):
    model = fitted(CLASSIFIERS[name], 2, 2)
    compiled = compile_trees(model)
    for value in (np.nan, np.inf, -np.inf, 1e39, -1e300):
        rows = table(2, 2, gaps=False)[0]
        rows[-1, -1] = value
        if takes(model, value):
            np.testing.assert_array_equal(compiled.predict(rows), answers(model, rows))
        else:
            with pytest.raises(ValueError, match="Input X contains"):
                compiled.predict(rows)


def test_another_number_of_columns_is_refused():
    compiled = compile_trees(fitted(CLASSIFIERS["tree"], 2, 2))
    with pytest.raises(ValueError, match="features"):
        compiled.predict(np.zeros((1, COLUMNS + 1)))


def test_rows_that_are_read_only_or_in_another_order():
    model = fitted(REGRESSORS["forest"], 5, 0)
    rows = table(6, 0, gaps=False)[0]
    wanted = answers(model, rows)
    compiled = compile_trees(model)
    frozen = rows.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(compiled.predict(frozen), wanted)
    np.testing.assert_array_equal(compiled.predict(np.asfortranarray(rows)), wanted)


def test_the_arrays_follow_from_the_model_alone():
    model = fitted(CLASSIFIERS["forest"], 7, 3)
    first, second = compile_trees(model).describe(), compile_trees(model).describe()
    assert first[0] == second[0]
    assert {name: array.tobytes() for name, array in first[1].items()} == {
        name: array.tobytes() for name, array in second[1].items()
    }


def test_equal_leaves_are_kept_once():
    header, arrays = compile_trees(fitted(DecisionTreeClassifier, 7, 2)).describe()
    assert len(arrays["leaves"]) == 2
    assert header["classes"] == 2
    assert (arrays["nodes"][:, 3] == 0).sum() > 2


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (LinearRegression(), "no set of trees"),
        (BaggingRegressor(LinearRegression()), "no set of trees"),
        (BaggingRegressor(n_estimators=2, max_features=1, random_state=0), "given some of the columns"),
        (XGBRegressor(booster="gblinear", n_jobs=1), "no trees"),
        (XGBRegressor(n_estimators=2, n_jobs=1, missing=-1.0), "as missing"),
        (XGBRegressor(n_estimators=2, n_jobs=1, objective="reg:quantileerror", quantile_alpha=[0.1, 0.9]), "targets"),
        (GradientBoostingRegressor(n_estimators=2, init=LinearRegression()), "begins with"),
        (LGBMRegressor(n_estimators=2, verbose=-1, n_jobs=1, linear_tree=True), "linear"),
        (LGBMRegressor(n_estimators=2, verbose=-1, n_jobs=1, reg_sqrt=True), "no compiled form"),
        (LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1, zero_as_missing=True), "zeros as missing"),
        (HistGradientBoostingRegressor(max_iter=2, categorical_features=[0]), "categories"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_has_no_compiled_form_says_why(model, why):
    rows, target = make_regression(60, 3, random_state=0)
    rows[:, 0] = np.arange(60) % 3
    model.fit(rows, (target > 0).astype(int) if hasattr(model, "predict_proba") else target)
    with pytest.raises(NotCompilableError, match=why):
        compile_trees(model)
