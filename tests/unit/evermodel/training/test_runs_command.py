"""`evermodel runs`: what people and programs read of the runs in a store."""

import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from evermodel.artifact.layout import CARD, LEDGER, QUARANTINE
from evermodel.training.memory import Mirrored, write_mirrored
from evermodel.training.runs_list import runs_text
from evermodel.training.text import Column, Paint, table
from tests.unit.evermodel.bench import run
from tests.unit.evermodel.training.past_runs import SPEC, digest, ledger_of, remember, trial


@pytest.fixture
def store(tmp_path):
    """Two runs, the second refused."""
    store = tmp_path / "store"
    remember(store, ledger_of(1))
    spec = {**SPEC, "run": {"seed": 43}}
    remember(store, ledger_of(2, spec=spec, outcome="Refused", metrics={"roc_auc": 0.5}, seed=43))
    return store


def runs(store, *arguments: str):
    ran = run("runs", *arguments, "--store", str(store))
    assert ran.code == 0, ran.err
    if "--json" not in arguments:  # what is an address is left whole, to be copied
        assert [line for line in ran.out.splitlines() if len(line) > 100 and "://" not in line] == []
    return ran


def test_the_list_has_a_line_for_each_run_newest_first(store):
    lines = runs(store, "list", "heart").out.splitlines()
    assert lines[0] == "heart: 2 runs, scores are roc_auc"
    assert [line.split() for line in lines[1:]] == [
        ["RUN", "WHEN", "OUTCOME", "ALGORITHM", "FOLDS", "TEST", "ROWS", "SEC", "CPU", "DATA", "MET"],
        ["heart-2", "2026-11-24", "02:30", "Refused", "knn", "0.9100", "0.5000", "300", "12.2", "33.5", "ddddddd", "1"],
        ["heart-1", "2026-11-24", "01:30", "Succeeded", "knn", "0.9100", "0.9123", "300", "12.2", "33.5", "ddddddd"],
    ]


def test_the_list_of_everything_has_a_table_for_each_training(store):
    remember(store, ledger_of(1, training="lung", search={**ledger_of().search.dump(), "objective": "f1"}))
    said = runs(store, "list").out
    assert "heart: 2 runs, scores are roc_auc" in said
    assert "lung: 1 run, scores are f1" in said


def test_runs_that_were_chosen_by_different_metrics_say_by_which(store):
    remember(store, ledger_of(3, search={**ledger_of().search.dump(), "objective": "f1"}))
    lines = runs(store, "list").out.splitlines()
    assert "SCORE" in lines[1]
    assert [line.split()[5] for line in lines[2:]] == ["f1", "roc_auc", "roc_auc"]


def test_a_run_without_a_ledger_is_listed_by_its_record(store):
    remember(store, ledger_of(3), whole=False)
    assert runs(store, "list").out.splitlines()[2].split()[:3] == ["heart-3", "Succeeded", "knn"]


def test_a_run_that_failed_or_is_still_at_work_is_listed_as_unfinished(store):
    # given a run that wrote its order and no record, beside one of another training
    for path in (store / "runs/heart/3/order.json", store / "runs/lung/1/order.json"):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    # then both are there
    assert runs(store, "list", "heart").out.splitlines()[2].split() == ["heart-3", "Unfinished"]
    entries = json.loads(runs(store, "list", "--json").out)
    assert [(entry["run"], entry["outcome"]) for entry in entries] == [
        ("heart-3", "Unfinished"),
        ("heart-2", "Refused"),
        ("heart-1", "Succeeded"),
        ("lung-1", "Unfinished"),
    ]
    assert len({tuple(entry) for entry in entries}) == 1  # all have the same keys


def test_the_list_for_programs_cuts_nothing(store):
    newest = json.loads(runs(store, "list", "--json").out)[0]
    assert newest["run"] == "heart-2"
    assert (newest["objective"], newest["foldScore"], newest["testScore"]) == ("roc_auc", 0.91, 0.5)
    assert (newest["dataDigest"], newest["champion"], newest["cpuSeconds"]) == (digest("d"), "heart-1", 33.5)
    assert newest["asOf"] == "2026-11-24T02:30:00.123456+00:00"


