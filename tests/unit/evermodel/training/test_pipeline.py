"""From the spec's pipeline to the columns that a model takes, and to steps that are not fitted yet."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline as Steps

from evermodel.artifact.signature import Signature
from evermodel.data.columns import read_column
from evermodel.errors import SpecError
from evermodel.training.pipeline import build_steps, plan_columns
from evermodel_api.training import Pipeline

FRAME = pd.DataFrame({"n": [1.0, 2.0, 3.0, 4.0], "k": [1, 2, 1, 2], "c": ["a", "b", "a", None], "f": [True, False] * 2})
COLUMNS = [read_column(str(name), FRAME[name]) for name in FRAME]


def plan(*branches: dict):
    return plan_columns(Pipeline.model_validate({"columns": list(branches)}), COLUMNS)


def branch(step: str = "SimpleImputer", **select):
    return {"name": "-".join(select), "select": select, "steps": [{step: {}}]}


def test_without_branches_numbers_are_scaled_and_categories_encoded():
    planned = plan()
    assert [(b.spec.name, b.columns) for b in planned.branches] == [("numbers", ("n", "k")), ("categories", ("c", "f"))]
    signature = Signature(task="Regression", target="y", columns=[{"name": "n", "kind": "number", "datatype": "FP64"}])
    frame = FRAME.astype({"c": object, "f": object}).where(FRAME.notna(), np.nan)
    taken = Steps(build_steps(planned, signature, 0)).fit_transform(frame)
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


MOMENTS = pd.DataFrame(
    {"at": pd.to_datetime(["2026-01-01", "2026-02-01"]), "n": [1.0, 2.0], "born": ["1990-01-01", None]}
)


def prepared(*steps: dict, branches: tuple = (), frame: pd.DataFrame = FRAME):
    spec = Pipeline.model_validate({"prepare": list(steps), "columns": list(branches)})
    return plan_columns(spec, [read_column(str(name), frame[name]) for name in frame])


def test_a_prepared_column_is_taken_by_branches_and_the_model_takes_what_it_is_made_of():
    planned = prepared({"ratio": {"out": "r", "of": ["n", "k"]}}, branches=(branch("StandardScaler", columns=["r"]),))
    assert [b.columns for b in planned.branches] == [("r",)]
    assert [column.name for column in planned.features] == ["n", "k"]


def test_a_prepared_column_that_nobody_takes_is_not_computed():
    step = {"ratio": {"out": "r", "of": ["n", "k"]}}
    planned = prepared(step, branches=(branch("StandardScaler", columns=["n"]),))
    assert planned.prepare == ()
    assert [column.name for column in planned.features] == ["n"]


@pytest.mark.parametrize(
    ("step", "reason", "said"),
    [
        ({"ratio": {"out": "r", "of": ["n", "x"]}}, "ColumnMissing", "prepare[0].ratio names 'x', which is no feature"),
        ({"ratio": {"out": "r", "of": ["n", "c"]}}, "PrepareInvalid", "takes 'c' as a number, and it is a category"),
        ({"log": {"out": "n", "of": "k"}}, "PrepareInvalid", "makes 'n', which is there already"),
        ({"dateParts": {"of": "n", "parts": ["year"]}}, "PrepareInvalid", "takes 'n' as a date, and it is a number"),
    ],
)
def test_a_step_that_cannot_work_is_told(step, reason, said):
    with pytest.raises(SpecError) as error:
        prepared(step)
    assert error.value.reason == reason
    assert said in str(error.value)


def test_a_date_that_no_step_takes_is_no_feature_and_that_is_told():
    planned = prepared(frame=MOMENTS[["at", "n"]])
    assert [column.name for column in planned.features] == ["n"]
    assert planned.notes == ("the column 'at' holds dates and no step of pipeline.prepare takes it: it is no feature",)


def test_the_steps_of_a_model_stand_in_their_order():
    spec = Pipeline.model_validate(
        {"prepare": [{"ratio": {"out": "r", "of": ["n", "k"]}}], "select": {"SelectKBest": {"k": 2}}}
    )
    signature = Signature(task="Regression", target="y", columns=[{"name": "n", "kind": "number", "datatype": "FP64"}])
    steps = build_steps(plan_columns(spec, COLUMNS), signature, 0)
    assert [name for name, _ in steps] == ["prepare", "columns", "select"]
