"""From the spec's branches to the columns that a model takes, and estimators with checked parameters."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline as Fitted

from evermodel.data.columns import read_column
from evermodel.errors import SpecError
from evermodel.training.estimators import make_estimator, make_transformer
from evermodel.training.evaluate import Candidate, choose
from evermodel.training.pipeline import build_pipeline, plan_columns
from evermodel_api.training import Algorithm, Estimator, Metric, Pipeline, Transformer

FRAME = pd.DataFrame({"n": [1.0, 2.0, 3.0, 4.0], "k": [1, 2, 1, 2], "c": ["a", "b", "a", None], "f": [True, False] * 2})
COLUMNS = [read_column(str(name), FRAME[name]) for name in FRAME]


def plan(*branches: dict):
    return plan_columns(Pipeline.model_validate({"columns": list(branches)}), COLUMNS)


def branch(step: str = "SimpleImputer", **select):
    return {"name": "-".join(select), "select": select, "steps": [{step: {}}]}


def algorithm(estimator, **params):
    return Algorithm(name="a", estimator=estimator, params=params)


def test_without_branches_numbers_are_scaled_and_categories_encoded():
    planned = plan()
    assert [(b.spec.name, b.columns) for b in planned.branches] == [("numbers", ("n", "k")), ("categories", ("c", "f"))]
    fitted = build_pipeline(planned, algorithm("DecisionTreeRegressor"), 0)
    frame = FRAME.astype({"c": object, "f": object}).where(FRAME.notna(), np.nan)
    taken = fitted.set_params(estimator="passthrough").fit_transform(frame)
    assert taken.shape == (4, 2 + 3 + 2)  # a, b and missing; True and False
    assert taken[:, 0].mean() == pytest.approx(0)


def test_columns_are_taken_in_the_order_of_the_data_and_the_rest_is_no_feature():
    planned = plan(branch(columns=["c", "n"], step="SimpleImputer"))
    assert [column.name for column in planned.features] == ["n", "c"]
    assert planned.branches[0].columns == ("n", "c")


def test_a_number_that_is_encoded_by_name_is_a_category():
    planned = plan(branch(type="number", exclude=["k"]), branch("OneHotEncoder", columns=["k"]))
    kinds = {column.name: column.kind for column in planned.features}
    assert kinds == {"n": "number", "k": "category"}
    assert [column.cells.tolist() for column in planned.features][1] == ["1", "2", "1", "2"]


def test_a_number_is_told_to_be_both():
    with pytest.raises(SpecError, match="takes the column 'k' as a number and 'columns' as a category") as error:
        plan(branch(type="number"), branch("OneHotEncoder", columns=["k"]))
    assert error.value.reason == "ColumnKindsDiffer"


@pytest.mark.parametrize("estimator", list(Estimator))
def test_every_estimator_is_made_with_the_run_s_seed(estimator):
    made = make_estimator(algorithm(estimator), 7)
    assert type(made).__name__ == estimator
    parameters = made.get_params(deep=False)
    assert parameters.get("random_state", 7) == 7
    if "random_state" in parameters:
        assert make_estimator(algorithm(estimator, random_state=3), 7).get_params()["random_state"] == 3
    with pytest.raises(SpecError, match=r"algorithms\[a\]\.params: .* has no parameter 'colour'; it has ") as error:
        make_estimator(algorithm(estimator, colour="red"), 7)
    assert error.value.reason == "ParameterUnknown"


@pytest.mark.parametrize(("given", "state"), [({}, 7), ({"random_state": None}, 7), ({"random_state": 0}, 0)])
def test_nothing_is_left_to_chance(given, state):
    assert make_estimator(algorithm("RandomForestRegressor", **given), 7).random_state == state


def test_a_list_is_a_tuple_where_the_library_wants_one():
    assert make_estimator(algorithm("MLPClassifier", hidden_layer_sizes=[8, 4]), 0).hidden_layer_sizes == (8, 4)
    assert make_transformer(Transformer.MIN_MAX_SCALER, {"feature_range": [0, 2]}, "here").feature_range == (0, 2)


def test_xgboost_takes_one_core_unless_it_is_told():
    assert make_estimator(algorithm("XGBClassifier"), 0).n_jobs == 1
    assert make_estimator(algorithm("XGBClassifier", n_jobs=3), 0).n_jobs == 3


def test_encoders_answer_levels_that_training_never_saw():
    for transformer in (Transformer.ONE_HOT_ENCODER, Transformer.ORDINAL_ENCODER):
        encoder = Fitted([("e", make_transformer(transformer, {}, "here"))]).fit([["a"], ["b"]])
        assert np.isfinite(encoder.transform([["never seen"]])).all()
        strict = Fitted([("e", make_transformer(transformer, {"handle_unknown": "error"}, "here"))]).fit([["a"], ["b"]])
        with pytest.raises(ValueError, match="unknown categories"):
            strict.transform([["never seen"]])


def test_a_column_without_any_value_stays_a_column():
    imputer = make_transformer(Transformer.SIMPLE_IMPUTER, {"strategy": "median"}, "here")
    assert imputer.fit_transform([[np.nan, 1.0], [np.nan, 3.0]]).shape == (2, 2)


@pytest.mark.parametrize(
    ("metric", "scores", "best"),
    [
        (Metric.F1, [0.7, 0.9, 0.8], 1),
        (Metric.RMSE, [0.7, 0.9, 0.8], 0),
        (Metric.F1, [0.9, 0.9], 0),
        (Metric.F1, [float("nan"), 0.1], 1),
        (Metric.RMSE, [float("nan"), 9.0], 1),
        (Metric.F1, [float("nan"), float("nan")], 0),
    ],
)
def test_the_best_is_chosen_and_the_first_of_equals(metric, scores, best):
    candidates = [
        Candidate(Algorithm(name=f"a{i}", estimator="MLPRegressor"), {metric: score}, ())
        for i, score in enumerate(scores)
    ]
    assert choose(candidates, metric).algorithm.name == f"a{best}"
