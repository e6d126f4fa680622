"""Model files: equal models have equal bytes, and no type is made that is not on the list."""

import io
import json
from functools import partial
from zipfile import ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from evermodel.artifact.skops_file import dump_model, load_model
from evermodel.errors import DataError, SpecError

ROWS = np.random.default_rng(0).normal(size=(50, 3))


class Unknown(LinearRegression):
    """An estimator that no image has."""


def fitted(estimator):
    return Pipeline([("estimator", estimator)]).fit(ROWS, ROWS[:, 0])


@pytest.mark.parametrize("estimator", [LinearRegression(), DecisionTreeRegressor(random_state=0)])
def test_equal_models_have_equal_bytes_and_answer_alike(estimator):
    # given the same model, fitted twice
    one, other = fitted(estimator), fitted(type(estimator)(**estimator.get_params()))
    # then its bytes are the same, and it answers alike after its way through the file
    assert dump_model(one) == dump_model(other)
    assert (load_model(dump_model(one)).predict(ROWS) == one.predict(ROWS)).all()


def test_no_time_and_no_address_is_in_the_bytes():
    with ZipFile(io.BytesIO(dump_model(fitted(LinearRegression())))) as archive:
        entries = archive.infolist()
        schema = json.loads(archive.read("schema.json"))
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert [entry.filename for entry in entries][1:] == [f"{i}.npy" for i in range(len(entries) - 1)]
    assert schema["__id__"] == 0


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (Unknown().fit(ROWS, ROWS[:, 0]), "Unknown"),
        (FunctionTransformer(partial(np.add, 1)), "functools.partial"),
        (Pipeline([("run", FunctionTransformer(exec))]), "builtins.exec"),
    ],
)
def test_a_type_that_is_not_on_the_list_is_refused_by_name(model, named):
    # given a file that names one
    content = skops.io.dumps(model)
    # then it is not loaded
    with pytest.raises(DataError, match=named) as error:
        load_model(content)
    assert error.value.reason == "ModelTypeRefused"
    # and none is made
    with pytest.raises(SpecError, match=named) as refusal:
        dump_model(model)
    assert refusal.value.reason == "ModelTypeRefused"


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"not a zip archive"])
def test_what_is_no_model_file_is_told(content):
    with pytest.raises(DataError, match="the model file cannot be read") as error:
        load_model(content)
    assert error.value.reason == "ArtifactInvalid"


def test_a_file_with_a_part_missing_is_told():
    # given a model file from which an array was taken
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(dump_model(fitted(LinearRegression())))) as whole, ZipFile(buffer, "w") as part:
        for name in whole.namelist():
            if name != "0.npy":
                part.writestr(name, whole.read(name))
    with pytest.raises(DataError, match="the model file cannot be read"):
        load_model(buffer.getvalue())
