"""`evermodel monitor` as people and pods call it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from evermodel.cli import main
from evermodel_api.runs import MonitorOutcome

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def monitor_file(tmp_path, spec):
    def write(parts=None):
        document = {
            "apiVersion": "evermodel.dev/v1alpha1",
            "kind": "DriftMonitor",
            "metadata": {"name": "heart"},
            "spec": {**spec.dump(), **(parts or {})},
        }
        path = tmp_path / "monitor.yaml"
        path.write_text(yaml.safe_dump(document))
        return str(path)

    return write


@pytest.fixture
def monitor(ward, monitor_file, capsys):
    """Run the command over windows; its JSON document."""

    def run(windows, options=(), parts=None):
        files = [option for window in windows for option in ("--window", str(window))]
        code = main(["monitor", "-f", monitor_file(parts), "--store", str(ward.store), *files, "--json", *options])
        assert code == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def window(tmp_path):
    """Write a frame as a window file."""

    def write(frame, name="window.csv"):
        path = tmp_path / name
        frame.to_parquet(path) if name.endswith(".parquet") else frame.to_csv(path, index=False)
        return path

    return write


@pytest.mark.parametrize("name", ["window.csv", "window.parquet"])
def test_one_window_gives_the_document_of_one_evaluation(monitor, window, make_patients, name):
    document = monitor([window(make_patients(300, seed=3), name)])
    assert document["state"] == "Healthy"
    assert document["window"]["rows"] == 300
    assert [c["column"] for c in document["columns"]] == ["age", "chol", "pulse", "sex"]
    assert {c["test"] for c in document["columns"]} == {"ks", "chi2"}
    assert all({"column", "test", "p", "effect", "drifted"} <= c.keys() for c in document["columns"])
    assert [p["metric"] for p in document["performance"]] == ["accuracy", "roc_auc"]
    assert all({"metric", "value", "reference", "degraded"} <= p.keys() for p in document["performance"])
    assert document["performance"][0]["value"] > 0.6
    assert all({"check", "column", "value", "limit", "passed"} <= q.keys() for q in document["quality"])
    assert document["concept"] == {"detector": None, "drift": False}
    assert (document["decision"]["alert"], document["decision"]["retrain"]) == (False, False)


def test_several_windows_run_the_state_machine(monitor, window, make_patients):
    good = [window(make_patients(300, seed=n), f"good{n}.csv") for n in range(2)]
    bad = [window(make_patients(300, seed=n, older=15.0, sicker=-3.0), f"bad{n}.csv") for n in range(3)]
    document = monitor([*good, *bad])
    assert [w["state"] for w in document["windows"]] == ["Healthy", "Healthy", "Suspect", "Firing", "Firing"]
    assert (document["alerts"], document["retrains"]) == (1, 1)
    assert [w["decision"]["retrain"] for w in document["windows"]] == [False, False, False, True, False]


def test_windows_are_a_schedule_apart(monitor, window, make_patients):
    bad = [window(make_patients(300, seed=n, older=15.0), f"bad{n}.csv") for n in range(3)]
    document = monitor(bad, ["--start", "2026-01-01T00:00:00Z"], {"schedule": {"every": "6h"}})
    assert [w["at"] for w in document["windows"]] == [f"2026-01-01T{h:02}:00:00Z" for h in (0, 6, 12)]
    assert document["retrains"] == 2


def test_labels_of_a_file_are_joined_by_the_id_column(monitor, window, make_patients):
    rows = make_patients(300, seed=3).assign(patient=range(300))
    truth = rows[["patient", "disease"]].sample(frac=0.5, random_state=0)
    wrong = truth.assign(disease=1 - truth["disease"])
    labels = window(pd.concat([wrong, truth]), "labels.csv")
    given = window(rows.drop(columns="disease"))
    document = monitor([given], ["--labels", str(labels), "--id-column", "patient"])
    assert document["window"]["labelCoverage"] == 0.5
    assert document["performance"][0]["value"] > 0.6


def test_a_prediction_column_is_taken_as_the_answers(monitor, window, make_patients):
    rows = make_patients(300, seed=3)
    document = monitor([window(rows.assign(prediction=1 - rows["disease"]))])
    assert document["performance"][0]["value"] == 0.0
    assert document["performance"][1] == {
        **document["performance"][1],
        "metric": "roc_auc",
        "value": None,
        "judged": False,
        "degraded": False,
    }


def test_without_any_truth_performance_is_not_judged(monitor, window, make_patients):
    document = monitor([window(make_patients(300, seed=3).drop(columns="disease"))])
    assert document["window"]["labelCoverage"] == 0.0
    assert [p["judged"] for p in document["performance"]] == [False, False]
    assert document["state"] == "Healthy"


EVERY = ["age", "chol", "pulse", "sex"]
HOSTILE = {
    "all missing": (lambda rows: rows.assign(**dict.fromkeys(EVERY, np.nan)), "Suspect"),
    "one row": (lambda rows: rows.head(1), "Unknown"),
    "no row": (lambda rows: rows.head(0), "Unknown"),
    "text for numbers": (
        lambda rows: rows.assign(age=rows["age"].astype(str).where(rows.index < 5, "old")),
        "Suspect, if asked",
    ),
    "infinities": (lambda rows: rows.assign(age=np.inf, chol=-np.inf), "Suspect"),
    "a level for each row": (
        lambda rows: rows.assign(sex=[f"level-{i}" for i in range(len(rows))]),
        "Suspect, if asked",
    ),
    "missing column": (lambda rows: rows.drop(columns="chol"), "lacks 'chol'"),
    "renamed columns": (lambda rows: rows.rename(columns={"age": "Age"}), "lacks 'age'"),
    "no known column": (lambda rows: rows[["disease"]], "lacks 'age'"),
}
"""Windows as no one should send them, with the state or the error that they lead to."""


@pytest.fixture(params=["csv", "parquet"])
def hostile_window(request, window, make_patients):
    """Write a window as no one should send it."""
    return lambda change: window(change(make_patients(300, seed=3)), f"window.{request.param}")


@pytest.mark.parametrize("limits", ["quality", "no quality"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_windows_end_in_a_state_or_a_sentence(ward, monitor_file, hostile_window, capsys, name, limits):
    change, expected = HOSTILE[name]
    path = str(hostile_window(change))
    parts = {} if limits == "quality" else {"quality": None}
    code = main(["monitor", "-f", monitor_file(parts), "--store", str(ward.store), "--window", path, "--json"])
    out, err = capsys.readouterr()
    if expected.startswith("lacks"):
        assert code == 3
        assert expected in err
        assert len(err.splitlines()) == 1
        return
    assert code == 0
    document = json.loads(out)
    asked = {"quality": "Suspect", "no quality": "Healthy"}[limits]  # one odd column of four is not the data set
    assert document["state"] == expected.replace("Suspect, if asked", asked)
    assert document["decision"]["retrain"] is False


EVERYTHING = {
    "drift": {
        "prediction": {},
        "multivariate": {},
        "columns": {"perColumn": {"chol": {"test": "psi", "bins": "widths"}}},
    },
    "performance": {
        "labels": {"minCoverage": 0.0},
        "metrics": [{"name": "accuracy", "maxDrop": 0.1}],
        "concept": {},
        "estimate": {"allowRetrain": True},
    },
    "quality": {name: {"max": 0.01} for name in ("wrongType", "outOfRange", "newLevels", "duplicates")}
    | {"missing": {"maxDelta": 0.05}, "stale": "1h"},
    "decide": {"fire": {"of": 1, "in": 1}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_windows_never_train_a_model_whatever_is_asked(ward, monitor_file, hostile_window, capsys, name):
    change, expected = HOSTILE[name]
    path = str(hostile_window(change))
    code = main(["monitor", "-f", monitor_file(EVERYTHING), "--store", str(ward.store), "--window", path, "--json"])
    out, err = capsys.readouterr()
    if code:
        assert code == 3
        assert len(err.splitlines()) == 1
        assert expected.startswith("lacks")
        return
    document = json.loads(out)
    assert document["state"] == ("Unknown" if expected == "Unknown" else "Firing")
    assert document["decision"]["retrain"] is False


def test_a_million_levels(monitor, window, make_patients):
    rows = make_patients(1, seed=3).loc[np.zeros(1_000_000, dtype=int)].reset_index(drop=True)
    rows["sex"] = np.arange(1_000_000).astype(str)
    document = monitor([window(rows, "window.parquet")], parts={"performance": None, "window": {"maxRows": 1_000_000}})
    assert document["window"]["rows"] == 1_000_000
    assert document["state"] == "Suspect"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe\x00garbage", "cannot be read"),
        (b"age,age\n1,2\n", "more than one column age"),
        (b"age,chol\n1\n2,3,4\n", "cannot be read"),
    ],
)
def test_files_that_are_no_windows_end_in_a_sentence(ward, monitor_file, tmp_path, capsys, content, said):
    path = tmp_path / "window.csv"
    path.write_bytes(content)
    code = main(["monitor", "-f", monitor_file(), "--store", str(ward.store), "--window", str(path)])
    err = capsys.readouterr().err
    assert code == 3
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_late_odd_cell_in_a_long_file_is_counted_and_not_fatal(monitor, window, make_patients):
    rows = make_patients(60000, seed=3).astype({"age": object})
    rows.loc[59990, "age"] = "old"
    document = monitor([window(rows)])
    assert document["state"] == "Healthy"
    assert document["columns"][0]["rows"] in {49999, 50000}


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--window", "nowhere.csv", "--store", "STORE"], 3, "there is no file nowhere.csv"),
        (["--window", "nowhere.csv"], 4, "--store is missing"),
        (["--store", "STORE"], 4, "--window is missing"),
        (["--window", "nowhere.csv", "--store", "STORE", "--model", "lung"], 3, "has no version lung; it has heart-1"),
        (["--window", "nowhere.csv", "--store", "STORE", "--start", "noon"], 4, "is no moment"),
    ],
)
def test_wrong_usage_ends_in_a_sentence(ward, monitor_file, capsys, options, code, said):
    given = [str(ward.store) if option == "STORE" else option for option in options]
    assert main(["monitor", "-f", monitor_file(), *given]) == code
    assert said in capsys.readouterr().err


def test_people_get_a_line_for_each_window(ward, monitor_file, window, make_patients, capsys):
    path = str(window(make_patients(300, seed=3, older=15.0)))
    assert main(["monitor", "-f", monitor_file(), "--store", str(ward.store), "--window", path]) == 0
    assert f"{path}: Suspect. " in capsys.readouterr().out


class TestOrder:
    def test_the_outcome_is_the_termination_message(self, ward, spec, make_patients, tmp_path, capsys):
        ward.serve(make_patients(300, seed=3), NOW - timedelta(minutes=45))
        order, log = tmp_path / "order.json", tmp_path / "log"
        order.write_text(json.dumps(ward.order(spec).dump()))
        assert main(["monitor", "--order", str(order), "--termination-log", str(log)]) == 0
        outcome = MonitorOutcome.model_validate_json(log.read_bytes())
        assert (outcome.failed, outcome.state, outcome.rows) == (False, "Healthy", 300)
        assert Path(outcome.report.removeprefix("file://")).is_file()
        assert capsys.readouterr().out.startswith("Healthy: ")

    def test_a_failure_is_told_in_the_termination_message_too(self, ward, spec, tmp_path, capsys):
        (Path(ward.artifact.uri.removeprefix("file://")) / "manifest.json").unlink()
        order, log = tmp_path / "order.json", tmp_path / "log"
        order.write_text(json.dumps(ward.order(spec).dump()))
        assert main(["monitor", "--order", str(order), "--termination-log", str(log)]) == 3
        outcome = MonitorOutcome.model_validate_json(log.read_bytes())
        assert (outcome.failed, outcome.reason) == (True, "ArtifactMissing")
        assert outcome.message in capsys.readouterr().err

    def test_a_file_that_is_no_order_is_told(self, tmp_path):
        order, log = tmp_path / "order.json", tmp_path / "log"
        order.write_text("{}")
        assert main(["monitor", "--order", str(order), "--termination-log", str(log)]) == 4
        assert MonitorOutcome.model_validate_json(log.read_bytes()).reason == "OrderInvalid"

    def test_a_pod_imports_neither_pandas_nor_scikit_learn(self, ward, spec, make_patients, tmp_path):
        ward.serve(make_patients(300, seed=3), NOW - timedelta(minutes=45))
        order, log = tmp_path / "order.json", tmp_path / "log"
        order.write_text(json.dumps(ward.order(spec).dump()))
        script = (
            "import sys; from evermodel.cli import main; "
            f"code = main(['monitor', '--order', {str(order)!r}, '--termination-log', {str(log)!r}]); "
            "heavy = {'pandas', 'sklearn', 'skops', 'xgboost', 'river', 'scipy.stats', 'sqlalchemy', 'fastapi'}; "
            "print(sorted(heavy & sys.modules.keys())); sys.exit(code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60, env={**os.environ}
        )
        assert done.stdout.splitlines()[-1] == "[]"
