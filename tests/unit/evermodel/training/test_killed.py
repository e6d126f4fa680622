"""A run that is killed at any moment leaves nothing half done that anybody sees, and is made good by the next one."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evermodel.artifact.records import latest_passed, recorded_runs
from evermodel.artifact.store import list_names
from tests.unit.evermodel.bench import check_store, classes, order_of, save, spec_of, stored, train_as_pod

ROOT = Path(__file__).parents[4]
KILLED = """
import json, os, pathlib, signal, sys
from evermodel.artifact import store
from evermodel.training import run
from evermodel.training.progress import Silent
from evermodel.training.searching import ALONE
from evermodel_api.runs import TrainingOrder

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def after(module, name):
    real = getattr(module, name)
    def replaced(*arguments, **named):
        real(*arguments, **named)
        die()
    setattr(module, name, replaced)

def at_file(number, inside):
    real, seen = store.os.fsync if inside else store._replace_file, []
    def replaced(*arguments):
        seen.append(1)
        if inside and len(seen) == number:
            die()
        real(*arguments)
        if len(seen) == number:
            die()
    setattr(store.os if inside else store, "fsync" if inside else "_replace_file", replaced)

# order, snapshot, read, the report's page and document, eight files, manifest, card, ledger, record
PHASES = {
    "before the rows are kept": lambda: after(run, "_collect"),
    "read": lambda: after(run, "prepare"),
    "fitted": lambda: after(run, "develop"),
    "judged": lambda: after(run, "judge_winner"),
    "first file": lambda: at_file(6, False),
    "inside the second file": lambda: at_file(7, True),
    "before the manifest": lambda: at_file(13, False),
    "inside the manifest": lambda: at_file(14, True),
    "before the ledger": lambda: at_file(14, False),
    "before the record": lambda: at_file(16, False),
    "inside the record": lambda: at_file(17, True),
    "recorded": lambda: at_file(17, False),
}
for line in sys.stdin:
    phase, order = json.loads(line)
    child = os.fork()  # importing is what takes long
    if child == 0:
        PHASES[phase]()
        taken = TrainingOrder.model_validate_json(pathlib.Path(order).read_bytes())
        run.run_training(run.Run(taken, pathlib.Path("none"), Silent(), ALONE))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
PHASES = [
    "before the rows are kept",
    "read",
    "fitted",
    "judged",
    "first file",
    "inside the second file",
    "before the manifest",
    "inside the manifest",
    "before the ledger",
    "before the record",
    "inside the record",
    "recorded",
]
WHOLE = {"before the ledger", "before the record", "inside the record", "recorded"}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """For each phase a folder in which a run was killed there, and how its process ended."""
    folders = {phase: tmp_path_factory.mktemp("killed") for phase in PHASES}
    lines = []
    for phase, folder in folders.items():
        data = save(classes(), folder / "rows.csv")
        order = order_of(folder, spec_of(data, "DecisionTreeClassifier"))
        lines.append(json.dumps([phase, str(order)]))
    ran = subprocess.run(
        [sys.executable, "-c", KILLED],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=400,
        cwd=ROOT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    codes = [int(line) for line in ran.stdout.splitlines()]
    return {phase: (folders[phase], code) for phase, code in zip(PHASES, codes, strict=True)}


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_run_is_made_good(killed, tmp_path, phase):
    # given a run that was killed
    folder, code = killed[phase]
    assert code == -signal.SIGKILL
    store = str(folder / "store")
    # then there is no version before its record, and no manifest before all of its files
    assert recorded_runs(store, "m") == ([1] if phase == "recorded" else [])
    assert (latest_passed(store, "m") is not None) is (phase == "recorded")
    directories = list_names(f"{store}/artifacts")
    assert all(("manifest.json" in list_names(f"{store}/artifacts/{d}")) is (phase in WHOLE) for d in directories)
    # when the pod is started again
    spec = json.loads((folder / "order.json").read_text())["spec"]
    ran, outcome = train_as_pod(folder, spec)
    # then it ends as a run that nobody killed
    assert (ran.code, ran.err) == (0, "")
    assert ("was finished before" in ran.out) is (phase == "recorded")
    _, undisturbed = train_as_pod(tmp_path, spec_of(save(classes(), tmp_path / "rows.csv"), "DecisionTreeClassifier"))
    assert outcome["artifact"]["digest"] == undisturbed["artifact"]["digest"]
    assert outcome["metrics"] == undisturbed["metrics"]
    # and there is one record and one whole artifact
    assert recorded_runs(store, "m") == [1]
    assert list_names(f"{store}/artifacts") == [outcome["artifact"]["digest"].removeprefix("sha256:")]
    for path in (folder / "store").rglob(".*.*"):  # what the killed process was writing: seen by nobody
        path.unlink()
    check_store(folder)


def test_a_repeated_run_reports_what_was_found_and_reads_nothing(tmp_path):
    # given a finished run, and data that are gone
    data = save(classes(), tmp_path / "rows.csv")
    spec = spec_of(data, "DecisionTreeClassifier")
    _, first = train_as_pod(tmp_path, spec)
    before = stored(tmp_path)
    data.unlink()
    # when the same order comes again
    ran, again = train_as_pod(tmp_path, spec)
    # then the answer is the same
    assert ran.code == 0
    assert again == first
    assert stored(tmp_path) == before


def test_another_order_of_the_same_number_is_another_run(tmp_path):
    # given a training that was deleted and made again, which counts its runs from 1
    data = save(classes(), tmp_path / "rows.csv")
    _, first = train_as_pod(tmp_path, spec_of(data, "DecisionTreeClassifier"))
    # when its first run has another spec
    ran, second = train_as_pod(tmp_path, spec_of(data, "KNeighborsClassifier"))
    # then it is not answered with the old one
    assert "was finished before" not in ran.out
    assert second["artifact"]["digest"] != first["artifact"]["digest"]


def test_a_record_that_is_none_is_told(tmp_path):
    record = tmp_path / "store" / "runs" / "m" / "1.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    ran, outcome = train_as_pod(tmp_path, spec_of(save(classes(), tmp_path / "rows.csv"), "DecisionTreeClassifier"))
    assert (ran.code, outcome["reason"]) == (3, "RecordInvalid")
    assert f"{record.as_uri()} is no record of a run; remove the file" in ran.sentence
