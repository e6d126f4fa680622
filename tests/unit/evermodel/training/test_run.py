"""Whole runs: the same rows make the same model, and what a run leaves tells everything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.unit.evermodel.bench import classes, manifest_of, run, save, spec_of, train, train_as_pod

ROOT = Path(__file__).parents[4]


def searched(data, **parts):
    spec = spec_of(data, "RandomForestClassifier", **parts)
    forest = {"name": "forest", "estimator": "RandomForestClassifier", "params": {"n_estimators": 8, "n_jobs": 3}}
    forest["search"] = {"max_depth": {"int": {"min": 2, "max": 5}}}
    spec["algorithms"] = [forest, {"name": "knn", "estimator": "KNeighborsClassifier"}]
    spec["tuning"] = {"maxTrials": 5}
    return spec


def ledger(folder, number=1):
    return json.loads((folder / "store" / "runs" / "m" / str(number) / "ledger.json").read_text())


def test_the_order_of_rows_the_hash_seed_and_the_number_of_threads_change_nothing(tmp_path):
    digests = set()
    for number, (seed, threads) in enumerate([("0", "1"), ("7", "4")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        frame = classes(150).sample(frac=1, random_state=number)
        (folder / "m.yaml").write_text(manifest_of(searched(save(frame, folder / "rows.csv"))))
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-m", "evermodel", "train", "-f", str(folder / "m.yaml"), "--json"]
        done = subprocess.run(
            [*command, "--store", str(folder / "store")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        digests.add((document["digest"], document["dataDigest"]))
    assert len(digests) == 1


def test_one_changed_cell_is_another_model(tmp_path):
    frame = classes(80)
    first = train(tmp_path, spec_of(save(frame, tmp_path / "rows.csv"), "DecisionTreeClassifier")).document
    frame.loc[0, "a"] += 1e-9
    second = train(tmp_path, spec_of(save(frame, tmp_path / "rows.csv"), "DecisionTreeClassifier")).document
    assert first["dataDigest"] != second["dataDigest"]
    one, other = ledger(tmp_path), ledger(tmp_path, 2)
    changed = {
        name for name in one["data"]["columns"] if one["data"]["columns"][name] != other["data"]["columns"][name]
    }
    assert changed == {"a"}


def test_a_run_of_unchanged_data_spec_and_image_is_skipped_only_where_the_spec_says_so(tmp_path):
    data = save(classes(80), tmp_path / "rows.csv")
    skips = spec_of(data, "DecisionTreeClassifier", triggers={"skipIfUnchanged": True})
    assert train(tmp_path, skips).document["outcome"] == "Succeeded"
    second = train(tmp_path, skips).document
    assert (second["outcome"], second["artifact"], second["passed"]) == ("Skipped", None, False)
    assert ledger(tmp_path, 2)["outcome"] == "Skipped"
    # what decides nothing of the model does not count as a change
    other = spec_of(data, "DecisionTreeClassifier", triggers={"skipIfUnchanged": True}, register={"keep": 3})
    assert train(tmp_path, other).document["outcome"] == "Skipped"
    assert train(tmp_path, spec_of(data, "DecisionTreeClassifier")).document["outcome"] == "Succeeded"
    seeded = spec_of(data, "DecisionTreeClassifier", triggers={"skipIfUnchanged": True}, run={"seed": 9})
    assert train(tmp_path, seeded).document["outcome"] == "Succeeded"


def test_what_a_library_warned_of_is_in_the_ledger(tmp_path):
    spec = searched(save(classes(80), tmp_path / "rows.csv"))
    spec["algorithms"][1] = {"name": "mlp", "estimator": "MLPClassifier", "params": {"max_iter": 2}}
    assert train(tmp_path, spec).code == 0
    notes = [note for trial in ledger(tmp_path)["trials"] if trial["algorithm"] == "mlp" for note in trial["notes"]]
    assert any("Maximum iterations (2) reached" in note for note in notes)


def test_wrong_rows_can_be_downloaded(tmp_path):
    frame = classes(80)
    frame.loc[3, "a"] = 900.0
    schema = {"columns": {"a": {"type": "number", "max": 100}}, "onFail": {"maxRatio": 0.05}}
    spec = spec_of(save(frame, tmp_path / "rows.csv"), "DecisionTreeClassifier")
    spec["data"]["schema"] = schema
    assert train(tmp_path, spec).document["quarantined"] == 1
    target = tmp_path / "wrong.csv"
    ran = run("runs", "show", "m-1", "--store", str(tmp_path / "store"), "--quarantine", str(target))
    assert ran.code == 0, ran.err
    assert pd.read_csv(target)["_wrong"].tolist() == ["a: 900 is above 100"]


@pytest.mark.parametrize("formats", [["pickle"], ["skops", "pickle"]])
def test_a_pickle_needs_the_admin(tmp_path, formats):
    spec = spec_of(save(classes(80), tmp_path / "rows.csv"), "DecisionTreeClassifier", register={"formats": formats})
    ran, outcome = train_as_pod(tmp_path, spec)
    assert (ran.code, outcome["reason"]) == (4, "PickleRefused")
    assert "artifacts.allowPickle" in ran.sentence


def test_a_threshold_is_served(tmp_path):
    parts = {"validation": {"threshold": {"metric": "recall", "minPrecision": 0.3}, "cv": {"folds": 3}}}
    data = save(classes(120), tmp_path / "rows.csv")
    ran = train(tmp_path, spec_of(data, "LogisticRegression", **parts))
    assert ran.code == 0, ran.err
    threshold = ledger(tmp_path)["threshold"]
    signature = json.loads(next((tmp_path / "store").glob("artifacts/*/signature.json")).read_text())
    assert signature["threshold"] == threshold


def test_a_version_is_made_again_to_the_bit_and_says_why_it_cannot_be(tmp_path):
    data = save(classes(120), tmp_path / "rows.csv")
    assert train(tmp_path, searched(data)).code == 0
    data.unlink()  # the source is not asked again
    store = str(tmp_path / "store")
    again = run("reproduce", "m-1", "--store", store, "--json").document
    assert (again["outcome"], again["difference"]) == ("Identical", 0.0)
    # given a snapshot that is gone
    next((tmp_path / "store" / "snapshots").iterdir()).unlink()
    gone = run("reproduce", "m-1", "--store", store, "--json").document
    assert gone["outcome"] == "Impossible"
    assert "are not in the store any more" in gone["message"]


def test_a_version_whose_rows_were_not_kept_cannot_be_made_again(tmp_path):
    data = save(classes(80), tmp_path / "rows.csv")
    assert train(tmp_path, spec_of(data, "DecisionTreeClassifier", register={"snapshot": False})).code == 0
    assert not (tmp_path / "store" / "snapshots").exists()
    again = run("reproduce", "m-1", "--store", str(tmp_path / "store"), "--json").document
    assert again["outcome"] == "Impossible"
    assert "register.snapshot: false" in again["message"]


def test_a_model_made_by_other_libraries_is_told_with_the_difference(tmp_path, monkeypatch):
    data = save(classes(120), tmp_path / "rows.csv")
    assert train(tmp_path, spec_of(data, "DecisionTreeClassifier")).code == 0
    real = json.loads(next((tmp_path / "store").glob("artifacts/*/environment.json")).read_text())
    libraries = {**real["libraries"], "numpy": "9.9.9"}
    for module in ("documents", "reproduce"):
        monkeypatch.setattr(f"evermodel.training.{module}.environment", lambda: {**real, "libraries": libraries})
    again = run("reproduce", "m-1", "--store", str(tmp_path / "store"), "--json").document
    assert (again["outcome"], again["difference"]) == ("WithinTolerance", 0.0)
    assert f"Libraries differ: numpy {real['libraries']['numpy']} then, 9.9.9 now." in again["message"]
