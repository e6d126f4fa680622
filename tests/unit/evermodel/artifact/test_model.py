"""A loaded model answers as the process that trained it did, on every kind of row."""

import numpy as np
import pandas as pd
import pytest

from evermodel.artifact.frame import frame_from_rows, model_frame
from evermodel.artifact.model import answers_of, load_artifact, predict
from evermodel.artifact.store import make_manifest, read_artifact, write_artifact
from evermodel.training import forms
from evermodel.training.progress import Silent
from evermodel.training.run import Run, run_training
from evermodel.training.searching import ALONE
from evermodel_api.runs import TrainingOrder
from tests.unit.evermodel.bench import NOON, numbers, save, spec_of

QUICK = {
    "RandomForestClassifier": {"n_estimators": 5},
    "RandomForestRegressor": {"n_estimators": 5},
    "MLPClassifier": {"hidden_layer_sizes": [5], "max_iter": 10},
    "MLPRegressor": {"hidden_layer_sizes": [5], "max_iter": 10},
    "HistGradientBoostingClassifier": {"max_iter": 5},
    "HistGradientBoostingRegressor": {"max_iter": 5},
    "XGBClassifier": {"n_estimators": 5},
    "XGBRegressor": {"n_estimators": 5},
}
ESTIMATORS = [
    *QUICK,
    "DecisionTreeClassifier", "DecisionTreeRegressor", "KNeighborsClassifier", "KNeighborsRegressor", "LinearRegression",
    "LinearSVC", "LogisticRegression", "LGBMClassifier", "ExtraTreesRegressor",
]  # fmt: skip
ENCODED = {
    "columns": [
        {"name": "numbers", "select": {"type": "number", "exclude": ["grade"]}, "steps": [{"SimpleImputer": {}}]},
        {"name": "words", "select": {"type": "category"}, "steps": [{"OneHotEncoder": {}}]},
        {"name": "codes", "select": {"columns": ["grade"]}, "steps": [{"OneHotEncoder": {"max_categories": 3}}]},
    ]
}
ROWS = [
    # a, b, c, flag, grade
    [0.5, 1, "left", True, 1],
    [None, None, None, None, None],
    [0.5, -2.25, "never seen", False, 99],
    [1e12, 0, "", "true", "2"],
    [0, 0.0, "right", 1, 2.0],
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    frame = numbers(80)
    generator = np.random.default_rng(3)
    frame = frame.assign(flag=generator.random(80) < 0.5, grade=generator.integers(1, 5, 80))
    frame.loc[[3, 30], "a"] = np.nan
    frame["c"] = frame["c"].where(generator.random(80) < 0.9, None)
    frame["class"] = np.where(frame["y"] > 1, 10, np.where(frame["y"] > -1, 20, 30))
    return save(frame, tmp_path_factory.mktemp("data") / "rows.parquet")


def order(data, estimator, store):
    spec = spec_of(data, estimator, params=QUICK.get(estimator, {}), pipeline=ENCODED)
    spec["target"] = "y" if spec["task"] == "Regression" else "class"
    spec["data"]["exclude"] = [{"y": "class", "class": "y"}[spec["target"]]]
    document = {"namespace": "n", "training": "m", "run": 1, "spec": spec, "store": store.as_uri(), "asOf": NOON}
    cause = {"by": "spec", "reason": "Created"}
    return TrainingOrder.model_validate({**document, "specDigest": f"sha256:{0:064}", "cause": cause})


def trained(asked, folder):
    return run_training(Run(asked, folder, Silent(), ALONE))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_loaded_model_answers_as_the_training_process_did(data, tmp_path, monkeypatch, estimator):
    # given the model as it was fitted, before its way through the file
    fitted = []
    real = forms._written
    monkeypatch.setattr(forms, "_written", lambda model, formats: fitted.append(model) or real(model, formats))
    outcome = trained(order(data, estimator, tmp_path / "store"), tmp_path)
    # when it is loaded from the store and asked
    loaded = load_artifact(outcome.artifact.uri, outcome.artifact.digest)
    assert [c.name for c in loaded.signature.columns] == ["a", "b", "c", "flag", "grade"]
    assert [c.kind for c in loaded.signature.columns] == ["number", "number", "category", "category", "category"]
    frame = frame_from_rows(loaded.signature, ROWS)
    served = predict(loaded, frame)
    # then its answers are those of the training's process
    made = answers_of(fitted[0], loaded.signature, frame)
    if loaded.signature.classes:
        assert loaded.signature.classes == [10, 20, 30]
        assert served.labels == made.labels
        assert served.probabilities == pytest.approx(made.probabilities, abs=1e-9)
    else:
        assert served.labels == pytest.approx(made.labels, rel=1e-9, abs=1e-9)
    # and the golden rows are answered as they were when it was made
    golden = predict(loaded, frame_from_rows(loaded.signature, loaded.golden.rows))
    assert golden.labels == (
        loaded.golden.predictions
        if loaded.signature.classes
        else pytest.approx(loaded.golden.predictions, rel=loaded.golden.tolerance, abs=loaded.golden.tolerance)
    )


def test_rows_of_json_and_columns_of_a_source_are_the_same_rows(data, tmp_path):
    # given a model, and rows in the types of a source, of JSON and of CSV
    outcome = trained(order(data, "DecisionTreeRegressor", tmp_path / "store"), tmp_path)
    loaded = load_artifact(outcome.artifact.uri, outcome.artifact.digest)
    raw = pd.read_parquet(data)
    names = loaded.signature.names
    as_json = [[None if pd.isna(v) else v for v in row] for row in raw[names].itertuples(index=False, name=None)]
    raw.to_csv(tmp_path / "rows.csv", index=False)
    frames = [
        model_frame(loaded.signature, raw),
        model_frame(loaded.signature, raw[[*reversed(names)]].astype({"grade": "float64", "flag": object})),
        model_frame(loaded.signature, pd.read_csv(tmp_path / "rows.csv")),
        frame_from_rows(loaded.signature, as_json),
    ]
    # then they are the same cells and have the same answers
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0], check_exact=True)
    assert len({tuple(predict(loaded, frame).labels) for frame in frames}) == 1


def test_an_artifact_is_loaded_from_what_was_verified(data, tmp_path):
    # given an artifact with a file more than a model needs
    outcome = trained(order(data, "LinearRegression", tmp_path / "store"), tmp_path)
    contents = {"notes.txt": b"hello"}
    files = read_artifact(outcome.artifact.uri, outcome.artifact.digest)
    contents |= files.contents
    manifest = make_manifest(files.manifest.task, files.manifest.estimator, contents)
    # then it is read as one
    artifact = write_artifact(str(tmp_path / "other"), manifest, contents)
    assert load_artifact(artifact.uri, artifact.digest).signature.target == "y"
