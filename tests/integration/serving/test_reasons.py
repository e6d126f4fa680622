"""Reasons from end to end: a training writes what they need, and a real server tells them on request."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evermodel.serving.engine import load_served_model
from evermodel.serving.registry import Hosted
from evermodel.serving.warm import warm_up
from tests.integration.serving.test_http import get, post
from tests.unit.evermodel.bench import save, spec_of, train

ESTIMATORS = {
    "line": ("LinearRegression", {}, 1e-9),
    "forest": ("RandomForestRegressor", {"n_estimators": 9}, 1e-9),
    "boosted": ("XGBRegressor", {"n_estimators": 9}, 1e-5),
    "light": ("LGBMRegressor", {"n_estimators": 9, "verbose": -1}, 1e-9),
    "histogram": ("HistGradientBoostingRegressor", {"max_iter": 9}, 1e-9),
    "logistic": ("LogisticRegression", {}, 1e-9),
    "forest-classes": ("RandomForestClassifier", {"n_estimators": 9, "max_depth": 4}, 1e-9),
    "boosted-classes": ("XGBClassifier", {"n_estimators": 9}, 1e-5),
    "light-classes": ("LGBMClassifier", {"n_estimators": 9, "verbose": -1}, 1e-9),
    "histogram-classes": ("HistGradientBoostingClassifier", {"max_iter": 9}, 1e-9),
    "neighbours": ("KNeighborsClassifier", {}, None),
}
COLUMNS = ["a", "b", "c"]
BEYOND = {"a": [0.5, 1e6, None], "b": [0.1, 0.2, 0.3], "c": ["left", "never seen", None]}
"""Rows inside, outside, and with gaps where training had some."""


def rows_of(*, classes: int) -> pd.DataFrame:
    """Two columns of numbers and one of categories, both kinds with gaps, and a target that follows with noise."""
    chance = np.random.default_rng(1)
    count = 240
    frame = pd.DataFrame({"a": chance.normal(size=count), "b": chance.normal(size=count)})
    cells = np.where(chance.random(count) < 0.5, "left", "right").astype(object)
    target = 2 * frame["a"] + frame["b"] + (cells == "left") + 0.3 * chance.normal(size=count)
    frame.loc[chance.random(count) < 0.1, "a"] = np.nan
    cells[chance.random(count) < 0.1] = None
    frame["c"] = cells
    if classes:
        target = np.array(["low", "middle", "high"], dtype=object)[np.digitize(target, np.quantile(target, [0.4, 0.7]))]
    return frame.assign(y=target)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What `evermodel train` made of each estimator, ready to answer."""
    made: dict[str, Hosted] = {}

    def hosted(name: str) -> Hosted:
        if name not in made:
            folder: Path = tmp_path_factory.mktemp(name)
            estimator, params, _ = ESTIMATORS[name]
            is_classifier = estimator in ("LogisticRegression", "KNeighborsClassifier") or "Classifier" in estimator
            data = save(rows_of(classes=3 if is_classifier else 0), folder / "rows.csv")
            ran = train(folder, spec_of(data, estimator, params=params), name=name)
            assert ran.code == 0, ran.err
            artifact = ran.document["artifact"]
            uri = artifact["uri"] if isinstance(artifact, dict) else artifact
            made[name] = warm_up(Hosted(load_served_model(name, f"{name}-1", uri, ran.document["digest"])))
        return made[name]

    return hosted


def infer(name: str, outputs=None, columns=BEYOND) -> bytes:
    count = len(columns["a"])
    inputs = [
        {"name": column, "shape": [count], "datatype": "BYTES" if column == "c" else "FP64", "data": cells}
        for column, cells in columns.items()
    ]
    return post(f"/v2/models/{name}/infer", {"inputs": inputs, **({"outputs": outputs} if outputs else {})})


def outputs_of(answer) -> dict[str, np.ndarray]:
    assert answer.status == 200, answer.body
    return {
        output["name"]: np.array(output["data"]).reshape(output["shape"])
        for output in json.loads(answer.body)["outputs"]
    }


