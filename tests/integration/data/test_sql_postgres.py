"""Rows from a real PostgreSQL: what is bound, what is refused, which types come, and what is said when it goes away."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pandas as pd
import psycopg
import pytest

from evermodel.data.columns import read_column
from evermodel.data.sql import Database
from evermodel.data.unavailable import SourceUnavailableError
from evermodel.errors import SpecError
from tests.integration.data.postgres import PASSWORD, Postgres

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def read(server: Postgres, query: str, as_of: datetime = NOW) -> pd.DataFrame:
    return Database("patients", server.url, query, as_of).frame()


def count(server: Postgres) -> int:
    with psycopg.connect(server.dsn) as connection:
        row = connection.execute("select count(*) from patients").fetchone()
    assert row is not None
    return int(row[0])


def test_as_of_is_bound_as_a_moment(postgres):
    # given rows from now back to 99 hours ago, when rows until ten hours ago are asked for, in another time zone
    as_of = (NOW - timedelta(hours=10)).astimezone(None)
    frame = read(postgres, "select id from patients where seen <= :asOf and :asOf < '2027-01-01'::timestamptz", as_of)
    # then those before it come
    assert sorted(frame["id"]) == list(range(10, 100))


def test_types_become_numbers_categories_and_dates(postgres):
    # given one column of each type, some with gaps
    frame = read(postgres, "select * from patients order by id")
    # when they are read as columns
    found = {}
    for name in ("age", "weight", "smoker", "name", "score", "big"):
        column = read_column(name, frame[name])
        found[name] = (column.kind, column.datatype, int(column.missing.sum()))
    # then each is what it is in the database
    assert found == {
        "age": ("number", "FP64", 15),
        "weight": ("number", "FP64", 0),
        "smoker": ("category", "BOOL", 20),
        "name": ("category", "BYTES", 0),
        "score": ("number", "FP64", 25),
        "big": ("number", "INT64", 0),
    }
    assert frame["weight"].tolist() == [50 + i * 0.25 for i in range(100)]
    assert frame["smoker"].tolist()[:3] == [None, False, True]
    assert frame["note"].isna().all()
    assert [read_column(name, frame[name]).kind for name in ("seen", "born")] == ["moment", "moment"]


def test_many_rows_come_in_chunks_with_the_types_of_all_of_them(postgres):
    # given more rows than one chunk, a value missing only in the last one, and a column without any value in the first
    query = "select i, case when i < 25000 then i end as late_gap, case when i > 20000 then i::text end as late from generate_series(1, 25000) i"
    frame = read(postgres, query)
    # then all are there, with one type each
    assert frame["i"].tolist() == list(range(1, 25001))
    assert read_column("late_gap", frame["late_gap"]).missing.sum() == 1
    late = read_column("late", frame["late"])
    assert (late.kind, int(late.missing.sum())) == ("category", 20000)


@pytest.mark.parametrize(
    "query",
    [
        "insert into patients (id) values (1000) returning id",
        "delete from patients returning id",
        "with gone as (delete from patients returning id) select * from gone",
        "select 1 as a; commit; delete from patients",
        "commit; delete from patients; select 1",
        "truncate patients",
        "drop table patients",
        "create table other (id int)",
        "update patients set age = 0",
        "select nextval('counter')",
        "set session characteristics as transaction read write",
        "select nothing from patients",
        "select * from nowhere",
        "selekt 1",
        "select * from patients where seen < :tomorrow",
        "select 1 as a, 2 as a",
        "select 1 / 0",
    ],
)
def test_what_is_no_plain_select_is_refused_and_changes_nothing(postgres, query):
    before = count(postgres)
    with pytest.raises(SpecError) as error:
        read(postgres, query)
    assert error.value.reason == "QueryRefused"
    assert "\n" not in str(error.value)
    assert PASSWORD not in str(error.value)
    assert count(postgres) == before


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select id from patients where name like 'name 1%'", 33),
        ("select id from patients where name ~ '^name [12]$' and '12:30' <> name", 66),
        ("select id::bigint as id from patients where weight % 2 = 0", 13),
        ("select id from patients where false", 0),
        ("select id from patients -- all of them\nwhere id >= 0;", 100),
        ("with few as (select * from patients limit 5) select * from few", 5),
    ],
)
def test_queries_that_people_write_are_read(postgres, query, rows):
    assert len(read(postgres, query)) == rows


def test_all_rows_come_from_one_state_of_the_database(postgres):
    # given a query that takes a while between its first look at a table and its second
    query = (
        "select (select count(*) from patients) as before, pg_sleep(0.8)::text as waited, "
        "(select count(*) from patients where id > -1) as after"
    )
    found: list[pd.DataFrame] = []
    reader = threading.Thread(target=lambda: found.append(read(postgres, query)))
    reader.start()
    time.sleep(0.3)
    # when a row is added meanwhile
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("insert into patients (id) values (5000)")
        level = connection.execute("select 1").fetchone()
    reader.join(timeout=10)
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("delete from patients where id = 5000")
    # then both looks see the same
    assert level == (1,)
    assert found[0]["before"].tolist() == found[0]["after"].tolist() == [100]


def test_the_transaction_is_read_only_and_repeatable(postgres):
    query = "select current_setting('transaction_isolation') as level, current_setting('transaction_read_only') as only"
    assert read(postgres, query).iloc[0].tolist() == ["repeatable read", "on"]


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_an_url_without_a_driver_takes_the_one_in_the_image(postgres, scheme):
    url = postgres.url.replace("postgresql+psycopg", scheme)
    assert Database("patients", url, "select 1 as one", NOW).frame()["one"].tolist() == [1]


def test_a_wrong_password_is_told_without_it(postgres):
    wrong = postgres.url.replace(PASSWORD, "guessed-wrong")
    with pytest.raises(SourceUnavailableError) as error:
        Database("patients", wrong, "select 1", NOW).frame()
    assert error.value.reason == "SourceUnreachable"
    assert f"the database at 127.0.0.1:{postgres.port} cannot be reached" in str(error.value)
    assert "password authentication failed" in str(error.value)
    assert "guessed-wrong" not in str(error.value)


def test_a_database_that_goes_away_while_it_answers_may_come_back(postgres):
    # given a query under way
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            read(postgres, "select i, pg_sleep(0.0005)::text as waited from generate_series(1, 60000) i")
        except SourceUnavailableError as error:
            errors.append(error)

    reader = threading.Thread(target=ask)
    reader.start()
    # when its connection is ended by the server
    ended = 0
    deadline = time.monotonic() + 10
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        while not ended and time.monotonic() < deadline:
            found = connection.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where query like 'FETCH%' and state = 'active'"
            ).fetchone()
            ended = found[0] if found else 0
            time.sleep(0.05)
    reader.join(timeout=20)
    # then it is told as something that may pass
    assert ended == 1
    assert len(errors) == 1
    assert errors[0].reason == "SourceUnreachable"
    assert errors[0].code == 1
    assert PASSWORD not in str(errors[0])
