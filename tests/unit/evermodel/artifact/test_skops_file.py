"""Model files: equal models have equal bytes, and no type is made that is not on the list."""

import importlib
import io
import json
import warnings
from functools import partial
from zipfile import ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from evermodel.artifact import skops_file
from evermodel.artifact.skops_file import dump_model, load_model
from evermodel.errors import DataError, SpecError
from evermodel.training.classes import make_estimator, make_selector, make_transformer, with_probabilities
from evermodel_api.training import Task
from evermodel_api.training.classes import CLASSIFIERS, ESTIMATORS, SELECTORS

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


TRUTH = (ROWS[:, 0] > 0).astype(int) + (ROWS[:, 1] > 0.5)
POSITIVE = np.abs(ROWS[:, 0]) + 0.5
METRICS = ["euclidean", "manhattan", "chebyshev", "minkowski", "canberra", "braycurtis", "hamming"]
VARIANTS = [
    *(("KNeighborsClassifier", {"algorithm": "ball_tree", "metric": metric}) for metric in METRICS),
    ("KNeighborsRegressor", {"algorithm": "kd_tree", "p": 3, "weights": "distance"}),
    *(("SGDClassifier", {"loss": loss}) for loss in ("hinge", "log_loss", "modified_huber", "squared_hinge")),
    *(("SGDRegressor", {"loss": loss}) for loss in ("squared_error", "huber", "epsilon_insensitive")),
    *(("GradientBoostingRegressor", {"n_estimators": 2, "loss": loss}) for loss in ("huber", "quantile")),
    ("GradientBoostingClassifier", {"n_estimators": 2, "init": "zero"}),
    *(
        ("HistGradientBoostingRegressor", {"max_iter": 2, "loss": loss, "quantile": 0.3})
        for loss in ("absolute_error", "gamma", "poisson", "quantile")
    ),
    *(("TweedieRegressor", {"power": power, "link": link}) for power in (0, 1, 1.5, 2) for link in ("log", "identity")),
    *(("MLPRegressor", {"max_iter": 3, "solver": solver}) for solver in ("lbfgs", "sgd", "adam")),
    *(("CalibratedClassifierCV", {"method": method}) for method in ("sigmoid", "isotonic", "temperature")),
    ("CalibratedClassifierCV", {"ensemble": False, "estimator": {"SVC": {"probability": False}}}),
    (
        "TransformedTargetRegressor",
        {"func": "log1p", "inverse_func": "expm1", "regressor": {"LGBMRegressor": {"n_estimators": 2}}},
    ),
    ("TransformedTargetRegressor", {"transformer": {"QuantileTransformer": {"n_quantiles": 9}}}),
    ("BaggingClassifier", {"n_estimators": 2, "estimator": {"XGBClassifier": {"n_estimators": 2}}}),
    ("AdaBoostClassifier", {"n_estimators": 2, "estimator": {"LogisticRegression": {}}}),
    ("SelfTrainingClassifier", {"estimator": {"GaussianNB": {}}}),
    ("XGBRegressor", {"n_estimators": 2, "booster": "dart"}),
    ("XGBRegressor", {"n_estimators": 2, "booster": "gblinear"}),
    ("LGBMRegressor", {"n_estimators": 2, "boosting_type": "dart"}),
    ("RANSACRegressor", {"estimator": {"Ridge": {}}, "min_samples": 10}),
    ("KernelPCA", {"kernel": "rbf", "n_components": 2}),
    ("IterativeImputer", {"estimator": {"RandomForestRegressor": {"n_estimators": 2}}, "max_iter": 2}),
    ("FeatureAgglomeration", {"n_clusters": 2}),
    ("SplineTransformer", {"extrapolation": "linear"}),
    ("KBinsDiscretizer", {"strategy": "kmeans"}),
    ("PowerTransformer", {"method": "yeo-johnson"}),
    ("RFE", {"estimator": {"XGBClassifier": {"n_estimators": 2}}}),
    ("SelectFromModel", {"estimator": {"LinearSVC": {"penalty": "l1", "dual": False}}}),
    ("SelectPercentile", {"score_func": "mutual_info_classif"}),
]


@pytest.mark.parametrize(("name", "params"), VARIANTS, ids=lambda value: str(value).replace(" ", ""))
def test_parameters_of_all_kinds_go_through_the_file(name, params):
    # given a class with parameters that make it hold something else
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name in ESTIMATORS:
            task = Task.CLASSIFICATION if name in CLASSIFIERS else Task.REGRESSION
            model = make_estimator(name, params, task, 0, "w")
            model = with_probabilities(model) if task is Task.CLASSIFICATION else model
            asked = "predict_proba" if task is Task.CLASSIFICATION else "predict"
        else:
            task, asked = Task.CLASSIFICATION, "transform"
            model = (
                make_selector(name, params, task, 0, "w")
                if name in SELECTORS
                else make_transformer(name, params, 0, "w")
            )
        model.fit(ROWS, TRUTH if task is Task.CLASSIFICATION else POSITIVE)
        content = dump_model(model)
        loaded = load_model(content)
        # then it answers alike, and its bytes are those of the loaded one, asked or not
        assert np.array_equal(getattr(loaded, asked)(ROWS), getattr(model, asked)(ROWS), equal_nan=True)
    assert dump_model(loaded) == content


@pytest.mark.parametrize("name", ["RandomForestRegressor", "XGBRegressor", "LGBMRegressor", "KNeighborsRegressor"])
def test_how_many_jobs_fitted_a_model_is_not_in_its_bytes(name):
    few = {} if name.startswith("KN") else {"n_estimators": 3}
    made = []
    for jobs in (1, 3):
        inside = {"estimator": {name: {"n_jobs": jobs, **few}}, "n_estimators": 2, "n_jobs": jobs}
        made.append(make_estimator("BaggingRegressor", inside, Task.REGRESSION, 0, "w").fit(ROWS, POSITIVE))
    assert dump_model(made[0]) == dump_model(made[1])
    assert {model.n_jobs for model in made} == {1}


def test_what_may_be_loaded_is_data_and_estimators():
    """Two functions of arrays are among it, by name; nothing of Python itself, and nothing that runs what it is given."""
    functions = set()
    for name in skops_file._ALLOWED:
        module, _, attribute = name.rpartition(".")
        assert module.split(".")[0] in {"collections", "evermodel", "lightgbm", "numpy", "scipy", "sklearn", "xgboost"}
        if not isinstance(getattr(importlib.import_module(module), attribute), type):
            functions.add(name)
    assert functions == {"numpy.mean", "scipy._lib.array_api_compat.numpy._aliases.asarray"}
