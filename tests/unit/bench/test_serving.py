"""The pure parts of the benchmark of servers: what wrk says, forms of requests, ratios, targets, tables, trends."""

import doctest
import json
import subprocess
import sys

import pytest

from tests.bench.serving import bodies, soak, verdict
from tests.bench.serving.bodies import Rows
from tests.bench.serving.load import Cell, read_cell
from tests.bench.serving.process import running
from tests.bench.serving.saturation import answered, stays
from tests.bench.serving.verdict import cell_name, markdown, ratio, verdicts

PRINTED = """Running 1s test
JSON {"requests": 900, "seconds": 2.0, "p50_ms": 1.5, "p99_ms": 4.0, "max_ms": 9, "connection_errors": 1, "timeouts": 2, "status_errors": 3, "busy": 2}
"""
NUMBERS = Rows(["a", "b"], [[1.0, 2.0], [3.0, None]], [1, 0])
TEXTS = Rows(["a", "b"], [[1.0, "x"], [None, "y"]], [1, 0])


def test_the_examples_in_the_docstrings():
    for module in (bodies, soak):
        assert doctest.testmod(module).failed == 0


def test_what_wrk_prints_is_read():
    found = read_cell(PRINTED)
    assert (found.rate, found.errors, found.busy, found.busy_without_retry_after) == (450, 6, 2, 0)
    assert found.document()["rate"] == 450


def test_wrk_that_broke_off_is_told():
    with pytest.raises(ValueError, match="unable to connect"):
        read_cell("unable to connect to 127.0.0.1:1 Connection refused")


def test_numbers_are_one_tensor_and_tables_with_texts_a_tensor_for_each_column():
    assert json.loads(bodies.tensor(NUMBERS))["inputs"] == [
        {"name": "predict", "shape": [2, 2], "datatype": "FP64", "data": [1.0, 2.0, 3.0, None]}
    ]
    a, b = json.loads(bodies.tensor(TEXTS))["inputs"]
    assert (a["datatype"], a["data"], b["datatype"], b["data"]) == ("FP64", [1.0, None], "BYTES", ["x", "y"])
    assert json.loads(bodies.instances(NUMBERS.first(1))) == {"instances": [[1.0, 2.0]]}
    assert json.loads(bodies.instances(TEXTS))["instances"][1] == {"a": None, "b": "y"}
    assert json.loads(bodies.scoring(TEXTS))["dataframe_split"]["columns"] == ["a", "b"]


def measured(kind: str, rate: float, *, p99: float = 1.0, errors: int = 0, pss: float = 100.0, ready: float = 1.0):
    names = [cell_name(rows, connections) for rows in (1, 100) for connections in (1, 8, 64)]
    cells = {name: {"rate": rate, "p50_ms": 0.5, "p99_ms": p99, "errors": errors} for name in names}
    size = {"pss": pss, "rss": pss, "processes": 1}
    return {"lr": {"kind": kind, "cells": cells, "ready_seconds": ready, "rest": size, "after": size}}


RESULTS = {
    "evermodel": measured("ours", 5000, p99=2.0),
    "slow": measured("peer", 500, p99=9.0),
    "quick": measured("peer", 1000, p99=5.0),
    "broken": measured("peer", 9000, errors=1),
    "floor": measured("floor", 8000),
}


def test_ratios_are_beside_the_best_that_answers_rightly():
    assert ratio(RESULTS, "peer", "lr", cell_name(1, 8)) == ("quick", 5.0)
    assert ratio(RESULTS, "floor", "lr", cell_name(1, 8)) == ("floor", 0.625)
    assert ratio({"quick": RESULTS["quick"]}, "peer", "lr", cell_name(1, 8)) is None


def test_targets_are_held_missed_or_not_measured():
    found = {one.name: one for one in verdicts(RESULTS)}
    assert found["lr, 1 rows, 8 connections"].held is True
    assert (found["lr, 1 rows, 64 connections"].held, found["lr, 1 rows, 64 connections"].got) == (False, 5.0)
    assert found["forest, 1 rows, 8 connections"].held is None
    assert found["p99 of lr, 1 rows, 8 connections"].held is False  # 2 of 5 ms
    assert found["MiB at rest, lr"].held
    assert found["seconds to ready, lr"].held
    large = {"evermodel": measured("ours", 1, pss=181, ready=1.6)}
    assert [one.held for one in verdicts(large) if one.got is not None] == [False, False]


def test_the_tables_have_all_servers_and_all_targets():
    about = {
        "connections": [1, 8, 64],
        "rows": [1, 100],
        "failed": {"ray, lr": "late"},
        "versions": {"ray": {"ray": "2"}},
    }
    text = markdown({**about, "results": RESULTS})
    assert "| quick | 1000 (0.50 / 5.00)" in text
    assert "| ours / best peer | 5.00x quick" in text
    assert "- ray, lr: late" in text
    assert "| lr, 1 rows, 64 connections | >= 8x | 5 | quick | NO |" in text
    # and each row of a table has as many cells as its head
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert tables
    assert all(len({line.count("|") for line in table}) == 1 for table in tables)


def cell(rate: float, **more: int) -> Cell:
    told = {"status_errors": 0, **more}
    return Cell(int(rate * 2), 2.0, 1.0, 2.0, 3.0, 0, 0, **told)


def test_saturation_is_told_by_the_last_rate_and_by_right_answers():
    assert stays([cell(100), cell(1000), cell(900)]) == 0.9
    assert answered(cell(100, status_errors=50)) == 75


def test_memory_that_grows_is_told():
    even = [(float(at), 100.0 + at % 2) for at in range(100)]
    growing = [(float(at), 100.0 + at / 4) for at in range(100)]
    assert soak.trend(even).flat
    assert not soak.trend(growing).flat
    assert soak.trend(growing).mib_per_hour == 900
    with pytest.raises(ValueError, match="more minutes"):
        soak.trend(even[:2])


def test_a_pause_makes_the_rate():
    assert soak.pause_ms(32, 3200, 4) == 6
    assert soak.pause_ms(32, 3200, 40) == 0


def test_the_mix_has_all_routes_of_inference():
    paths = {request.path for request in soak.mix(TEXTS, "m")}
    assert {"/v2/models/m/infer", "/v1/models/m:predict", "/v2/model/m/1.0,x/prediction", "/metrics"} <= paths


def test_a_daemon_that_left_its_parent_is_ended_too(tmp_path):
    # given a server whose child has a session of its own, and outlives its parent
    child = "import time; time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)"
    with running([sys.executable, "-c", parent], {}, tmp_path / "log", None) as tree:
        tree.process.wait(20)
        # then it still belongs to the tree
        (pid,) = tree.pids()
        assert tree.memory().pss > 1
    # when the tree is ended, so is the child
    assert tree.pids() == []
    ran = subprocess.run(["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False)
    assert ran.stdout.strip()[:1] in ("", "Z")


def test_the_targets_are_the_ones_that_were_set():
    assert [(t.model, t.rows, t.connections, t.times) for t in verdict.RATES][:4] == [
        ("lr", 1, 1, 4),
        ("lr", 1, 8, 5),
        ("lr", 1, 64, 8),
        ("lr", 100, 8, 3),
    ]
