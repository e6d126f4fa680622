"""The `evermodel` command as a program: exit codes, and one sentence on standard error."""

import json
import subprocess
import sys

import pytest

from evermodel.cli import main
from tests.unit.evermodel.bench import classes, manifest_of, numbers, run, save, spec_of, train

PROGRAM = "import sys; from evermodel.cli import main; sys.exit(main())"


CASES = {
    "a gate refuses": ({"gates": [{"metric": "rmse", "max": -1.0}]}, 0, ""),
    "the data is wrong": ({"data": {"rows": [{"dropMissing": {"columns": ["gone"]}}]}}, 3, "left none of 40 rows"),
    "the spec is wrong": ({"task": "Classification"}, 4, "algorithms must fit the task"),
    "the store is away": ({"store": "unknown://bucket"}, 1, "the store unknown://bucket"),
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """One program for each case. They run side by side, for importing is what takes long."""
    running = {}
    for name, (changes, _, _) in CASES.items():
        folder = tmp_path_factory.mktemp("program")
        data = save(numbers().assign(gone=float("nan")), folder / "rows.csv")
        parts = {key: value for key, value in changes.items() if key != "store"}
        file = folder / "m.yaml"
        file.write_text(manifest_of(spec_of(data, **parts)))
        arguments = ["train", "-f", str(file), "--store", changes.get("store", str(folder / "store")), "--json"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        running[name] = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], **pipes)
    return {name: (*process.communicate(timeout=60), process.returncode) for name, process in running.items()}


@pytest.mark.parametrize("name", CASES)
def test_the_exit_code_says_whose_fault_it_is(programs, name):
    # given a program that was run on a training file
    out, err, code = programs[name]
    # then its exit code is the contract's, and it writes one sentence or none to standard error
    _, expected, said = CASES[name]
    assert code == expected, err
    if code == 0:
        assert err == ""
        assert json.loads(out)["passed"] is False
    else:
        assert out == ""
        assert err.count("\n") == 1
        assert err.startswith("evermodel train: ")
        assert said in err


def test_without_json_people_read_progress(tmp_path):
    data = save(classes(), tmp_path / "rows.csv")
    file = tmp_path / "m.yaml"
    file.write_text(manifest_of(spec_of(data, "KNeighborsClassifier", gates=[{"metric": "f1", "min": 0.1}])))
    ran = run("train", "-f", str(file), "--store", str(tmp_path / "store"))
    assert ran.code == 0
    assert "60 rows read, 60 after cleaning" in ran.out.splitlines()
    assert "gate f1 min holds" in ran.out
    assert "m-1: only, roc_auc" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set-source", "rows"], "--set-source rows: write NAME=PATH"),
        (["--set-source", "=x.csv"], "write NAME=PATH"),
        (["--set-source", "patients=x.csv"], "there is no source 'patients' to replace; the sources are rows"),
    ],
)
def test_a_wrong_set_source_is_told(tmp_path, arguments, said):
    ran = train(tmp_path, spec_of("rows.csv"), *arguments)
    assert ran.code == 4
    assert said in ran.sentence


def test_a_store_is_needed(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text(manifest_of(spec_of("rows.csv")))
    ran = run("train", "-f", str(file))
    assert ran.code == 4
    assert ran.sentence == "--store is missing: with -f give --store DIR"


@pytest.mark.parametrize("arguments", [[], ["fly"], ["train"], ["train", "-f", "a", "--order", "b"]])
def test_wrong_usage_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: evermodel" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(command in said for command in ("train", "runs", "reproduce", "answer", "serve", "monitor"))
