"""The worked examples of the API, through the command: what it prints, and what its models answer."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from evermodel.artifact.model import frame_from_rows, load_artifact, predict
from evermodel.artifact.records import find_version
from tests.unit.evermodel.bench import check_store, save, spec_of, train

HEART = Path(__file__).parents[3] / "manifests" / "examples" / "heart"
CONTRACT = {"run", "version", "digest", "dataDigest", "algorithm", "metrics", "gates", "passed", "artifact", "seconds"}


def answers(folder, version, rows):
    found = find_version(str(folder / "store"), version)
    loaded = load_artifact(found.uri, found.digest)
    return predict(loaded, frame_from_rows(loaded.signature, rows)), loaded


def heart_spec(estimator, params=None, gates=None):
    spec = yaml.safe_load((HEART / "training.yaml").read_text())["spec"]
    spec["algorithms"] = [{"name": "only", "estimator": estimator, "params": params or {}}]
    spec["gates"] = gates if gates is not None else spec["gates"]
    return spec


def test_a_line_gives_104_at_50(tmp_path):
    # given points of y = 2x + 4
    x = np.arange(-20.0, 21.0)
    data = save(pd.DataFrame({"x": x, "y": 2 * x + 4}), tmp_path / "line.csv")
    # when a LinearRegression is trained on them
    ran = train(tmp_path, spec_of(data), name="line")
    # then the document has the contract's keys, and the model answers
    assert (ran.code, ran.err) == (0, "")
    assert set(ran.document) >= CONTRACT
    assert (ran.document["run"], ran.document["version"], ran.document["passed"]) == ("1", "line-1", True)
    assert ran.document["artifact"].endswith(ran.document["digest"].removeprefix("sha256:"))
    predictions, loaded = answers(tmp_path, "line-1", [[50]])
    assert predictions.labels == [pytest.approx(104, abs=1e-9)]
    assert loaded.manifest.digest == ran.document["digest"]
    check_store(tmp_path)


def test_a_rent_from_nine_features_by_position(tmp_path):
    # given flats with a rent
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "area": generator.integers(20, 200, 150),
            "construction_year": generator.integers(1900, 2024, 150),
            "bedrooms": generator.integers(1, 5, 150),
            "garden": generator.integers(0, 30, 150),
            **{
                name: generator.integers(0, 2, 150) for name in ("balcony", "parking", "furnished", "garage", "storage")
            },
        }
    )
    data = save(frame.assign(rent=frame["area"] * 12 + frame["balcony"] * 60 + frame["garden"] * 5), tmp_path / "r.csv")
    spec = spec_of(data, "RandomForestRegressor", target="rent", params={"n_estimators": 100, "random_state": 0})
    # when it is trained
    ran = train(tmp_path, spec, name="rent")
    # then the row is answered with something between the rents that there are
    assert ran.code == 0
    predictions, _ = answers(tmp_path, "rent-1", [[85, 2015, 2, 10, 1, 1, 0, 0, 1]])
    assert 800 < predictions.labels[0] < 1400


@pytest.mark.parametrize(
    ("name", "estimator", "params"),
    [("kneighbors_heart", "KNeighborsClassifier", {"n_neighbors": 15}), ("xgboost_heart", "XGBClassifier", {})],
)
def test_two_heart_models_from_the_example_itself(tmp_path, name, estimator, params):
    # given the example's training with its source swapped for the file
    ran = train(tmp_path, heart_spec(estimator, params), "--set-source", f"patients={HEART / 'heart.csv'}", name=name)
    # then its gates hold and it answers a patient, with missing values and levels that it never saw too
    assert (ran.code, ran.err) == (0, "")
    assert ran.document["passed"] is True
    assert ran.document["metrics"]["roc_auc"] > 0.8
    assert [(g["metric"], g["passed"]) for g in ran.document["gates"]] == [("roc_auc", True), ("roc_auc", True)]
    patient = [63, "male", "typical", 145, 233, "yes", "hypertrophy", 150, "no", 2.3, "down", 0, "fixed_defect"]
    odd = [None, None, "never seen", None, 233, True, 7, 150, "no", 2.3, "down", None, "fixed_defect"]
    predictions, _ = answers(tmp_path, f"{name}-1", [patient, odd])
    assert set(predictions.labels) <= {0, 1}
    assert predictions.probabilities.sum(axis=1) == pytest.approx([1, 1])


def test_a_refusing_gate_is_no_error(tmp_path):
    # given a gate that no model passes
    spec = heart_spec("KNeighborsClassifier", gates=[{"metric": "accuracy", "min": 1.0}])
    # when it is trained
    ran = train(tmp_path, spec, "--set-source", f"patients={HEART / 'heart.csv'}", name="heart")
    # then the document says so, and the version is kept with its numbers
    assert (ran.code, ran.err) == (0, "")
    assert ran.document["passed"] is False
    gate = ran.document["gates"][0]
    assert (gate["metric"], gate["limit"], gate["passed"]) == ("accuracy", 1.0, False)
    assert gate["value"] == pytest.approx(ran.document["metrics"]["accuracy"], abs=5e-5)
    assert "accuracy min does not hold" in ran.document["message"]
    check_store(tmp_path)


def test_the_second_run_meets_the_champion(tmp_path):
    # given a champion, and a training that asks to be no worse
    source = ("--set-source", f"patients={HEART / 'heart.csv'}")
    gate = {"metric": "roc_auc", "versus": "champion", "rule": "NotWorse"}
    first = train(tmp_path, heart_spec("XGBClassifier", gates=[gate]), *source, name="heart")
    # when an equal model and then a much worse one meet it
    equal = train(tmp_path, heart_spec("XGBClassifier", gates=[gate]), *source, name="heart")
    params = {"max_depth": 1, "max_features": 1, "min_samples_leaf": 100}
    worse = train(tmp_path, heart_spec("DecisionTreeClassifier", params, [gate]), *source, name="heart")
    # then the first had nobody to meet, the second is the same model, and the third is refused by name
    assert (first.document["passed"], first.document["gates"][0]["champion"]) == (True, None)
    assert (equal.document["passed"], equal.document["version"]) == (True, "heart-2")
    assert equal.document["gates"][0]["champion"] == equal.document["gates"][0]["value"]
    assert equal.document["digest"] == first.document["digest"]
    assert worse.document["passed"] is False
    assert "the champion heart-2" in worse.document["message"]
    check_store(tmp_path)


def test_the_better_of_two_algorithms_is_chosen_by_cross_validation(tmp_path):
    spec = yaml.safe_load((HEART / "training.yaml").read_text())["spec"]
    spec["algorithms"].append({"name": "guess", "estimator": "DecisionTreeClassifier", "params": {"max_depth": 1}})
    ran = train(tmp_path, spec, "--set-source", f"patients={HEART / 'heart.csv'}", name="heart")
    assert ran.code == 0
    _, loaded = answers(tmp_path, "heart-1", [[None] * 13])
    candidates = {each["name"]: each["crossValidation"]["roc_auc"] for each in loaded.evaluation["candidates"]}
    assert set(candidates) == {"kneighbors", "xgboost", "guess"}
    assert ran.document["algorithm"] == max(candidates, key=candidates.get)