def test_an_empty_store_has_no_runs(tmp_path):
    assert runs(tmp_path, "list").out == f"The store {tmp_path} has no runs.\n"
    assert json.loads(runs(tmp_path, "list", "--json").out) == []


def test_long_names_fit_the_terminal(tmp_path):
    # given names as long as they may be, and other metrics in each run
    name, store = "a" * 60, tmp_path
    for number, metric in ((998, "roc_auc"), (999, "log_loss")):
        chosen = {**ledger_of().search.dump(), "objective": metric}
        remember(
            store,
            ledger_of(number, training=name, algorithm="b" * 60, champion=f"{name}-997", search=chosen, seconds=1e5),
        )
    # then every line fits, and the number of the run can be read
    lines = runs(store, "list", name).out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["…-999", "…-998"]
    runs(store, "show", f"{name}-999")


def test_one_run_is_shown_whole(store):
    write_mirrored(str(store), "heart", 1, Mirrored(done=True, message="copied to MLflow: http://mlflow/#/1"))
    said = runs(store, "show", "heart-1").out
    for part in (
        "heart-1: Succeeded",
        "Scheduled, asked by schedule",
        "303 read, 300 after cleaning, 3 set aside as wrong",
        "240 for training, 60 held out",
        "4 of 4 trials by roc_auc; sampler TPE, workers 2, 9.0 s",
        "0.8800 to 0.9400",
        "sex=female",
        "-0.0100 to 0.0400",
        "a probability of 0.41 on",
        "Collecting  1.5",
        digest("e"),
        "scikit-learn 1.9.1, numpy 2.4.1",
        "n_neighbors=4, weights=distance",
        f"file://{store}/runs/heart/1\n",
        "ledger.json, card.html, eda.html, mirrored.json",
        "copied to MLflow: http://mlflow/#/1",
    ):
        assert part in said, part


def test_the_best_trials_come_first_and_all_on_demand(store):
    # given a loss, where less is better, and fourteen trials
    trials = [
        trial(n, scores={"log_loss": 0.5 - n / 100}, state="Pruned" if n == 13 else "Complete") for n in range(14)
    ]
    chosen = {**ledger_of().search.dump(), "objective": "log_loss"}
    remember(store, ledger_of(5, trials=trials, chosen=12, search=chosen))

    def numbers(*options: str):
        lines = runs(store, "show", "heart-5", *options).out.splitlines()
        first = next(i for i, line in enumerate(lines) if "TRIAL" in line) + 1
        return [line.split()[0] for line in lines[first:] if line and line.split()[0].lstrip("*").isdigit()], lines

    best, lines = numbers()
    assert best[:10] == ["*12", "11", "10", "9", "8", "7", "6", "5", "4", "3"]
    assert "  4 more: --trials shows all" in lines
    assert numbers("--trials")[0][10:14] == ["2", "1", "0", "13"]


def test_one_run_for_programs(store):
    document = json.loads(runs(store, "show", "heart-1", "--json").out)
    assert document["ledger"]["specDigest"] == digest("a")
    assert document["record"]["outcome"] == "Succeeded"
    assert set(document["documents"]) == {LEDGER, CARD, "eda.html"}
    assert document["mirrored"] is None


