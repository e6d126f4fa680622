"""What each column adds: exact for pipelines and for models made of others, and refused where nothing is exact."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from scipy.special import logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBClassifier

from evermodel.artifact.manifest import COMPILED
from evermodel.compiled.attribution import Attribution
from evermodel.compiled.compile_models import compile_model
from evermodel.compiled.contributions import NoContributionsError, explained
from evermodel.compiled.features import Features
from evermodel.compiled.features_encode import Encoding
from evermodel.compiled.file import decode
from evermodel.compiled.parity import rows_of_frame
from evermodel.compiled.program import Program
from evermodel_api.training import Task
from tests.unit.evermodel.compiled.pipelines import ENCODED, IMPUTED, make
from tests.unit.evermodel.compiled.test_trees_contributions import expectation
from tests.unit.evermodel.compiled.tree_cases import COLUMNS, table

RAW = {"numbers": [{"SimpleImputer": {}}], "texts": ENCODED}


def raw_score(scale: str, answers: np.ndarray, classes: int) -> np.ndarray:
    """What contributions add up to, from scikit-learn's own answers: shape (rows, outputs)."""
    if scale == "value":
        return answers[:, None]
    if scale == "probability":
        return answers[:, 1:] if classes == 2 else answers
    assert scale == "log-odds"
    if classes == 2:
        return logit(answers[:, 1:])
    logs = np.log(answers)
    return logs - logs.mean(axis=1, keepdims=True)


CASES = [
    (Task.REGRESSION, "LinearRegression", {}, 0, 1e-9),
    (Task.REGRESSION, "RandomForestRegressor", {"n_estimators": 7}, 0, 1e-9),
    (Task.REGRESSION, "XGBRegressor", {"n_estimators": 7}, 0, 1e-5),
    (Task.REGRESSION, "LGBMRegressor", {"n_estimators": 7, "verbose": -1}, 0, 1e-9),
    (Task.REGRESSION, "HistGradientBoostingRegressor", {"max_iter": 7}, 0, 1e-9),
    (Task.CLASSIFICATION, "LogisticRegression", {}, 2, 1e-9),
    (Task.CLASSIFICATION, "LogisticRegression", {}, 3, 1e-9),
    (Task.CLASSIFICATION, "LinearSVC", {}, 2, 1e-9),
    (Task.CLASSIFICATION, "RandomForestClassifier", {"n_estimators": 7, "max_depth": 5}, 2, 1e-9),
    (Task.CLASSIFICATION, "RandomForestClassifier", {"n_estimators": 7, "max_depth": 5}, 4, 1e-9),
    (Task.CLASSIFICATION, "XGBClassifier", {"n_estimators": 7}, 3, 1e-5),
    (Task.CLASSIFICATION, "XGBClassifier", {"n_estimators": 7}, 2, 1e-5),
    (Task.CLASSIFICATION, "LGBMClassifier", {"n_estimators": 7, "verbose": -1}, 2, 1e-9),
    (Task.CLASSIFICATION, "HistGradientBoostingClassifier", {"max_iter": 7}, 3, 1e-9),
]


@pytest.mark.parametrize(("task", "estimator", "params", "classes", "near"), CASES)
def test_of_a_pipeline_with_categories_and_gaps_they_add_up(task, estimator, params, classes, near):
    # given a pipeline that fills gaps, scales, encodes categories, makes columns and takes dates apart
    prepare = [
        {"ratio": {"of": ["x2", "x3"], "out": "r"}},
        {"dateParts": {"of": "when", "parts": ["month", "weekday"]}},
    ]
    made = make(task, estimator, params, classes=classes or 2, prepare=prepare)
    program, _ = decode(made.forms.files[COMPILED])
    rows = rows_of_frame(made.signature, made.frame)
    # when its answers are taken apart
    attribution = Attribution.of(program)
    told = attribution.contributions(rows.values, rows.texts)
    # then there is a number for each column and the bias, and they add up to the raw score
    outputs = 1 if classes <= 2 else classes
    assert told.shape == (len(rows), outputs, len(made.signature.columns) + 1)
    sums = told.sum(axis=2)
    wanted = raw_score(attribution.scale, program.predict(rows.values, rows.texts), classes)
    if classes > 2 and attribution.scale == "log-odds":  # softmax leaves the level of the scores open
        sums = sums - sums.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(sums, wanted, rtol=0, atol=near)
    assert (np.abs(told).max(axis=(0, 1)) > 0).sum() >= 4


