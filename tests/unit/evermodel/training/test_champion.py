"""What happens when the champion cannot be asked: the gate refuses, and says why and what to do."""

import json
from typing import Any

import numpy as np
import pytest

from evermodel.artifact.records import latest_passed
from evermodel.errors import RunError
from tests.unit.evermodel.bench import classes, numbers, save, spec_of, train_as_pod

GATE = {"gates": [{"metric": "accuracy", "versus": "champion", "rule": "NotWorse"}]}
DATA = classes()


def meet(folder, frame, estimator="DecisionTreeClassifier", champion=None, **parts: Any):
    """A second run that meets the version of the first one."""
    reference = champion or latest_passed(str(folder / "store"), "m").dump()
    gates = GATE if estimator.endswith("Classifier") else {"gates": [{**GATE["gates"][0], "metric": "mae"}]}
    spec = spec_of(save(frame, folder / "rows.csv"), estimator, **{**gates, **parts})
    return train_as_pod(folder, spec, 2, champion=reference)


@pytest.fixture
def served(tmp_path):
    """A folder with a champion."""
    _, outcome = train_as_pod(tmp_path, spec_of(save(DATA, tmp_path / "rows.csv"), "DecisionTreeClassifier"))
    assert outcome["outcome"] == "Succeeded"
    return tmp_path


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (DATA.drop(columns="b"), "the data lacks the column(s) b"),
        (DATA.assign(b="text"), "column 'b': expected a number, got 'text'"),
        (DATA.assign(y=DATA["y"].map({"ill": 1, "well": 0})), "give the new question a ModelTraining of its own"),
        (DATA.rename(columns={"y": "z"}), "it answers 'y' as ['ill', 'well'] and the new model 'z'"),
    ],
    ids=["a column is gone", "a column is text now", "other classes", "another target"],
)
def test_a_champion_that_cannot_take_the_rows_refuses_the_challenger(served, frame, said):
    # given a champion, and data that it cannot take
    ran, outcome = meet(served, frame, target="z" if "z" in frame else "y")
    # then the run is done, the version is refused, and the sentence says why
    assert (ran.code, outcome["outcome"]) == (0, "Refused")
    assert outcome["gates"][0]["passed"] is False
    assert "the champion m-1 cannot be asked" in outcome["message"]
    assert said in outcome["message"]


def test_a_champion_of_another_task_refuses_the_challenger(served):
    ran, outcome = meet(served, numbers(), "DecisionTreeRegressor")
    assert (ran.code, outcome["outcome"]) == (0, "Refused")
    assert "as ['ill', 'well'] and the new model 'y' as a number" in outcome["message"]


def test_a_champion_without_an_imputer_refuses_when_values_go_missing(tmp_path):
    # given a champion that cannot answer rows with missing values
    scaled = {"columns": [{"name": "b", "select": {"type": "number"}, "steps": [{"StandardScaler": {}}]}]}
    spec = spec_of(save(DATA, tmp_path / "rows.csv"), "KNeighborsClassifier", pipeline=scaled)
    train_as_pod(tmp_path, spec)
    # when the new data have some
    gaps = DATA.assign(a=np.where(np.arange(60) % 2, DATA["a"], np.nan))
    ran, outcome = meet(tmp_path, gaps)
    # then the champion is at fault, and not the run
    assert (ran.code, outcome["outcome"]) == (0, "Refused")
    assert "the champion m-1 cannot be asked: it cannot answer the test rows" in outcome["message"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: (d / "model.skops").write_bytes(b"?"), "model.skops of the artifact"),
        (lambda d: (d / "signature.json").unlink(), "has no signature.json"),
    ],
    ids=["changed", "missing"],
)
def test_a_champion_whose_bytes_are_wrong_refuses_the_challenger(served, change, said):
    # given a champion whose artifact was changed
    digest = latest_passed(str(served / "store"), "m").artifact.digest.removeprefix("sha256:")
    change(served / "store" / "artifacts" / digest)
    # when a challenger that has other bytes meets it
    ran, outcome = meet(served, DATA, "KNeighborsClassifier")
    # then it is refused with the cause
    assert (ran.code, outcome["outcome"]) == (0, "Refused")
    assert said in outcome["message"]


def test_a_champion_in_a_store_that_is_away_may_come_back(served, monkeypatch):
    # given a champion whose place cannot be reached now
    def away(uri, digest):
        raise RunError("StoreUnavailable", f"the store {uri} cannot be used: it is away; check that it is reachable")

    monkeypatch.setattr("evermodel.training.champion.load_artifact", away)
    # when a challenger wants to meet it
    ran, outcome = meet(served, DATA)
    # then the run may be tried again, instead of refusing a good version for ever
    assert (ran.code, outcome["outcome"], outcome["reason"]) == (1, "Failed", "StoreUnavailable")


def test_without_a_gate_against_it_the_champion_is_not_asked(served):
    # given a champion that is gone
    reference = json.loads(latest_passed(str(served / "store"), "m").model_dump_json(by_alias=True))
    reference["artifact"]["uri"] += "-gone"
    # when a challenger has no gate against it
    _, outcome = meet(served, DATA, champion=reference, gates=[{"metric": "accuracy", "min": 0.0}])
    # then it passes
    assert outcome["outcome"] == "Succeeded"
