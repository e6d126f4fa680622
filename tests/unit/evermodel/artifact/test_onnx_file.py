"""The ONNX form answers as scikit-learn does, has no accidents in its bytes, and is refused where it would differ."""

import hashlib
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from evermodel.artifact.build import column_signature
from evermodel.artifact.frame import estimator_frame, frame_from_rows
from evermodel.artifact.model import answer
from evermodel.artifact.onnx_file import PARITY, export_onnx, load_onnx, parity
from evermodel.artifact.prepare import Prepare
from evermodel.artifact.random_rows import random_rows
from evermodel.artifact.signature import Signature
from evermodel.errors import DataError
from evermodel.training.classes import make_estimator, make_selector, make_transformer, with_probabilities
from evermodel_api.training import Task

ROOT = Path(__file__).parents[4]
generator = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "a": np.where(generator.random(240) < 0.15, np.nan, generator.normal(size=240)),
        "b b": generator.normal(size=240) * 10,
        "c": generator.integers(0, 5, 240).astype(float),
        "d": generator.choice(list("xyz"), 240).astype(object),
        "e": generator.choice(list("pqrstu"), 240).astype(object),
    }
)
FRAME.loc[::11, "e"] = None
TARGET = FRAME["b b"].to_numpy() / 10 + FRAME["c"].to_numpy() + (FRAME["d"] == "x").to_numpy()
CLASSES = (TARGET > 2).astype(int) + (TARGET > 4)
PREPARE = [
    {"ratio": {"out": "r", "of": ["b b", "c"]}},
    {"log": {"out": "l", "of": "b b"}},
    {"difference": {"out": "f", "of": ["l", "c"]}},
    {"isMissing": {"out": "m", "of": "e"}},
    {"isMissing": {"out": "n", "of": "a"}},
]
KINDS = ("Classifier", "Regressor")
QUICK = {
    **{f"{name}{kind}": {"n_estimators": 8} for name in ("XGB", "LGBM", "RandomForest") for kind in KINDS},
    **{f"HistGradientBoosting{kind}": {"max_iter": 8} for kind in KINDS},
    **{f"MLP{kind}": {"max_iter": 8, "hidden_layer_sizes": [8]} for kind in KINDS},
}
ESTIMATORS = [
    *("LogisticRegression", "LinearSVC", "SVC", "KNeighborsClassifier", "GaussianNB", "GradientBoostingClassifier"),
    *("Ridge", "SVR", "DecisionTreeRegressor", "KNeighborsRegressor", "PoissonRegressor", "GaussianProcessRegressor"),
    *QUICK,
]


def signature_of(task, **parts):
    columns = [
        column_signature(name, "number", "INT64" if name == "c" else "FP64", FRAME[name].to_numpy())
        if name in {"a", "b b", "c"}
        else column_signature(name, "category", "BYTES", FRAME[name].to_numpy())
        for name in FRAME
    ]
    classes = ["low", "middle", "high"] if task is Task.CLASSIFICATION else []
    return Signature(**{"task": task, "target": "y", "columns": columns, "classes": classes, **parts})


def steps_of(steps):
    return Pipeline([(str(i), make_transformer(name, params, 0, name)) for i, (name, params) in enumerate(steps)])