def named(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


@pytest.mark.parametrize("name", [name for name, (_, _, near) in ESTIMATORS.items() if near is not None])
async def test_each_model_tells_what_each_column_adds(serve, trained, name):
    # given a model that a training made
    hosted, near = trained(name), ESTIMATORS[name][2]
    classes = hosted.served.signature.classes
    assert hosted.served.engine.name == "compiled"
    async with serve(more=[hosted]) as running:
        # when a client asks for the answer and for all reasons
        covered = "prediction_set" if classes else "interval"
        asked = named("predict", *(["predict_proba"] if classes else []), "contributions", covered, "out_of_range")
        told = outputs_of(await running.ask(infer(name, asked)))
        plain = await running.ask(infer(name))
        metadata = json.loads((await running.ask(get(f"/v2/models/{name}"))).body)
    # then the contributions of each row add up to its raw score
    assert list(told) == [output["name"] for output in asked]
    own = told["contributions"]
    assert own.shape == (3, 3, 4) if classes else (3, 4)
    scale = next(o for o in metadata["outputs"] if o["name"] == "contributions")["parameters"]["scale"]
    sums = own.sum(axis=-1)
    if scale == "value":
        np.testing.assert_allclose(sums, told["predict"], rtol=0, atol=near)
    elif scale == "probability":
        np.testing.assert_allclose(sums, told["predict_proba"], rtol=0, atol=near)
    else:
        shares = np.exp(sums - sums.max(axis=1, keepdims=True))
        np.testing.assert_allclose(shares / shares.sum(axis=1, keepdims=True), told["predict_proba"], rtol=0, atol=near)
    # and what lies outside training is told, and gaps are not where training had some
    assert told["out_of_range"].tolist() == [[False] * 3, [True, False, True], [False] * 3]
    # and shapes are those of the metadata, and the ordinary answer is what it is without reasons
    for output in metadata["outputs"]:
        if output["name"] in told:
            assert list(told[output["name"]].shape) == [3, *output["shape"][1:]]
    kept = outputs_of(plain)
    assert list(kept) == (["predict", "predict_proba"] if classes else ["predict"])
    assert all(np.array_equal(kept[name], told[name]) for name in kept)


async def test_an_interval_is_as_wide_as_the_coverage_asks(serve, trained):
    hosted = trained("forest")
    rows = hosted.served.documents.conformal.rows
    async with serve(more=[hosted]) as running:
        widths = []
        for coverage in (0.5, 0.9, rows / (rows + 1)):
            asked = [{"name": "interval", "parameters": {"coverage": coverage}}, {"name": "predict"}]
            told = outputs_of(await running.ask(infer("forest", asked)))
            np.testing.assert_allclose(told["interval"].mean(axis=1), told["predict"], atol=1e-9)
            widths.append(float(np.ptp(told["interval"][0])))
        asked = [{"name": "interval", "parameters": {"coverage": 0.999}}]
        refused = await running.ask(infer("forest", asked))
    assert widths == sorted(set(widths))
    # more than the test rows allow is refused, with what they do
    assert refused.status == 400
    assert (
        f"measured on {rows} test rows, which allow at most {rows / (rows + 1):.6g}"
        in json.loads(refused.body)["error"]
    )


async def test_v1_explains_too(serve, trained):
    instances = [{name: BEYOND[name][row] for name in COLUMNS} for row in range(3)]
    body = {"instances": instances, "explain": ["contributions", "prediction_set"], "coverage": 0.8}
    async with serve(more=[trained("logistic")]) as running:
        told = json.loads((await running.ask(post("/v1/models/logistic:predict", body))).body)
        plain = json.loads((await running.ask(post("/v1/models/logistic:predict", {"instances": instances}))).body)
    assert np.shape(told["contributions"]) == (3, 3, 4)
    assert np.shape(told["prediction_set"]) == (3, 3)
    assert {name: told[name] for name in plain if name != "id"} == {n: v for n, v in plain.items() if n != "id"}


async def test_a_model_without_a_compiled_form_tells_what_it_can(serve, trained):
    hosted = trained("neighbours")
    assert hosted.served.engine.name == "scikit-learn"
    async with serve(more=[hosted]) as running:
        told = outputs_of(await running.ask(infer("neighbours", named("prediction_set", "out_of_range"))))
        refused = await running.ask(infer("neighbours", named("contributions")))
        other = await running.ask(infer("neighbours", named("interval")))
        card = json.loads((await running.ask(get("/v2/model/neighbours"))).body)
        metadata = json.loads((await running.ask(get("/v2/models/neighbours"))).body)
    assert told["prediction_set"].shape == (3, 3)
    assert told["out_of_range"][1].tolist() == [True, False, True]
    assert refused.status == other.status == 400
    error = json.loads(refused.body)["error"]
    assert error.startswith("the model neighbours-1 (KNeighborsClassifier) gives no contributions: it is served by")
    assert "ask for prediction_set" in json.loads(other.body)["error"]
    assert card["reasons"]["prediction_set"] == card["reasons"]["out_of_range"] == "on request"
    assert "scikit-learn" in card["reasons"]["contributions"]
    names = [output["name"] for output in metadata["outputs"]]
    assert names == ["predict", "predict_proba", "prediction_set", "out_of_range"]


async def test_contributions_of_too_many_rows_are_refused_before_they_are_computed(serve, trained, monkeypatch):
    hosted = trained("forest")
    monkeypatch.setattr("evermodel.serving.reasons.MOST_WORK", hosted.served.reasons._attribution.work * 2)
    async with serve(more=[hosted]) as running:
        refused = await running.ask(infer("forest", named("contributions")))
        plain = await running.ask(infer("forest"))
    assert (refused.status, plain.status) == (413, 200)
    assert "at most 2 rows" in json.loads(refused.body)["error"]


async def test_new_rows_are_in_their_intervals_as_often_as_promised(serve, trained):
    # given rows of the same kind, with their truth
    chance = np.random.default_rng(77)
    a, b, left = chance.normal(size=400), chance.normal(size=400), chance.random(400) < 0.5
    truth = 2 * a + b + left + 0.3 * chance.normal(size=400)
    columns = {"a": a.tolist(), "b": b.tolist(), "c": np.where(left, "left", "right").tolist()}
    async with serve(more=[trained("line")]) as running:
        told = outputs_of(await running.ask(infer("line", named("interval"), columns)))["interval"]
    # then nine of ten are inside: the share varies with the 48 test rows (a beta distribution) and these 400
    share = float(((told[:, 0] <= truth) & (truth <= told[:, 1])).mean())
    assert share >= 0.78
