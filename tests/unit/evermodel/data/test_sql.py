"""Rows from a database, by SQLite and by addresses that nobody answers. PostgreSQL: tests/integration."""

import json
import socket
import sqlite3
from datetime import UTC, datetime

import pytest

from evermodel.data.secrets import read_secret
from evermodel.data.sql import Database
from evermodel.errors import DataError, SpecError
from evermodel_api.base import SecretKey
from tests.unit.evermodel.bench import numbers, spec_of, stored, train_as_pod

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
REFERENCE = {"name": "clinic", "key": "dsn"}


@pytest.fixture
def database(tmp_path):
    """URL of an SQLite database with a table."""
    path = tmp_path / "clinic.db"
    with sqlite3.connect(path) as connection:
        numbers().assign(at=[f"2026-11-24 {i % 24:02}:00:00.000000" for i in range(40)]).to_sql(
            "patients", connection, index=False
        )
    connection.close()
    return f"sqlite:///{path}"


def ordered(folder, url, query="select a, b, c, y from patients", key="dsn"):
    """What a pod says that reads this database."""
    if url is not None:
        (folder / "secrets" / "clinic").mkdir(parents=True)
        (folder / "secrets" / "clinic" / "dsn").write_text(f"{url}\n")
    spec = spec_of("unused.csv")
    spec["data"]["sources"] = [{"name": "patients", "sql": {"secretRef": {**REFERENCE, "key": key}, "query": query}}]
    return train_as_pod(folder, spec)


def test_rows_of_a_database_make_a_model(tmp_path, database):
    ran, outcome = ordered(tmp_path, database, "select a, b, c, y from patients where at <= :asOf")
    assert (ran.code, outcome["outcome"]) == (0, "Succeeded")
    assert (
        outcome["rows"] == 24 - 11 + 16 - 13 + 10
    )  # those until noon: 13 of the first day's 24 hours, 13 of the next 16


@pytest.mark.parametrize(
    ("url", "key", "code", "reason", "said"),
    [
        (None, "dsn", 4, "SecretKeyMissing", "no such Secret, or no key of it, is mounted"),
        ("sqlite:///x", "dns", 4, "SecretKeyMissing", "has no value under the key 'dns' (it has dsn)"),
        ("", "dsn", 4, "SecretKeyMissing", "kubectl create secret generic clinic --from-literal=dsn=VALUE"),
        ("not an url with open-sesame", "dsn", 4, "SecretInvalid", "write it like postgresql+psycopg://"),
        ("nosql://u:open-sesame@host/db", "dsn", 4, "SecretInvalid", "no SQLAlchemy URL that this image knows"),
        (
            "mysql+pymysql://u:open-sesame@host/db",
            "dsn",
            4,
            "SecretInvalid",
            "the driver mysql+pymysql is not in this image",
        ),
        ("postgresql://u:open-sesame@host:port/db", "dsn", 4, "SecretInvalid", "no SQLAlchemy URL"),
        ("sqlite:////nowhere/clinic.db", "dsn", 3, "SourceNotFound", "there is no SQLite file /nowhere/clinic.db"),
    ],
)
def test_a_wrong_secret_is_told_without_what_it_holds(tmp_path, url, key, code, reason, said):
    ran, outcome = ordered(tmp_path, url, key=key)
    assert (ran.code, outcome["reason"]) == (code, reason), ran.err
    assert said in ran.sentence
    assert "open-sesame" not in json.dumps(outcome) + ran.err + ran.out
    assert stored(tmp_path) == ["runs/m/1/order.json"]


def test_a_database_that_nobody_answers_for_may_come_back(tmp_path):
    # given a port on which nobody listens
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        # when a pod wants to read from it
        ran, outcome = ordered(tmp_path, f"postgresql://ward:open-sesame@127.0.0.1:{port}/clinic")
    # then it may be tried again, and the password is nowhere
    assert (ran.code, outcome["reason"]) == (1, "SourceUnreachable")
    assert f"the database at 127.0.0.1:{port} cannot be reached" in ran.sentence
    assert "check the address and the credentials in the Secret" in ran.sentence
    assert "open-sesame" not in json.dumps(outcome) + ran.err + ran.out
    assert stored(tmp_path) == ["runs/m/1/order.json"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from wards", "no such table: wards"),
        ("select height from patients", "no such column: height"),
        ("selekt 1", "syntax error"),
        ("delete from patients", "readonly database"),
        ("insert into patients (a) values (1) returning a", "readonly database"),
        ("select * from patients where at < :tomorrow", "only :asOf is bound"),
        ("select a, a from patients", "gives the column 'a' twice"),
        ("pragma query_only = off", "gives no rows"),
    ],
)
def test_a_query_that_the_database_refuses_is_the_spec_s_fault(tmp_path, database, query, said):
    ran, outcome = ordered(tmp_path, database, query)
    assert (ran.code, outcome["reason"]) == (4, "QueryRefused")
    assert said in ran.sentence
    assert len(Database("p", database, "select * from patients", NOON).frame()) == 40


def test_a_query_without_rows_is_the_data_s_fault(tmp_path, database):
    ran, outcome = ordered(tmp_path, database, "select * from patients where 1 = 0")
    assert (ran.code, outcome["reason"]) == (3, "NoRows")


def test_no_file_is_made_where_none_was(tmp_path):
    with pytest.raises(DataError):
        Database("p", f"sqlite:///{tmp_path}/new.db", "select 1", NOON).frame()
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_read_without_the_newline_at_its_end(tmp_path):
    (tmp_path / "clinic").mkdir()
    (tmp_path / "clinic" / "dsn").write_text("sqlite://\n")
    assert read_secret(tmp_path, SecretKey(**REFERENCE)) == "sqlite://"


def test_what_is_no_text_is_no_secret(tmp_path):
    (tmp_path / "clinic").mkdir()
    (tmp_path / "clinic" / "dsn").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="has no value under the key 'dsn'"):
        read_secret(tmp_path, SecretKey(**REFERENCE))