def test_the_order_of_rows_and_their_company_change_nothing(monkeypatch):
    made = make(Task.CLASSIFICATION, "RandomForestClassifier", {"n_estimators": 5}, classes=3)
    program, _ = decode(made.forms.files[COMPILED])
    attribution = Attribution.of(program)
    rows = rows_of_frame(made.signature, made.frame)
    told = attribution.contributions(rows.values, rows.texts)
    # when the rows come in another order, and in many blocks
    monkeypatch.setattr("evermodel.compiled.attribution._AT_ONCE", 500)
    order = np.random.default_rng(3).permutation(len(rows))
    texts = {place: [cells[row] for row in order] for place, cells in rows.texts.items()}
    # then each row has the same numbers
    other = attribution.contributions(rows.values[order], texts)
    np.testing.assert_allclose(other, told[order], rtol=0, atol=1e-12)


def test_a_category_s_features_are_summed_and_a_ratio_is_shared():
    made = make(Task.REGRESSION, "Ridge", prepare=[{"ratio": {"of": ["x2", "x3"], "out": "r"}}])
    program, _ = decode(made.forms.files[COMPILED])
    rows = rows_of_frame(made.signature, made.frame)
    told = Attribution.of(program).contributions(rows.values, rows.texts)[:, 0]
    # what scikit-learn's own columns add: coefficient x (value - mean)
    matrix = np.asarray(made.model[:-1].transform(made.frame))
    own = (matrix - matrix.mean(axis=0)) * made.model[-1].coef_
    names = [name.split("__")[1] for name in made.model[1].get_feature_names_out()]
    columns = {name: own[:, [n == name or n.startswith(f"{name}_") for n in names]].sum(axis=1) for name in names}
    for place, column in enumerate(made.signature.names):
        wanted = sum(own[:, n] for n, name in enumerate(names) if name == column or name.startswith(f"{column}_"))
        if column in ("x2", "x3"):
            wanted = wanted + columns["r"] / 2
        np.testing.assert_allclose(told[:, place], wanted, rtol=0, atol=1e-9)


PCA = {"PCA": {"n_components": 3}}
PROJECTED = {
    "before the model": {"select": ("PCA", {"n_components": 4})},
    "whitened": {"select": ("PCA", {"n_components": 4, "whiten": True})},
    "in a branch": {"numbers": [*IMPUTED, PCA]},
    "twice": {"numbers": [*IMPUTED, PCA], "select": ("PCA", {"n_components": 4})},
}


@pytest.mark.parametrize("where", PROJECTED)
def test_a_line_of_components_is_a_line_of_columns(where):
    # given a linear model of principal components
    made = make(Task.REGRESSION, "Ridge", **PROJECTED[where])
    program, _ = decode(made.forms.files[COMPILED])
    rows = rows_of_frame(made.signature, made.frame)
    told = Attribution.of(program).contributions(rows.values, rows.texts)[:, 0]
    np.testing.assert_allclose(told.sum(axis=1), program.predict(rows.values, rows.texts), rtol=0, atol=1e-9)
    np.testing.assert_allclose(told[:, -1], made.model.predict(made.frame).mean(), rtol=0, atol=1e-9)
    # then a column adds what the answer changes by when the column alone is another, and no other column's share moves
    place = made.signature.names.index("x2")
    moved = rows.values.copy()
    moved[:, place] += 1.5
    other = Attribution.of(program).contributions(moved, rows.texts)[:, 0]
    change = program.predict(moved, rows.texts) - program.predict(rows.values, rows.texts)
    np.testing.assert_allclose(other[:, place] - told[:, place], change, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.delete(other, place, axis=1), np.delete(told, place, axis=1), rtol=0, atol=1e-9)


