"""The limits of the heart example hold with margin, so that the demo neither cries wolf nor sleeps: without a cluster."""

import contextlib
import csv
import io
import json

import pytest
import yaml

from evermodel.cli import main
from hack.demo.clinic.ward import Clinic, read_rows
from hack.demo.stage import EXAMPLE, WARD_PATIENTS, WARD_SEED
from hack.demo.story import WARD_SHARE

WINDOWS = 10
ROWS = 600
"""About what 15 s at 40 requests a second are."""
LIMIT = yaml.safe_load((EXAMPLE / "monitor.yaml").read_text())["spec"]["performance"]["metrics"][0]["min"]
MARGIN = 0.03

pytestmark = pytest.mark.timeout(180)


def evermodel(*arguments: object):
    """The JSON document of a command."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(out.getvalue())


def train(folder, store, rows):
    file = save(folder / "patients.csv", rows)
    return evermodel(
        "train", "-f", EXAMPLE / "training.yaml", "--store", folder / store, "--set-source", f"patients={file}"
    )


def monitor(folder, store, rows, ward_share):
    """The verdicts on windows of new patients."""
    windows = []
    for number in range(WINDOWS):
        clinic = Clinic(rows, 5000 + number)
        file = save(folder / f"{ward_share:.2f}-{number}.csv", [clinic.patient(ward_share) for _ in range(ROWS)])
        windows += ["--window", file]
    return evermodel("monitor", "-f", EXAMPLE / "monitor.yaml", "--store", folder / store, *windows)


def accuracies(verdicts):
    return [window["performance"][0]["value"] for window in verdicts["windows"]]


def drifted(verdicts):
    return [sum(column["drifted"] for column in window["columns"]) for window in verdicts["windows"]]


def save(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def rows():
    return read_rows((EXAMPLE / "heart.csv").read_text().splitlines())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("margins")


@pytest.fixture(scope="module")
def first(folder, rows):
    """The store with the version that 303 real patients made."""
    assert train(folder, "first", rows)["passed"]
    return "first"


@pytest.fixture(scope="module")
def second(folder, rows):
    """What both trainings said; the store `second` has the version that met the first one."""
    before = train(folder, "second", rows)
    return before, train(folder, "second", [*rows, *Clinic(rows, WARD_SEED).ward(WARD_PATIENTS)])


def test_ordinary_patients_raise_no_alarm(folder, first, rows):
    verdicts = monitor(folder, first, rows, 0.0)
    assert (verdicts["alerts"], verdicts["retrains"]) == (0, 0)
    assert min(accuracies(verdicts)) > LIMIT + MARGIN
    assert max(drifted(verdicts)) == 0


def test_the_ward_raises_one_alarm_and_asks_for_one_retraining(folder, first, rows):
    verdicts = monitor(folder, first, rows, WARD_SHARE)
    assert (verdicts["alerts"], verdicts["retrains"]) == (1, 1)
    assert max(accuracies(verdicts)) < LIMIT - MARGIN
    assert min(drifted(verdicts)) >= 1


def test_the_challenger_beats_the_champion_on_the_same_rows(second):
    _, challenger = second
    gate = next(gate for gate in challenger["gates"] if gate["rule"] == "NotWorse")
    assert challenger["passed"]
    assert gate["value"] > gate["champion"]


def test_the_same_patients_are_content_with_the_second_version(folder, second, rows):
    verdicts = monitor(folder, "second", rows, WARD_SHARE)
    assert (verdicts["alerts"], verdicts["retrains"]) == (0, 0)
    assert min(accuracies(verdicts)) > LIMIT + MARGIN
    assert max(drifted(verdicts)) == 0
