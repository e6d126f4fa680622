"""Contributions are exact: equal to the libraries' own, to Shapley's definition, and they add up to the answer."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor
from xgboost import DMatrix, XGBClassifier

from evermodel.compiled.trees import Trees, compile_trees
from evermodel.compiled.trees_arrays import PlainTree, assemble
from evermodel.compiled.trees_facts import TreesFacts
from tests.unit.evermodel.compiled.tree_cases import CLASSIFIERS, COLUMNS, REGRESSORS, fitted, table

GAPS = ("tree", "forest", "extra trees", "histogram", "bag", "xgboost", "lightgbm")


def answer_of(scale: str, sums: np.ndarray, classes: int) -> np.ndarray:
    """The answer that sums on a scale make."""
    if scale == "log-odds":
        margins = np.hstack([np.zeros((len(sums), 1)), sums]) if sums.shape[1] == 1 else sums
        parts = np.exp(margins - margins.max(axis=1, keepdims=True))
        return parts / parts.sum(axis=1, keepdims=True)
    made = np.exp(sums) if scale == "log of a value" else sums
    return made if classes else made[:, 0]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_contributions_of_classifiers_add_up(name, classes):
    if name == "xgboost, base score" and classes > 2:
        classes = 2
    check_sum(fitted(CLASSIFIERS[name], 3, classes, gaps=name in GAPS), classes)


@pytest.mark.parametrize("name", sorted(set(REGRESSORS) - {"adaboost"}))
def test_contributions_of_regressors_add_up(name):
    check_sum(fitted(REGRESSORS[name], 3, 0, gaps=name in GAPS), 0)


def check_sum(model, classes: int) -> None:
    compiled = compile_trees(model)
    rows = table(4, 0, gaps=compiled_takes_gaps(compiled))[0][:40]
    told = compiled.contributions(rows)
    assert told.values.shape == (len(rows), COLUMNS, len(told.base))
    single = 1e-5 if compiled.facts.single_sums else 1e-11
    made = answer_of(told.scale, told.values.sum(axis=1) + told.base, classes)
    np.testing.assert_allclose(made, compiled.predict(rows), rtol=single, atol=single)


def compiled_takes_gaps(compiled) -> bool:
    return not compiled.facts.refuse_missing


def test_a_median_has_no_contributions():
    assert compile_trees(fitted(REGRESSORS["adaboost"], 3, 0)).contributions is None


@pytest.mark.parametrize("classes", [2, 3])
def test_as_xgboost_tells_them(classes):
    model = fitted(CLASSIFIERS["xgboost"], 5, classes, gaps=True)
    rows = table(6, 0, gaps=True)[0]
    wanted = model.get_booster().predict(DMatrix(rows), pred_contribs=True).reshape(len(rows), -1, COLUMNS + 1)
    told = compile_trees(model).contributions(rows)
    np.testing.assert_allclose(told.values.transpose(0, 2, 1), wanted[:, :, :-1], atol=5e-6)
    np.testing.assert_allclose(told.base, wanted[0, :, -1], atol=5e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_as_lightgbm_tells_them(classes):
    model = fitted(CLASSIFIERS["lightgbm"], 5, classes, gaps=True)
    rows = table(6, 0, gaps=True)[0]
    wanted = np.asarray(model.predict_proba(rows, pred_contrib=True)).reshape(len(rows), -1, COLUMNS + 1)
    told = compile_trees(model).contributions(rows)
    np.testing.assert_allclose(told.values.transpose(0, 2, 1), wanted[:, :, :-1], atol=1e-12)
    np.testing.assert_allclose(told.base, wanted[0, :, -1], atol=1e-12)


def expectation(tree, row: np.ndarray, known: tuple[int, ...], node: int = 0) -> float:
    """The mean answer over the training rows, where only some features of the row are known."""
    if tree.children_left[node] < 0:
        return float(tree.value[node, 0, 0])
    left, right = int(tree.children_left[node]), int(tree.children_right[node])
    feature = int(tree.feature[node])
    if feature in known:
        goes_left = np.float32(row[feature]) <= tree.threshold[node]
        return expectation(tree, row, known, left if goes_left else right)
    cover = tree.weighted_n_node_samples
    both = [cover[child] * expectation(tree, row, known, child) for child in (left, right)]
    return float(sum(both) / cover[node])


def test_they_are_shapley_values():
    rows, target = table(8, 0, gaps=False)
    model = DecisionTreeRegressor(max_depth=6, random_state=0).fit(rows, target, np.arange(len(rows)) % 3 + 1.0)
    told = compile_trees(model).contributions(rows[:3])
    for row, values in zip(rows[:3], told.values[:, :, 0], strict=True):
        for feature in range(COLUMNS):
            others = [other for other in range(COLUMNS) if other != feature]
            exact = 0.0
            for size in range(COLUMNS):
                weight = factorial(size) * factorial(COLUMNS - size - 1) / factorial(COLUMNS)
                for known in combinations(others, size):
                    more = expectation(model.tree_, row, (*known, feature))
                    exact += weight * (more - expectation(model.tree_, row, known))
            assert values[feature] == pytest.approx(exact, abs=1e-10)
    assert told.base[0] == pytest.approx(expectation(model.tree_, rows[0], ()))


def test_nodes_that_no_row_came_through():
    # weights of zero leave children without any cover
    rows, labels = table(9, 2, gaps=False)
    model = XGBClassifier(n_estimators=3, n_jobs=1, min_child_weight=0, reg_lambda=1)
    model.fit(rows, labels, sample_weight=np.where(np.arange(len(rows)) % 2, 1.0, 1e-30))
    check_sum(model, 2)


def chain(depth: int, features: int) -> Trees:
    """One tree that is one long way: a leaf on the left of each decision, the next decision on its right."""
    nodes = 2 * depth + 1
    at = np.arange(nodes)
    inner = (at % 2 == 0) & (at < nodes - 1)
    tree = PlainTree(
        left=np.where(inner, at + 1, -1),
        right=np.where(inner, at + 2, -1),
        feature=(at // 2) % features,
        threshold=np.zeros(nodes),
        values=np.random.default_rng(0).normal(size=nodes),
        cover=np.where(inner | (at == nodes - 1), nodes - at, 1).astype(float),
    )
    return Trees(assemble([tree], features, np.zeros(1), [0]), TreesFacts(features, 0, 1))


@pytest.mark.parametrize(("depth", "features"), [(60, 60), (500, 7), (500, 500)])
def test_long_ways_add_up(depth, features):
    compiled = chain(depth, features)
    rows = np.random.default_rng(1).choice([-1.0, 1.0, 1.0, 1.0], size=(20, features))
    rows[0] = 1.0
    told = compiled.contributions(rows)
    np.testing.assert_allclose(told.values.sum(axis=1)[:, 0] + told.base, compiled.predict(rows), atol=1e-12)


def test_wide_tables_add_up():
    # a way through a hundred features and more: where formulas that divide again and again give nothing right
    chance = np.random.default_rng(0)
    rows = (chance.random((1500, 200)) < 0.03).astype(float)
    model = DecisionTreeRegressor(random_state=0).fit(rows, chance.normal(size=len(rows)))
    assert model.get_depth() > 100
    compiled = compile_trees(model)
    told = compiled.contributions(rows[:50])
    np.testing.assert_allclose(told.values.sum(axis=1)[:, 0] + told.base, compiled.predict(rows[:50]), atol=1e-11)


def test_trees_that_are_too_deep_have_none():
    compiled = chain(501, 3)
    assert compiled.contributions is None
    assert compiled.predict(np.ones((1, 3))).shape == (1,)