def plain_program(model, center) -> Program:
    """A program whose features are its columns."""
    count = len(center)
    places = np.arange(count, dtype=np.int32)
    none = np.zeros(0, np.int32)
    scale = dict.fromkeys(("subtract", "add"), np.zeros(count)) | dict.fromkeys(("divide", "multiply"), np.ones(count))
    arrays = {
        "numbers": places,
        "number_places": places,
        "fill": np.full(count, np.nan),
        **scale,
        "low": np.full(count, -np.inf),
        "high": np.full(count, np.inf),
        **dict.fromkeys(("flags", "flag_places", "categories", "first"), none),
        "slots": np.zeros((0, 0), np.int32),
        "parts": np.zeros((0, 0)),
        "common": np.zeros(count),
    }
    encoding = Encoding(count, count, arrays, ())
    return Program(Features(count, (), encoding, (), ()), compile_model(model, center))


COMPOSED = {
    "voting": (lambda: VotingRegressor([("a", Ridge()), ("b", RandomForestRegressor(5))], weights=[1.0, 2.0]), 0),
    "bag of lines": (lambda: BaggingRegressor(Ridge(), 6, max_features=0.6, bootstrap_features=True), 0),
    "turned target": (lambda: TransformedTargetRegressor(Ridge(), transformer=StandardScaler()), 0),
    "vote of forests": (lambda: VotingClassifier(
        [("a", RandomForestClassifier(5)), ("b", ExtraTreesClassifier(5))], voting="soft"), 3),
    "calibrated scores": (lambda: CalibratedClassifierCV(LinearSVC(), ensemble=False), 2),
    "calibrated forest": (lambda: CalibratedClassifierCV(RandomForestClassifier(5, max_depth=3), ensemble=False), 2),
    "calibrated boosting": (lambda: CalibratedClassifierCV(GradientBoostingClassifier(n_estimators=4), ensemble=False), 2),
    "calibrated exponential": (lambda: CalibratedClassifierCV(
        GradientBoostingClassifier(n_estimators=4, loss="exponential"), ensemble=False), 2),
    "constant": (DummyClassifier, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPOSED)
def test_models_made_of_others_add_up_where_only_sums_lie_between(name):
    make_model, classes = COMPOSED[name]
    rows, target = table(5, classes, gaps=False)
    model = make_model().fit(rows, target)
    program = plain_program(model, rows.mean(axis=0))
    attribution = Attribution.of(program)
    asked = table(6, classes, gaps=False)[0][:30]
    told = attribution.contributions(asked, {})
    own = model.predict_proba(asked) if classes else model.predict(asked)
    np.testing.assert_allclose(told.sum(axis=2), raw_score(attribution.scale, own, classes), rtol=1e-9, atol=1e-9)


def test_calibrated_classes_add_up_to_the_log_odds_of_each_against_the_rest():
    rows, target = table(5, 3, gaps=False)
    model = CalibratedClassifierCV(LinearSVC(), ensemble=False).fit(rows, target)
    told = Attribution.of(plain_program(model, rows.mean(axis=0))).contributions(rows, {})
    part = model.calibrated_classifiers_[0]
    scores = part.estimator.decision_function(rows)
    shares = np.stack([curve.predict(scores[:, k]) for k, curve in enumerate(part.calibrators)], axis=1)
    np.testing.assert_allclose(told.sum(axis=2), logit(shares), rtol=1e-9, atol=1e-9)


REFUSED = {
    "another scale": (lambda: VotingClassifier([("a", LogisticRegression()), ("b", SGDClassifier(loss="log_loss"))],
                                               voting="soft"), 2, "mean of answers.*log-odds"),
    "clipped scores": (lambda: BaggingClassifier(SGDClassifier(loss="modified_huber"), 2), 2, "mean of answers"),
    "stack": (lambda: StackingRegressor([("a", Ridge())]), 0, "no sum"),
    "bayes": (GaussianNB, 2, "no sum"),
    "isotonic": (lambda: CalibratedClassifierCV(LinearSVC(), method="isotonic", ensemble=False), 2, "in steps"),
    "calibrated probabilities": (lambda: CalibratedClassifierCV(XGBClassifier(n_estimators=2), ensemble=False), 2,
                                 "calibrates probabilities"),
    "several calibrations": (lambda: CalibratedClassifierCV(LinearSVC(), cv=2), 2, "mean of answers"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_sum_is_refused_with_the_reason(name):
    make_model, classes, words = REFUSED[name]
    rows, target = table(5, classes, gaps=False)
    model = compile_model(make_model().fit(rows, target), rows.mean(axis=0))
    with pytest.raises(NoContributionsError, match=words):
        explained(model)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_of_a_forest_they_are_shapley_values_by_definition(classes):
    # given a small forest, and the mean answer of its trees where only some columns are known
    rows, target = table(8, classes, gaps=False)
    kind = RandomForestClassifier if classes else RandomForestRegressor
    forest = kind(n_estimators=3, max_depth=4, random_state=1).fit(rows, target)
    told = Attribution.of(plain_program(forest, rows.mean(axis=0))).contributions(rows[:2], {})
    for row, own in zip(rows[:2], told, strict=True):
        for output, values in enumerate(own):
            place = 1 if classes == 2 else output
            wanted = shapley([tree.tree_ for tree in forest.estimators_], row, place)
            np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-10)


def shapley(trees, row, output) -> list[float]:
    """Shapley values of all columns, and the mean answer, from the definition: every set of columns is asked."""

    def known(columns):
        return float(np.mean([mean_answer(tree, row, columns, output) for tree in trees]))

    game = {own: known(own) for size in range(COLUMNS + 1) for own in combinations(range(COLUMNS), size)}
    values = []
    for column in range(COLUMNS):
        exact = 0.0
        for own, worth in game.items():
            if column not in own:
                weight = factorial(len(own)) * factorial(COLUMNS - len(own) - 1) / factorial(COLUMNS)
                exact += weight * (game[tuple(sorted((*own, column)))] - worth)
        values.append(exact)
    return [*values, game[()]]


class OneOutput:
    """One output of a tree."""

    def __init__(self, tree, output):
        self.children_left, self.children_right = tree.children_left, tree.children_right
        self.feature, self.threshold = tree.feature, tree.threshold
        self.weighted_n_node_samples = tree.weighted_n_node_samples
        self.value = tree.value[:, :, output : output + 1]


def mean_answer(tree, row, known, output):
    return expectation(OneOutput(tree, output), row, known)


def test_work_grows_with_the_nodes():
    rows, target = table(5, 0, gaps=False)
    small, large = (
        explained(compile_model(DecisionTreeRegressor(max_depth=depth).fit(rows, target), rows.mean(axis=0))).work
        for depth in (2, 6)
    )
    assert large > 4 * small
    line = compile_model(LinearRegression().fit(rows, target), rows.mean(axis=0))
    assert explained(line).work == COLUMNS


def test_boosters_of_two_classes_have_one_output():
    rows, target = table(5, 2, gaps=False)
    model = HistGradientBoostingClassifier(max_iter=3).fit(rows, target)
    assert Attribution.of(plain_program(model, rows.mean(axis=0))).outputs == 1


def test_the_reference_of_lines_is_the_mean_of_the_training_rows():
    made = make(Task.REGRESSION, "Ridge", numbers=IMPUTED, texts=ENCODED)
    program, _ = decode(made.forms.files[COMPILED])
    rows = rows_of_frame(made.signature, made.frame)
    told = Attribution.of(program).contributions(rows.values, rows.texts)
    np.testing.assert_allclose(told[:, 0, :-1].mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(told[:, 0, -1], made.model.predict(made.frame).mean(), atol=1e-9)