def fit(name, params=None, *, numbers=None, texts=None, select=None):
    """A fitted pipeline of all kinds of steps with its signature."""
    task = Task.REGRESSION if name.endswith(("Regressor", "Ridge", "SVR")) else Task.CLASSIFICATION
    estimator = make_estimator(name, QUICK.get(name, {}) if params is None else params, task, 0, name)
    if task is Task.CLASSIFICATION:
        estimator = with_probabilities(estimator)
    numbers = numbers or [("SimpleImputer", {"strategy": "median", "add_indicator": True}), ("StandardScaler", {})]
    texts = texts or [("OneHotEncoder", {"max_categories": 4})]
    branches = [
        ("numbers", steps_of(numbers), ["a", "b b", "c", "r", "l", "f", "m", "n"]),
        ("texts", steps_of(texts), ["d", "e"]),
    ]
    selecting = [("select", make_selector(*select, task, 0, "select"))] if select else []
    columns = ColumnTransformer(branches, sparse_threshold=0.0)
    pipeline = Pipeline([("prepare", Prepare(PREPARE)), ("columns", columns), *selecting, ("estimator", estimator)])
    signature = signature_of(task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth = CLASSES if task is Task.CLASSIFICATION else np.abs(TARGET)
        pipeline.fit(estimator_frame(signature, FRAME), truth)
    return pipeline, signature


@pytest.fixture(autouse=True)
def quiet():
    """Encoders warn of levels that they never saw, which is what is asked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", ESTIMATORS)
def test_both_forms_answer_alike(name):
    model, signature = fit(name)
    exported = export_onnx(model, signature, FRAME)
    assert exported.content is not None, exported.refusal
    assert parity(exported.content, model, signature, FRAME) <= PARITY


PREPARATIONS = [
    {"texts": [("SimpleImputer", {"strategy": "most_frequent"}), ("OneHotEncoder", {"drop": "first"})]},
    {"texts": [("SimpleImputer", {"strategy": "most_frequent"}), ("OrdinalEncoder", {}), ("StandardScaler", {})]},
    {"texts": [("TargetEncoder", {"cv": 3}), ("PolynomialFeatures", {})]},
    {
        "texts": [
            ("SimpleImputer", {"strategy": "constant", "fill_value": "none"}),
            ("OneHotEncoder", {"min_frequency": 30}),
        ]
    },
    {"numbers": [("SimpleImputer", {"strategy": "mean"}), ("RobustScaler", {})]},
    {"numbers": [("SimpleImputer", {"strategy": "constant", "fill_value": -1}), ("PCA", {"n_components": 3})]},
    {"numbers": [("MissingIndicator", {"features": "all"})]},
    {"numbers": [("SimpleImputer", {}), ("MinMaxScaler", {}), ("PolynomialFeatures", {})]},
    {"select": ("SelectKBest", {"k": 5, "score_func": "mutual_info_classif"})},
    {"select": ("RFE", {"n_features_to_select": 4})},
    {"select": ("SelectFromModel", {"estimator": {"LinearSVC": {"penalty": "l1", "dual": False}}})},
]


@pytest.mark.parametrize("parts", PREPARATIONS, ids=str)
def test_steps_before_the_estimator_answer_alike(parts):
    model, signature = fit("LogisticRegression", {}, **parts)
    exported = export_onnx(model, signature, FRAME)
    assert exported.content is not None, exported.refusal
    assert parity(exported.content, model, signature, FRAME) < PARITY / 10


def test_a_calibrated_pipeline_answers_alike():
    # given what validation.calibration makes: one calibration around the whole pipeline
    pipeline, signature = fit("RandomForestClassifier")
    model = CalibratedClassifierCV(pipeline, cv=3, ensemble=False).fit(estimator_frame(signature, FRAME), CLASSES)
    exported = export_onnx(model, signature, FRAME)
    assert parity(exported.content, model, signature, FRAME) <= PARITY


def test_labels_follow_the_threshold():
    model, signature = fit("LogisticRegression", {})
    signature = signature.model_copy(update={"threshold": 0.9, "classes": ["low", "high"]})
    model.set_params(estimator=make_estimator("LogisticRegression", {}, Task.CLASSIFICATION, 0, "w"))
    model.fit(estimator_frame(signature, FRAME), (CLASSES > 0).astype(int))
    content = export_onnx(model, signature, FRAME).content
    session = load_onnx(content)._session
    labels, probabilities = session.run(None, load_onnx(content)._feeds(estimator_frame(signature, FRAME)))
    assert (labels == (probabilities[:, 1] >= 0.9)).all()
    assert 0 < labels.sum() < (probabilities[:, 1] >= 0.5).sum()


def test_a_difference_is_found():
    # given the form of another model
    model, signature = fit("LogisticRegression", {})
    other, _ = fit("LogisticRegression", {"C": 0.01})
    assert parity(export_onnx(other, signature, FRAME).content, model, signature, FRAME) > PARITY


REFUSED = [
    ("VotingClassifier", {"estimators": [{"a": {"LinearSVC": {}}}]}, {}, "no converter to ONNX knows"),
    ("LogisticRegression", {}, {"texts": [("OneHotEncoder", {"handle_unknown": "error"})]}, "refuses levels"),
    ("LogisticRegression", {}, {"numbers": [("KNNImputer", {})]}, "KNNImputer cannot be converted"),
    ("DummyClassifier", {}, {}, "no converter to ONNX knows DummyClassifier"),
]


@pytest.mark.parametrize(("name", "params", "parts", "why"), REFUSED, ids=lambda value: str(value)[:20])
def test_what_has_no_form_is_refused_with_the_reason(name, params, parts, why):
    model, signature = fit(name, params, **parts)
    exported = export_onnx(model, signature, FRAME)
    assert exported.content is None
    assert why in exported.refusal


def test_dates_are_refused():
    model, signature = fit("Ridge", {})
    dated = signature.columns[3].model_copy(update={"format": "date-time"})
    columns = [*signature.columns[:3], dated, signature.columns[4]]
    exported = export_onnx(model, signature.model_copy(update={"columns": columns}), FRAME)
    assert "it takes dates (d), and ONNX cannot read them" in exported.refusal


PROGRAM = """
import warnings; warnings.simplefilter("ignore")
import hashlib
from tests.unit.evermodel.artifact.test_onnx_file import FRAME, export_onnx, fit
for name in ("LogisticRegression", "RandomForestClassifier", "XGBRegressor", "LGBMRegressor", "KNeighborsClassifier"):
    print(hashlib.sha256(export_onnx(*fit(name), FRAME).content).hexdigest())
"""


def test_equal_models_have_equal_bytes_in_every_process():
    digests = []
    for seed in "12":
        environment = {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": seed, "OMP_WAIT_POLICY": "passive"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        digests.append(done.stdout)
    assert digests[0] == digests[1]
    assert len(set(digests[0].split())) == 5
    # and in this one
    assert hashlib.sha256(export_onnx(*fit("XGBRegressor"), FRAME).content).hexdigest() in digests[0]


def test_random_rows_reach_beyond_what_was_seen():
    rows = random_rows(signature_of(Task.REGRESSION), 400, 1)
    assert list(rows) == list(FRAME)
    assert rows["a"].min() < FRAME["a"].min()
    assert rows["a"].max() > FRAME["a"].max()
    assert (rows["c"].dropna() % 1 == 0).all()
    assert 20 < rows["e"].isna().sum() < 80
    assert "a level that was never seen" in set(rows["d"])
    pd.testing.assert_frame_equal(rows, random_rows(signature_of(Task.REGRESSION), 400, 1))


def session_of(nodes, inputs, outputs):
    opsets = [helper.make_opsetid("", 18)]
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def test_a_users_own_model_takes_one_table_or_single_columns():
    # given a model that takes all features as one table of single precision, and one that takes its columns by name
    table = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["n", 2])
    total = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])
    columns = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", 1]) for name in "ba"]
    answers = helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", 1])
    models = [
        session_of(
            [
                helper.make_node("Constant", [], ["axes"], value_ints=[1]),
                helper.make_node("ReduceSum", ["X", "axes"], ["y"]),
            ],
            [table],
            [total],
        ),
        session_of([helper.make_node("Sub", ["a", "b"], ["y"])], columns, [answers]),
    ]
    signature = Signature(
        task=Task.REGRESSION,
        target="y",
        columns=[column_signature(name, "number", "FP64", np.array([0.0, 1.0])) for name in "ab"],
    )
    frame = frame_from_rows(signature, [[3, 1], [4, 2], [5, -3]])
    # then both are asked as any other model
    values = [answer(load_onnx(content), signature, frame)[0].tolist() for content in models]
    assert values == [[4, 6, 2], [2, 2, 8]]


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_what_is_no_model_is_told(content):
    with pytest.raises(DataError, match="the ONNX model cannot be used") as error:
        load_onnx(content)
    assert error.value.reason == "ArtifactInvalid"


def test_a_model_with_parts_in_other_files_is_refused():
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret")
    model = onnx.ModelProto(ir_version=9)
    model.graph.initializer.append(tensor)
    with pytest.raises(DataError, match="keeps a part of itself in other files"):
        load_onnx(model.SerializeToString())


def test_a_column_that_is_not_there_is_told():
    inputs = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", 1]) for name in ("a", "weight")]
    outputs = [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", 1])]
    model = load_onnx(session_of([helper.make_node("Add", ["a", "weight"], ["y"])], inputs, outputs))
    with pytest.raises(DataError, match="it takes 'weight', and the columns are a"):
        model.predict(pd.DataFrame({"a": [1.0]}))
