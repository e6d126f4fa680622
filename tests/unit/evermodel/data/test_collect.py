"""Collection as a whole: what is read, what is told, and what is left behind."""

import sqlite3
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from evermodel.data import collect as module
from evermodel.data import engine as engine_module
from evermodel.data.batches import BATCH_ROWS, batch_of, batch_of_rows, is_mixed, merge_schemas, to_frame
from evermodel.data.collect import collect
from evermodel.data.combine import combine
from evermodel.data.engine import Engine, available_memory, threads
from evermodel.data.spool import spool
from evermodel.errors import DataError, RunError, SpecError
from evermodel_api.training import CombineStep, Data

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PATIENTS = pd.DataFrame({"id": [3, 1, 2], "age": [50, 60, None]})
LABS = pd.DataFrame({"id": [1, 1, 2, 9], "chol": [200.0, 220.0, None, 150.0]})


@pytest.fixture
def clinic(tmp_path):
    """Patients in a database, labs in a file, sites behind an address that nobody answers."""
    path = tmp_path / "clinic.db"
    with sqlite3.connect(path) as connection:
        PATIENTS.to_sql("patients", connection, index=False)
    connection.close()
    (tmp_path / "secrets" / "clinic").mkdir(parents=True)
    (tmp_path / "secrets" / "clinic" / "dsn").write_text(f"sqlite:///{path}")
    LABS.to_json(tmp_path / "labs.jsonl", orient="records", lines=True)
    return {
        "sources": [
            {
                "name": "patients",
                "sql": {"secretRef": {"name": "clinic", "key": "dsn"}, "query": "select * from patients"},
            },
            {"name": "labs", "file": {"uri": str(tmp_path / "labs.jsonl")}},
            {"name": "sites", "http": {"uri": "http://127.0.0.1:9/sites"}},
        ],
        "combine": [
            {"aggregate": {"in": "labs", "by": ["id"], "out": "by", "agg": {"chol": ["chol", "mean"]}}},
            {"join": {"left": "patients", "right": "by", "on": ["id"], "out": "all", "validate": "one_to_one"}},
        ],
    }


def collected(folder, data, said=None):
    said = [] if said is None else said
    spec = Data.model_validate(data)
    return collect(spec, NOON, folder / "secrets", folder / "scratch", 256 << 20, said.append)


def test_sources_are_combined_and_nothing_is_left_in_the_scratch_space(tmp_path, clinic):
    said: list[str] = []
    found = collected(tmp_path, clinic, said)
    # then the rows come in the order of their content
    assert found.frame["id"].tolist() == [1, 2, 3]
    assert found.frame["age"].fillna(-1).tolist() == [60, -1, 50]
    assert found.frame["chol"].fillna(-1).tolist() == [210, -1, -1]
    assert [(read.name, read.rows) for read in found.sources] == [("patients", 3), ("labs", 4)]
    # and it is told what was read, and that what nothing needs was not
    assert said[0] == "source 'sites' is not read: the last step of combine needs nothing of it"
    assert said[1].startswith("source 'patients': 3 rows in ")
    assert said[-1] == "combined: 3 rows, 3 columns"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_one_source_without_combine_is_not_spooled(tmp_path, clinic):
    found = collected(tmp_path, {"sources": clinic["sources"][:1]})
    assert found.frame["id"].tolist() == [3, 1, 2]
    assert [(read.name, read.rows) for read in found.sources] == [("patients", 3)]
    assert not (tmp_path / "scratch").exists()


def test_one_source_with_combine_is_combined(tmp_path, clinic):
    data = {"sources": [clinic["sources"][1]], "combine": clinic["combine"][:1]}
    assert collected(tmp_path, data).frame["id"].tolist() == [1, 2, 9]


def test_a_wrong_step_is_told_before_anything_is_read(tmp_path, clinic):
    clinic["combine"][1]["join"]["right"] = "sites-by-patient"
    with pytest.raises(SpecError, match="reads 'sites-by-patient'") as error:
        collected(tmp_path, clinic, said := [])
    assert error.value.reason == "CombineInvalid"
    assert said == []


def test_a_missing_secret_is_told_before_anything_is_read(tmp_path, clinic):
    clinic["sources"][1]["file"]["secretRef"] = {"name": "lake"}
    with pytest.raises(SpecError, match="the Secret 'lake'"):
        collected(tmp_path, clinic, said := [])
    assert not [sentence for sentence in said if "rows in" in sentence]


def test_a_source_that_fails_leaves_nothing_behind(tmp_path, clinic):
    (tmp_path / "labs.jsonl").write_text('{"id": 1}\n{"id":\n')
    with pytest.raises(DataError, match="line 2 is no JSON") as error:
        collected(tmp_path, clinic)
    assert error.value.reason == "SourceUnreadable"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_source_without_rows_still_has_columns(tmp_path, clinic):
    clinic["sources"][0]["sql"]["query"] = "select * from patients where 1 = 0"
    found = collected(tmp_path, clinic)
    assert list(found.frame.columns) == ["id", "age", "chol"]
    assert len(found.frame) == 0


