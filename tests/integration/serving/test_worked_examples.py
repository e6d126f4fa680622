"""The line and the rent of the worked examples: trained, packaged and asked as commands do it, through the API."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

from evermodel.artifact.model import load_artifact
from evermodel.artifact.records import find_version
from evermodel.cli import main
from tests.unit.evermodel.bench import save, spec_of, train
from tests.unit.evermodel.serving.test_process import serving

FLAT = [85, 2015, 2, 10, 1, 1, 0, 0, 1]
FLAGS = ("balcony", "parking", "furnished", "garage", "storage")


def flats(rows: int = 150) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    ranges = {"area": (20, 200), "construction_year": (1900, 2024), "bedrooms": (1, 5), "garden": (0, 30)}
    ranges |= dict.fromkeys(FLAGS, (0, 2))
    frame = pd.DataFrame({name: generator.integers(*ends, rows) for name, ends in ranges.items()})
    return frame.assign(rent=frame["area"] * 12.0 + frame["balcony"] * 60 + frame["garden"] * 5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Both models in one store, and in one application."""
    folder = tmp_path_factory.mktemp("examples")
    x = np.arange(-20.0, 21.0)
    assert train(folder, spec_of(save(pd.DataFrame({"x": x, "y": 2 * x + 4}), folder / "l.csv")), name="line").code == 0
    forest = {"n_estimators": 100, "random_state": 0}
    spec = spec_of(save(flats(), folder / "r.csv"), "RandomForestRegressor", target="rent", params=forest)
    assert train(folder, spec, name="rent").code == 0
    assert main(["package", "line", "rent", "--store", str(folder / "store"), "--out", str(folder / "app")]) == 0
    return folder


@pytest.mark.parametrize("packaged", [False, True])
def test_the_line_and_the_rent_answer_through_the_api(folder, packaged):
    # given what the fitted forest itself says of the flat
    found = find_version(str(folder / "store"), "rent-1")
    loaded = load_artifact(found.uri, found.digest)
    forest = loaded.model[-1]
    assert isinstance(forest, RandomForestRegressor)
    assert (len(forest.estimators_), forest.random_state) == (100, 0)
    expected = loaded.model.predict(pd.DataFrame([FLAT], columns=loaded.signature.names).astype(float))[0]
    # when both are asked, served from the store or from the application
    store = ["line", "rent", "--store", str(folder / "store")]
    config = ["--config", str(folder / "app" / "conf" / "setting.toml")]
    with serving(*(config if packaged else store), "--port", "0", "--drain", "0") as server:
        status, headers, body = server.ask("GET", "/v2/model/line/50/prediction")
        assert (status, headers["evermodel-version"]) == (200, "line-1")
        assert json.loads(body)["prediction"] == pytest.approx(104, abs=1e-9)
        path = f"/v2/model/rent/{','.join(map(str, FLAT))}/prediction"
        by_path = json.loads(server.ask("GET", path)[2])["prediction"]
        rows = server.ask("POST", "/v1/models/rent:predict", json.dumps({"instances": [FLAT]}))
        tensor = {"name": "flats", "shape": [1, 9], "datatype": "INT64", "data": FLAT}
        infer = server.ask("POST", "/v2/models/rent/infer", json.dumps({"inputs": [tensor]}))
    # then the line gives 104 at 50, and the rent is the forest's, whichever way it was asked
    said = [by_path, json.loads(rows[2])["predictions"][0], json.loads(infer[2])["outputs"][0]["data"][0]]
    assert said == [pytest.approx(expected, rel=1e-12)] * 3