def test_pages_are_copied(store, tmp_path):
    card, eda = tmp_path / "c.html", tmp_path / "e.html"
    said = runs(store, "show", "heart-1", "--card", str(card), "--eda", str(eda)).out
    assert (card.read_bytes(), eda.read_bytes()) == (b"<h1>card</h1>", b"<h1>data</h1>")
    assert said.splitlines() == [f"{card} (13 bytes)", f"{eda} (13 bytes)"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_wrong_rows_are_downloaded(store, tmp_path, suffix):
    # given a run that set rows aside
    rows = pa.table({"age": [-1, 999], "name": ['a "quoted", one', None], "_wrong": ["age < 0", "age > 120"]})
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(rows, sink)
    remember(store, ledger_of(3), {QUARANTINE: sink.getvalue().to_pybytes()})
    # when they are asked for
    path = tmp_path / f"wrong.{suffix}"
    runs(store, "show", "heart-3", "--quarantine", str(path))
    # then they are there as they were
    options = pyarrow.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    read = (
        pyarrow.parquet.read_table(path) if suffix == "parquet" else pyarrow.csv.read_csv(path, convert_options=options)
    )
    assert read.to_pylist() == rows.to_pylist()


def test_two_runs_are_compared(store, tmp_path):
    said = runs(store, "compare", "heart-1", "heart-2").out
    assert "The data is the same." in said
    assert "  run.seed: 42 -> 43" in said
    assert "-0.4123 worse" in said
    document = json.loads(runs(store, "compare", "heart-1", "heart-2", "--json").out)
    assert document["sameData"] is True
    assert document["metrics"][0]["differences"] == [0.0, pytest.approx(-0.4123)]
    page = tmp_path / "page.html"
    assert str(page) in runs(store, "compare", "heart-1", "heart-2", "--html", str(page)).out
    assert "run.seed" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "heart-9"], 3, "has no run heart-9; it has heart-1, heart-2"),
        (["show", "heart"], 3, "has no run heart; it has heart-1, heart-2"),
        (["compare", "heart-1", "lung-1"], 3, "has no run lung-1"),
        (["compare", "heart-1"], 4, "name two different runs or more"),
        (["compare", "heart-1", "heart-1"], 4, "name two different runs or more"),
        (["list", "lung"], 3, "has no run of lung; it has heart"),
        (["show", "heart-1", "--quarantine", "rows.xlsx"], 4, "ends in .csv or .parquet"),
        (["show", "heart-1", "--quarantine", "rows.csv"], 3, "heart-1 has no quarantine.parquet; it has ledger.json"),
        (["show", "heart-1", "--card", "no/where/card.html"], 1, "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told(store, arguments, code, said):
    ran = run("runs", *arguments, "--store", str(store))
    assert ran.code == code
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""


@pytest.mark.parametrize(("content", "said"), [(b"{}", "(training)"), (b"nonsense", "(it is no JSON)")])
def test_a_ledger_that_cannot_be_read_is_told(store, content, said):
    remember(store, ledger_of(3), {LEDGER: content})
    ran = run("runs", "show", "heart-3", "--store", str(store))
    assert ran.code == 3
    assert "ledger.json is no ledger of this release" in ran.err
    assert said in ran.err


def test_a_run_that_wrote_no_ledger_cannot_be_shown(store):
    remember(store, ledger_of(3), whole=False)
    ran = run("runs", "show", "heart-3", "--store", str(store))
    assert (ran.code, "heart-3 has no ledger" in ran.err) == (3, True)


QUICK = """
import sys
from evermodel.cli import main
store, wanted = sys.argv[1:3]
verbs = {
    "list": ["list"],
    "show": ["show", "heart-1"],
    "compare": ["compare", "heart-1", "heart-2", "--html", f"{store}/page.html"],
}
main(["runs", *verbs[wanted], "--store", store])
print(sorted({"sklearn", "pandas", "numpy", "scipy", "pyarrow", "mlflow", "optuna", "duckdb"} & set(sys.modules)))
"""


@pytest.mark.parametrize("verb", ["list", "show", "compare"])
def test_no_library_that_computes_is_imported(store, verb):
    command = [sys.executable, "-c", QUICK, str(store), verb]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "[]"


def test_colour_is_for_terminals():
    columns, rows = [Column("A")], [["x"]]
    assert table(columns, rows, Paint(on=False)) == ["A", "x"]
    assert table(columns, rows, Paint(on=True)) == ["\x1b[1mA\x1b[0m", "x"]
    assert runs_text([], Paint(on=True)) == []


def test_what_the_data_says_cannot_move_the_cursor(store):
    slices = [{"by": "name", "level": "\x1b[2J\r\nx", "rows": 20, "judged": True, "scores": {}}]
    remember(store, ledger_of(3, slices=slices, features=["\x1b]0;title\x07"]))
    assert "\x1b" not in runs(store, "show", "heart-3").out