def test_a_source_without_rows_and_columns_is_told(tmp_path, clinic):
    (tmp_path / "labs.jsonl").write_text("")
    with pytest.raises(DataError, match="source 'labs' gave no rows") as error:
        collected(tmp_path, clinic)
    assert error.value.reason == "NoRows"


def test_long_reading_is_told_now_and_then(monkeypatch):
    moments = iter([0.0, 5.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(moments))
    said: list[str] = []
    batches = iter([batch_of({"a": [1] * 10})] * 3)
    assert len(list(module._counted("labs", batches, said.append))) == 3
    assert said == ["source 'labs': 20 rows so far"]


def test_a_full_disk_is_told_while_a_source_is_read(tmp_path):
    # given a file on a device that is always full
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.parquet").symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"the scratch space at .* is full; give the run's pod more") as error:
        spool((batch_of({"x": list(range(10_000))}) for _ in range(200)), tmp_path / "a")
    assert (error.value.reason, error.value.code) == ("ScratchFull", 1)


def test_a_full_disk_is_told_while_tables_are_combined(tmp_path):
    engine = Engine(tmp_path, 128 << 20)
    engine.run("SET max_temp_directory_size = '1MB'")
    with pytest.raises(RunError, match="the scratch space at") as error:
        engine.table("SELECT hash(i) AS c0, md5(CAST(i AS VARCHAR)) AS c1 FROM range(6000000) AS r(i)")
    assert error.value.reason == "ScratchFull"
    engine.close()


def test_too_little_memory_is_told(tmp_path, monkeypatch):
    # given a limit in which not even the groups' keys of one thread fit, and no room to put them elsewhere
    monkeypatch.setattr(engine_module, "_LEAST_MEMORY", 1 << 20)
    rows = pd.DataFrame({"k": np.arange(200_000).astype(str), "x": 1.0})
    spooled = {"a": spool(pa.Table.from_pandas(rows).to_batches(10_000), tmp_path / "a")}
    step = CombineStep.model_validate({"aggregate": {"in": "a", "by": ["k"], "out": "o", "agg": {"s": ["x", "sum"]}}})
    with pytest.raises(RunError, match=r"data.combine needs more than the 4 MiB") as error:
        combine(spooled, [step], tmp_path / "combine", 4 << 20)
    assert (error.value.reason, error.value.code) == ("OutOfMemory", 1)


def test_what_the_machine_allows(monkeypatch, tmp_path):
    assert 1 <= threads() <= 1024
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads() == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(engine_module, "_QUOTA", quota)
    quota.write_text("50000 100000\n")
    assert threads() == 1
    limit = tmp_path / "memory.max"
    limit.write_text("1048576\n")
    monkeypatch.setattr(engine_module, "_LIMITS", (str(limit), str(tmp_path / "none")))
    assert available_memory() == 1048576
    limit.write_text("max\n")
    assert available_memory() > 1048576


def test_batches_of_python_values():
    from decimal import Decimal
    from uuid import UUID

    batch = batch_of(
        {
            "decimal": [Decimal("1.5"), None],
            "both": [Decimal("1.5"), 2.5],
            "large": [2**70, 1],
            "uuid": [UUID(int=7), None],
            "mixed": [1, "x"],
        }
    )
    assert [str(kind) for kind in batch.schema.types] == ["double", "double", "double", "string", "string"]
    assert [is_mixed(field) for field in batch.schema] == [False] * 4 + [True]
    frame = to_frame([batch])
    assert frame["mixed"].tolist() == [1, "x"]
    assert frame["uuid"].tolist()[0] == "00000000-0000-0000-0000-000000000007"


def test_columns_come_in_the_order_of_their_first_row():
    batches = [batch_of_rows([{"b": 1}, {"a": 2, "b": 3}]), batch_of_rows([{"c": 4}])]
    assert merge_schemas(batch.schema for batch in batches).names == ["b", "a", "c"]
    assert to_frame(batches).fillna(0).to_dict("list") == {"b": [1, 3, 0], "a": [0, 2, 0], "c": [0, 0, 4]}


def test_text_among_numbers_of_a_large_csv_keeps_its_zeros(tmp_path):
    # given a column of numbers in the first batch, with text in the last row
    lines = [*(f"{i:05}" for i in range(BATCH_ROWS + 1)), "x7"]
    (tmp_path / "rows.csv").write_text("code\n" + "\n".join(lines))
    data = {
        "sources": [{"name": "rows", "file": {"uri": str(tmp_path / "rows.csv")}}],
        "combine": [{"aggregate": {"in": "rows", "by": ["code"], "out": "o", "agg": {"n": ["code", "count"]}}}],
    }
    # then all of it is text, as it is when the file is read at once
    assert collected(tmp_path, data).frame["code"].tolist() == sorted(lines)
    assert sorted(collected(tmp_path, {"sources": data["sources"]}).frame["code"]) == sorted(lines)
