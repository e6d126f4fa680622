"""The full sample, on this machine: three real sources, a search by two processes, and what the run leaves behind."""

import json

import pandas as pd
import pytest

from tests.integration.training.world import World
from tests.unit.evermodel.bench import run

TRIALS = 12
FORMS = {
    "model.skops",
    "signature.json",
    "golden.json",
    "baseline.json",
    "evaluation.json",
    "environment.json",
    "manifest.json",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with World.begin(tmp_path_factory.mktemp("world")) as made:
        yield made


def train(world, store, workers=2):
    # the 60 trials of the file run in the cluster (tests/loop)
    tuning = {"objective": "roc_auc", "sampler": "TPE", "maxTrials": TRIALS, "workers": workers, "timeout": "30m"}
    file = world.training(tuning=tuning)
    return run("train", "-f", str(file), "--store", str(store), "--secrets", str(world.secrets), "--json")


@pytest.fixture(scope="module")
def first(world, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    ran = train(world, store)
    assert ran.code == 0, ran.err
    return store, ran.document


def test_a_model_is_made_and_its_gates_hold(first):
    store, document = first
    assert document["outcome"] == "Succeeded", document["message"]
    assert document["metrics"]["roc_auc"] >= 0.8
    assert {name.name for name in (store / "artifacts").glob("*/*")} >= FORMS
    gates = {(gate["metric"], gate["rule"]) for gate in document["gates"]}
    assert gates == {("roc_auc", "min"), ("roc_auc", "NotWorse"), ("recall", "maxDrop"), ("roc_auc", "maxTrainTestGap")}


def test_the_run_remembers_everything(first):
    store, document = first
    ledger = json.loads((store / "runs" / "heart" / "1" / "ledger.json").read_text())
    assert [source["name"] for source in ledger["data"]["sources"]] == ["patients", "labs", "sites"]
    assert (ledger["search"]["trials"], len(ledger["trials"]), ledger["search"]["workers"]) == (TRIALS, TRIALS, 2)
    assert {trial["worker"] for trial in ledger["trials"]} == {"0", "1"}
    assert {"Collecting", "Preparing", "Searching", "Fitting", "Judging"} <= set(ledger["phases"])
    assert ledger["intervals"]["roc_auc"][0] < ledger["metrics"]["roc_auc"] <= ledger["intervals"]["roc_auc"][1]
    assert {score["by"] for score in ledger["slices"]} == {"sex"}
    # and whoever mistyped an age was set aside, with the reason
    assert ledger["data"]["quarantined"] == document["quarantined"] == 1
    wrong = pd.read_parquet(store / "runs" / "heart" / "1" / "quarantine.parquet")
    assert wrong["_wrong"].tolist() == ["age: 190 is above 120"]
    assert "lab_age" not in ledger["features"]
    assert {"chol_mean", "age", "last_lab", "recorded_at", "site"} <= set(ledger["features"])


def test_the_same_again_is_skipped(world, first):
    store, document = first
    again = train(world, store)
    assert again.document["outcome"] == "Skipped"
    assert again.document["dataDigest"] == document["dataDigest"]
    assert "are those of run 1" in again.document["message"]


def test_the_number_of_workers_changes_nothing_but_the_time(world, first, tmp_path):
    _, document = first
    alone = train(world, tmp_path / "store", workers=1)
    assert alone.document["digest"] == document["digest"]


def test_it_can_be_made_again_from_what_was_kept(first):
    store, document = first
    ran = run("reproduce", "heart-1", "--store", str(store), "--json")
    assert ran.code == 0, ran.err
    assert ran.document["outcome"] == "Identical", ran.document
    assert ran.document["digest"] == document["digest"]
