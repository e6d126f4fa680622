"""Every bad input ends with its reason, its exit code and one sentence, and leaves no model in the store."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.evermodel.bench import order_of, run, save, spec_of, stored, train, train_as_pod
from tests.unit.evermodel.training.bad_inputs import BAD, NUMBERS, SCALED, Bad

WITHOUT_ROWS = {"no file"}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_input_ends_with_cause_and_remedy(tmp_path: Path, bad: Bad):
    # given data or a spec with one thing wrong
    path = tmp_path / bad.file
    if bad.name not in WITHOUT_ROWS:
        frame = NUMBERS if bad.frame is None else bad.frame
        save(frame, path) if path.suffix != ".dat" else path.write_text(frame.to_csv())
    # when a pod runs it
    ran, outcome = train_as_pod(tmp_path, spec_of(path, bad.estimator, **bad.spec))
    # then its exit code, its reason and one sentence say so, in the pod's message as on standard error
    assert (ran.code, outcome["reason"]) == (bad.code, bad.reason), ran.err
    assert bad.said in ran.sentence
    assert outcome == {"outcome": "Failed", "message": ran.sentence, "reason": bad.reason, "metrics": {}, "gates": []}
    # and no artifact, whole or half, and no record is left in the store
    left = stored(tmp_path)
    assert not [name for name in left if name.startswith("artifacts/") or name == "runs/m/1.json"], left


@pytest.mark.parametrize("row", range(12))
def test_a_missing_value_without_an_imputer_is_told_on_either_side_of_the_split(tmp_path: Path, row: int):
    # given one missing value, which falls among the training rows or among the test rows
    frame = NUMBERS.head(12).copy()
    frame.loc[row, "a"] = np.nan
    spec = spec_of(save(frame, tmp_path / "rows.csv"), pipeline={"columns": SCALED})
    # when a model without an imputer is trained
    ran, outcome = train_as_pod(tmp_path, spec)
    # then it is the spec's fault on both sides
    assert (ran.code, outcome["reason"]) == (4, "FitFailed")
    assert "correct its params or the pipeline" in ran.sentence


def test_an_order_that_is_none_is_told(tmp_path: Path):
    ran, outcome = train_as_pod(tmp_path, {"target": "y"})
    assert (ran.code, outcome["reason"]) == (4, "OrderInvalid")
    assert "is no TrainingOrder" in ran.sentence


def test_a_termination_log_that_cannot_be_written_is_told(tmp_path: Path):
    order = order_of(tmp_path, spec_of(save(NUMBERS, tmp_path / "rows.csv")))
    ran = run("train", "--order", str(order), "--termination-log", str(tmp_path))
    assert ran.code == 1
    assert "name a file by --termination-log" in ran.sentence


def plain_file(folder: Path) -> str:
    (folder / "plain").write_text("a file")
    return str(folder / "plain")


@pytest.mark.parametrize(
    "place",
    [plain_file, lambda _: "/proc/evermodel-store", lambda _: "unknown://bucket/store"],
    ids=["a file", "a place without directories", "an unknown protocol"],
)
def test_a_store_that_cannot_be_written_may_come_back(tmp_path: Path, place):
    # given a store of a kind in which nothing can be written
    store = place(tmp_path)
    # when a pod runs
    data = save(NUMBERS, tmp_path / "rows.csv")
    ran, outcome = train_as_pod(tmp_path, spec_of(data), store=store)
    # then it may be tried again, and says where
    assert (ran.code, outcome["reason"]) == (1, "StoreUnavailable")
    assert store in ran.sentence
    assert "check that it is reachable" in ran.sentence


@pytest.mark.parametrize("scale", [1e200, 1e300])
def test_numbers_whose_squares_are_none_make_no_document_that_json_cannot_hold(tmp_path: Path, scale: float):
    # given values that are numbers, and whose squares are not
    frame = NUMBERS.assign(a=NUMBERS["a"] * scale, y=NUMBERS["y"] * scale)
    few = {"pipeline": {"columns": [{"name": "b", "select": {"columns": ["b"]}, "steps": [{"SimpleImputer": {}}]}]}}
    data = save(frame, tmp_path / "rows.csv")
    # when a tree is trained on them twice, the second time against the first
    first = train(tmp_path, spec_of(data, "DecisionTreeRegressor", **few))
    gate = {"metric": "mae", "versus": "champion", "maxDrop": 0.0}
    second = train(tmp_path, spec_of(data, "DecisionTreeRegressor", gates=[gate], **few))
    # then what is not defined is left out, and what was written can be read
    assert (first.code, first.err) == (0, "")
    assert "Infinity" not in first.out
    assert set(first.document["metrics"]) == {"mae"}
    assert (second.document["version"], second.document["passed"]) == ("m-2", True)
