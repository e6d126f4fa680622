"""Every spec that is accepted makes a model, or ends with a documented reason; and what is served is what was trained."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evermodel.artifact.frame import frame_from_rows
from evermodel.artifact.model import answer, load_artifact
from evermodel.training.rules import broken_rules
from evermodel_api.reasons import Reason
from evermodel_api.training import TrainingSpec
from tests.unit.evermodel.bench import run, save, train_as_pod

ROWS = 90
CLASSIFIERS = [
    "LogisticRegression",
    "DecisionTreeClassifier",
    "GaussianNB",
    "LinearSVC",
    "KNeighborsClassifier",
    "Perceptron",
]
REGRESSORS = ["Ridge", "DecisionTreeRegressor", "KNeighborsRegressor", "SVR", "HuberRegressor"]


def rows() -> pd.DataFrame:
    generator = np.random.default_rng(4)
    frame = pd.DataFrame(
        {"a": generator.normal(size=ROWS), "b": generator.normal(size=ROWS), "k": generator.integers(0, 4, ROWS)}
    )
    frame.loc[::9, "b"] = np.nan
    frame["c"] = np.where(generator.random(ROWS) < 0.4, "left", np.where(generator.random(ROWS) < 0.5, "right", None))
    frame["at"] = pd.date_range("2026-01-01", periods=ROWS, freq="5h", tz="UTC").astype(str)
    frame["site"] = [f"s{number % 12}" for number in range(ROWS)]
    frame["y"] = 2 * frame["a"] + frame["k"] + generator.normal(size=ROWS)
    return frame.assign(ill=np.where(frame["y"] > frame["y"].median(), "yes", "no"))


IMPUTE = [{"SimpleImputer": {"strategy": "median"}}]
NUMBERS = st.sampled_from([
    IMPUTE,
    [*IMPUTE, {"StandardScaler": {}}],
    [{"KNNImputer": {"n_neighbors": 3}}, {"PolynomialFeatures": {"degree": 2}}],
    [*IMPUTE, {"QuantileTransformer": {"n_quantiles": 20}}, {"PCA": {"n_components": 2}}],
    [{"StandardScaler": {}}],  # leaves gaps, which some estimators refuse
    [*IMPUTE, {"KBinsDiscretizer": {"n_bins": 4, "quantile_method": "averaged_inverted_cdf"}}],
])  # fmt: skip
CATEGORIES = st.sampled_from([
    [{"OneHotEncoder": {"handle_unknown": "ignore"}}],
    [{"OrdinalEncoder": {}}],
    [{"OneHotEncoder": {"handle_unknown": "error"}}],
])  # fmt: skip
PREPARE = st.lists(
    st.sampled_from([
        {"ratio": {"out": "r", "of": ["a", "b"]}},
        {"log": {"out": "l", "of": "k"}},
        {"isMissing": {"out": "m", "of": "b"}},
        {"dateParts": {"of": "at", "parts": ["month", "weekday"]}},
    ]),
    max_size=3,
    unique_by=lambda step: next(iter(step)),
)  # fmt: skip


@st.composite
def specs(draw):
    task = draw(st.sampled_from(["Classification", "Regression"]))
    classifies = task == "Classification"
    target, other = ("ill", "y") if classifies else ("y", "ill")
    split = draw(
        st.sampled_from([{}, {"kind": "Random"}, {"kind": "Group", "by": "site"}, {"kind": "Time", "by": "at"}])
    )
    estimators = draw(
        st.lists(st.sampled_from(CLASSIFIERS if classifies else REGRESSORS), min_size=1, max_size=2, unique=True)
    )
    cleaning = [{"dropMissing": {"columns": ["c"]}}, {"dedupe": {"keys": ["a", "b"], "by": "at"}}]
    made = [{"augment": {"method": "jitter", "columns": ["a"]}}]
    if classifies:
        made.append({"augment": {"method": "oversample"}})
    pipeline = {
        "prepare": draw(PREPARE),
        "columns": [
            {"name": "numbers", "select": {"type": "number"}, "steps": draw(NUMBERS)},
            {"name": "categories", "select": {"columns": ["c"]}, "steps": draw(CATEGORIES)},
        ],
        **draw(st.sampled_from([{}, {"select": {"SelectKBest": {"k": 3}}}, {"select": {"VarianceThreshold": {}}}])),
        **(draw(st.sampled_from([{}, {"resample": {"RandomUnderSampler": {}}}])) if classifies else {}),
    }
    validation = {"cv": {"folds": 3}}
    if classifies:
        validation |= draw(st.sampled_from([{}, {"threshold": {"metric": "f1"}}, {"calibration": {"folds": 3}}]))
        validation |= draw(st.sampled_from([{}, {"slices": [{"by": "c", "minRows": 3}]}]))
    metric = "accuracy" if classifies else "r2"
    return {
        "task": task,
        "target": target,
        "data": {
            "sources": [{"name": "rows", "file": {"uri": "rows.parquet"}}],
            "exclude": [other, *(["site"] if split.get("by") != "site" else [])],
            "rows": draw(st.lists(st.sampled_from([*cleaning, *made]), max_size=2, unique_by=str)),
            "split": split,
        },
        "pipeline": pipeline,
        "algorithms": [{"name": f"a{i}", "estimator": name} for i, name in enumerate(estimators)],
        "validation": validation,
        "gates": draw(st.sampled_from([[], [{"metric": metric, "min": 0.99}], [{"metric": "size_mb", "max": 100}]])),
        "register": {"formats": draw(st.sampled_from([["skops"], ["skops", "onnx"]]))},
        "run": {"seed": draw(st.integers(0, 3))},
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return save(rows(), tmp_path_factory.mktemp("rows") / "rows.parquet")


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(document=specs())
def test_an_accepted_spec_trains_or_says_why_not(document, data, tmp_path_factory):
    # given a spec that the API server would take
    document["data"]["sources"][0]["file"]["uri"] = str(data)
    accepted = TrainingSpec.model_validate(document)
    assert list(broken_rules(accepted)) == []
    folder = tmp_path_factory.mktemp("run")
    # when a pod runs it
    ran, outcome = train_as_pod(folder, document)
    # then there is a model, or a documented reason and one sentence
    if ran.code != 0:
        assert ran.code in {3, 4}, ran.err
        assert outcome["reason"] in {str(reason) for reason in Reason}
        assert outcome["reason"] != "Crashed"
        return
    assert outcome["outcome"] in {"Succeeded", "Refused"}
    # and the model, loaded from the store, answers its golden rows, unseen levels and missing values
    loaded = load_artifact(outcome["artifact"]["uri"], outcome["artifact"]["digest"])
    _, expected = answer(loaded.model, loaded.signature, frame_from_rows(loaded.signature, loaded.golden.rows))
    if expected is not None:
        np.testing.assert_allclose(expected, loaded.golden.probabilities, atol=1e-9)
    again = json.loads((folder / "store" / "runs" / "m" / "1" / "ledger.json").read_text())
    assert again["outcome"] == outcome["outcome"]


def test_a_served_model_answers_every_kind_of_row_as_the_training_did(data, tmp_path: Path):
    # given a model with every kind of column and of step
    document = {
        "target": "ill",
        "data": {"sources": [{"name": "rows", "file": {"uri": str(data)}}], "exclude": ["y", "site"]},
        "pipeline": {
            "prepare": [{"ratio": {"out": "r", "of": ["a", "b"]}}, {"dateParts": {"of": "at", "parts": ["weekday"]}}],
            "columns": [
                {"name": "n", "select": {"type": "number"}, "steps": [*IMPUTE, {"StandardScaler": {}}]},
                {"name": "c", "select": {"columns": ["c"]}, "steps": [{"OneHotEncoder": {"handle_unknown": "ignore"}}]},
            ],
        },
        "algorithms": [{"name": "only", "estimator": "HistGradientBoostingClassifier", "params": {"max_iter": 20}}],
    }
    spec = {
        "apiVersion": "evermodel.dev/v1alpha1",
        "kind": "ModelTraining",
        "metadata": {"name": "m"},
        "spec": document,
    }
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(spec))
    seen: dict = {}

    def watch(monkey):
        from evermodel.training import documents

        real = documents.artifact_contents

        def kept(spec, made):
            seen["winner"], seen["signature"] = made.winner.model, made.winner.signature
            return real(spec, made)

        monkey.setattr("evermodel.training.run.artifact_contents", kept)

    with pytest.MonkeyPatch.context() as monkey:
        watch(monkey)
        ran = run("train", "-f", str(tmp_path / "m.yaml"), "--store", str(tmp_path / "store"), "--json")
    assert ran.code == 0, ran.err
    loaded = load_artifact(ran.document["artifact"], ran.document["digest"])
    # when rows come with missing values, levels that were never seen, other types and dates of all forms
    names = loaded.signature.names
    row = {"a": 0.5, "b": 1.0, "k": 2, "c": "left", "at": "2026-02-03T04:05:06Z"}
    variants = [
        row, {**row, "b": None}, {**row, "c": None}, {**row, "c": "never seen"}, {**row, "k": 2.0}, {**row, "c": 7},
        {**row, "at": None}, {**row, "at": "2026-02-03"}, {**row, "a": -1e12}, {**row, "b": 0}, {**row, "a": True},
    ]  # fmt: skip
    frame = frame_from_rows(loaded.signature, [[variant[name] for name in names] for variant in variants])
    # then the loaded model answers as the one in the training's process
    served = answer(loaded.model, loaded.signature, frame)
    trained = answer(seen["winner"], seen["signature"], frame)
    np.testing.assert_allclose(served[1], trained[1], atol=1e-9)
    np.testing.assert_array_equal(served[0], trained[0])
