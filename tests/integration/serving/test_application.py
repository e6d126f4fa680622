"""A packaged application runs as a process in a fresh folder, when the store that it came from is gone."""

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from evermodel.cli import main

READY_SECONDS = 180
EXAMPLES = Path(__file__).parents[3] / "manifests" / "examples" / "heart"
ESTIMATORS = {"kneighbors_heart": "KNeighborsClassifier", "xgboost_heart": "XGBClassifier"}


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.Popen(
        [sys.executable, "-m", "api", *arguments],
        cwd=folder,
        env=environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The application's process and its port."""
    process = start(folder, "--port", "0", "--drain", "0", *arguments)
    assert process.stdout is not None
    timer = threading.Timer(READY_SECONDS, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
        found = re.search(r":(\d+) answers", line)
        assert found, (line, process.stderr.read() if process.stderr else "")
        yield process, int(found[1])
    finally:
        timer.cancel()
        process.terminate()
        process.communicate(timeout=30)


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def packaged(tmp_path_factory) -> Path:
    """The two heart models of the worked examples, trained by the command, in one application; their store is gone."""
    folder = tmp_path_factory.mktemp("hearts")
    document = yaml.safe_load((EXAMPLES / "training.yaml").read_text())
    data = f"patients={EXAMPLES / 'heart.csv'}"
    for name, estimator in ESTIMATORS.items():
        document["metadata"]["name"] = name
        document["spec"]["algorithms"] = [{"name": "only", "estimator": estimator}]
        document["spec"]["gates"] = []
        spec = folder / f"{name}.yaml"
        spec.write_text(yaml.safe_dump(document))
        assert main(["train", "-f", str(spec), "--store", str(folder / "store"), "--set-source", data]) == 0
    assert main(["package", *ESTIMATORS, "--store", str(folder / "store"), "--out", str(folder / "app")]) == 0
    shutil.rmtree(folder / "store")
    (folder / "app").rename(folder / "moved")  # nothing in it knows where it was written
    return folder / "moved"


def test_two_heart_models_answer_every_route_behind_one_host(packaged):
    rows = pd.read_csv(EXAMPLES / "heart.csv").drop(columns=["diagnosis", "patient_id", "recorded_at"], errors="ignore")
    with running(packaged) as (process, port):
        for path in (
            "/v2",
            "/v2/health/live",
            "/v2/health/ready",
            "/v2/models",
            "/v1/models",
            "/",
            "/docs",
            "/metrics",
        ):
            assert ask(port, "GET", path)[0] == 200, path
        for name, estimator in ESTIMATORS.items():
            version = f"{name}-1"
            # given what it says of itself, and a golden row of it
            card = json.loads(ask(port, "GET", f"/v2/model/{name}")[2])
            assert (card["model_version"], card["algorithm"]) == (version, estimator)
            names = [column["name"] for column in card["columns"]]
            assert set(names) <= set(rows.columns)
            row, expected = card["example"]["row"], card["example"]["prediction"]
            # when it is asked in each of the protocols
            by_position = ",".join("" if row[column] is None else str(row[column]) for column in names)
            inputs = [
                {"name": c["name"], "datatype": c["datatype"], "shape": [1], "data": [row[c["name"]]]}
                for c in card["columns"]
            ]
            answers = [
                ask(port, "GET", f"/v2/model/{name}/{by_position}/prediction"),
                ask(port, "POST", f"/v1/models/{name}:predict", {"instances": [row]}),
                ask(port, "POST", f"/v1/models/{name}:predict", {"instances": [[row[column] for column in names]]}),
                ask(port, "POST", f"/v2/models/{name}/infer", {"inputs": inputs}),
                ask(port, "POST", f"/v2/models/{name}/versions/1/infer", {"inputs": inputs}),
            ]
            # then each answers alike, and says who answered
            for status, headers, body in answers:
                assert (status, headers["evermodel-version"]) == (200, version), body
                assert headers["evermodel-request-id"] == json.loads(body)["id"]
            documents = [json.loads(body) for _, _, body in answers]
            said = [documents[0]["prediction"], *(d["predictions"][0] for d in documents[1:3])]
            said += [d["outputs"][0]["data"][0] for d in documents[3:]]
            assert said == [expected] * 5
            # and labels that come later are taken
            label = {"id": documents[0]["id"], "truth": expected}
            assert ask(port, "POST", f"/v2/models/{name}/feedback", label)[0] == 200
        # and values by position have to name their model, for there are two
        assert ask(port, "GET", f"/v2/model/{by_position}/prediction")[0] == 400
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "ended" in out
    # then requests and labels lie in the application's logs
    logged = list((packaged / "logs" / "log").rglob("*.parquet"))
    assert sum(pq.read_metadata(path).num_rows for path in logged) == 10
    assert list((packaged / "logs" / "feedback").rglob("*.parquet"))


def test_the_application_runs_its_own_code_in_several_processes(packaged, tmp_path):
    # given an application whose own Evermodel says another version of itself
    own = shutil.copytree(packaged, tmp_path / "own", ignore=shutil.ignore_patterns("logs"))
    module = own / "lib" / "evermodel_api" / "__init__.py"
    module.write_text(re.sub(r'__version__ = ".*"', '__version__ = "9.9.9"', module.read_text()))
    # when it is run with two processes
    with running(own, "--workers", "2") as (_, port):
        # then each of them is of that version
        for _ in range(4):
            assert json.loads(ask(port, "GET", "/v2")[2])["version"] == "9.9.9"
        assert b"evermodel_processes 2.0" in ask(port, "GET", "/metrics")[2]
        # and the container's question finds it ready
        setting = own / "conf" / "setting.toml"
        setting.write_text(setting.read_text().replace("port = 5050", f"port = {port}"))
        assert subprocess.run([sys.executable, "-m", "api.healthy"], cwd=own, check=False).returncode == 0
    assert subprocess.run([sys.executable, "-m", "api.healthy"], cwd=own, check=False).returncode == 1


def test_keys_and_limits_of_the_setting_count(packaged, tmp_path):
    own = shutil.copytree(packaged, tmp_path / "own", ignore=shutil.ignore_patterns("logs"))
    (own / "conf" / "keys").mkdir()
    (own / "conf" / "keys" / "ward").write_text("a-key-of-the-ward")
    setting = own / "conf" / "setting.toml"
    text = setting.read_text().replace('[keys]\nfolder = ""', '[keys]\nfolder = "conf/keys"')
    setting.write_text(text.replace("max_rows = 10000", "max_rows = 1"))
    with running(own) as (_, port):
        assert ask(port, "GET", "/v2/models")[0] == 401
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        body = json.dumps({"instances": [[], []]})
        connection.request("POST", "/v1/models/xgboost_heart:predict", body, {"X-API-Key": "a-key-of-the-ward"})
        response = connection.getresponse()
        assert (response.status, b"the limit is 1" in response.read()) == (413, True)
        connection.close()


@pytest.mark.parametrize("name", ["model.skops", "manifest.json"])
def test_a_changed_byte_is_refused(packaged, tmp_path, name):
    own = shutil.copytree(packaged, tmp_path / "own", ignore=shutil.ignore_patterns("logs"))
    file = own / "model" / "models" / "xgboost_heart-1" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    process = start(own, "--port", "0")
    out, err = process.communicate(timeout=READY_SECONDS)
    assert (process.returncode, out) == (3, "")
    assert name in err
    assert "Traceback" not in err
