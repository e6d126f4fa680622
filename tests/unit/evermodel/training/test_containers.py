"""A user's own image fits: it finds one directory for each fit, and what it leaves is measured like any other model."""

import json
import sys

import pandas as pd
import pytest

from tests.unit.evermodel.bench import classes, manifest_of, run, save, spec_of

FIT = """
import json, os, pathlib, sys
import pandas as pd, skops.io
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

for fit in sorted(pathlib.Path(os.environ["EVERMODEL_FITS"]).iterdir()):
    task = json.loads((fit / "fit.json").read_text())
    rows = pd.read_parquet(fit / "rows.parquet")
    truth = rows.pop(task["target"]).astype(int)
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["c"]), remainder="passthrough")
    model = make_pipeline(encode, DecisionTreeClassifier(random_state=task["seed"], **task["params"]))
    skops.io.dump(model.fit(rows, truth), fit / "model.skops")
    if "only-some" in sys.argv and fit.name == "0":
        (fit / "model.skops").unlink()
"""


@pytest.fixture
def trained(tmp_path):
    """Trains with a container beside a dummy; says what the command printed."""
    (tmp_path / "fit.py").write_text(FIT)
    data = save(classes(120), tmp_path / "rows.csv")

    def train(*words: str, algorithms=None, command=None):
        spec = spec_of(data, "DummyClassifier")
        own = {"name": "ours", "container": {"image": "clinic/fit:3"}, "params": {"max_depth": 3}}
        spec["algorithms"] = algorithms or [own, {"name": "dummy", "estimator": "DummyClassifier"}]
        (tmp_path / "m.yaml").write_text(manifest_of(spec))
        command = command or f"{sys.executable} {tmp_path / 'fit.py'} {' '.join(words)}"
        store = str(tmp_path / "store")
        options = ["-f", str(tmp_path / "m.yaml"), "--store", store, "--json", "--run-container", f"ours={command}"]
        return run("train", *options)

    return train


def test_what_a_container_fits_is_compared_judged_and_kept(trained, tmp_path):
    ran = trained()
    assert ran.code == 0, ran.err
    assert ran.document["algorithm"] == "ours"
    assert ran.document["metrics"]["roc_auc"] > 0.7
    ledger = json.loads((tmp_path / "store" / "runs" / "m" / "1" / "ledger.json").read_text())
    assert ledger["estimator"] == "container"
    assert {trial["algorithm"]: trial["estimator"] for trial in ledger["trials"]} == {
        "ours": "clinic/fit:3",
        "dummy": "DummyClassifier",
    }
    assert [len(trial["folds"]) for trial in ledger["trials"]] == [5, 5]


def test_a_fit_without_a_model_is_told(trained):
    ran = trained("only-some")
    assert ran.code == 3
    assert "left no model.skops or model.onnx for the fit '0'" in ran.sentence


def test_a_command_that_fails_is_told(trained):
    ran = trained(command="false")
    assert ran.code == 3
    assert "the command of ours ended with 1" in ran.sentence


def test_a_container_without_a_command_is_told(trained):
    own = [{"name": name, "container": {"image": "clinic/fit:3"}} for name in ("ours", "theirs")]
    ran = trained(algorithms=own)
    assert ran.code == 4
    assert "--run-container has to name a command for each of them; look at 'theirs'" in ran.sentence


def test_the_rows_of_a_fold_are_not_those_it_is_measured_on(tmp_path, trained):
    look = tmp_path / "look.py"
    copy = tmp_path / "seen"
    look.write_text(f"import os, shutil; shutil.copytree(os.environ['EVERMODEL_FITS'], {str(copy)!r})\n" + FIT)
    assert trained(command=f"{sys.executable} {look}").code == 0
    sizes = {fit.name: len(pd.read_parquet(fit / "rows.parquet")) for fit in copy.iterdir()}
    assert set(sizes) == {"0", "1", "2", "3", "4", "final"}
    assert all(sizes[str(fold)] < sizes["final"] for fold in range(5))
    assert sum(sizes["final"] - sizes[str(fold)] for fold in range(5)) == sizes["final"]
