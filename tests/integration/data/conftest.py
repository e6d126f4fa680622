"""Real servers, each started once for all tests that need it."""

import shutil

import psycopg
import pytest

from hack.s3.server import S3Server, start_s3
from tests.integration.data.postgres import programs, start_postgres
from tests.integration.data.tables import TABLE
from tests.integration.data.web import Web


@pytest.fixture(scope="session")
def postgres():
    if programs() is None:
        pytest.skip("no PostgreSQL programs (initdb, pg_ctl) were found: install the package postgresql")
    server = start_postgres()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(TABLE)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def s3_server():
    if shutil.which("go") is None:
        pytest.skip("Go was not found, and the S3 server is built from its Go module: install Go")
    server = start_s3()
    yield server
    server.stop()


@pytest.fixture
def bucket(s3_server: S3Server, request: pytest.FixtureRequest):
    """URL of an empty bucket."""
    name = f"bucket-{abs(hash(request.node.nodeid)):x}"
    yield s3_server.make_bucket(name)
    shutil.rmtree(s3_server.directory / "buckets" / name)


@pytest.fixture
def web():
    server = Web()
    yield server
    server.stop()
