"""Rows from a database: one SELECT in a read-only transaction, streamed in batches. No message holds a password."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import NullPool

from evermodel.data.batches import BATCH_ROWS, batch_of, to_frame
from evermodel.data.unavailable import SourceUnavailableError
from evermodel.errors import DataError, SpecError

_CONNECT_SECONDS = 10
_POSTGRESQL = {
    # A peer that is gone without a word, and not only slow, is noticed within a minute and a half.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 5,
    "tcp_user_timeout": 90_000,
}


class Database:
    """Rows of one SELECT, as of one moment.

    PostgreSQL reads in a REPEATABLE READ, READ ONLY transaction: all rows come from one state of the database.

    Args:
        name: name of the source, for messages.
        url_text: SQLAlchemy URL, as the Secret holds it.
        query: one SELECT; `:asOf` is bound to `as_of` and never spliced into the text.
        as_of: a moment with a time zone.

    Raises:
        SpecError: `SecretInvalid` when the URL is none or its driver is not in the image.
        DataError: `SourceNotFound` when an SQLite file is not there.
    """

    def __init__(self, name: str, url_text: str, query: str, as_of: datetime) -> None:
        self._name = name
        self._url = _parse_url(name, url_text)
        self._engine = _make_engine(name, self._url)
        self._query = query
        self._as_of = as_of

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows; a query that finds none gives one batch with its columns.

        Raises:
            SpecError: `QueryRefused` when the database refuses the query.
            SourceUnavailableError: `SourceUnreachable` when the database cannot be reached, or goes away.
        """
        with _told(self._name, self._url):
            connection = self._engine.connect()
        with connection:
            _make_read_only(connection)
            with _told(self._name, self._url, query=True):
                yield from self._read(connection)

    def frame(self) -> pd.DataFrame:
        """All rows.

        Raises:
            RunError: as `batches`.
        """
        return to_frame(self.batches())

    def _read(self, connection: sa.Connection) -> Iterator[pa.RecordBatch]:
        statement = sa.text(self._query)
        parameters: dict[str, Any] = {}
        if "asOf" in statement._bindparams:  # noqa: SLF001  SQLAlchemy refuses to bind what is not named
            statement = statement.bindparams(sa.bindparam("asOf", type_=sa.DateTime(timezone=True)))
            parameters["asOf"] = self._as_of
        streaming = connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
        with streaming.execute(statement, parameters) as result:
            columns = _columns(result, self._name)
            seen = False
            for rows in result.partitions(BATCH_ROWS):
                seen = True
                yield batch_of(dict(zip(columns, zip(*rows, strict=True), strict=True)))
            if not seen:
                yield batch_of({column: [] for column in columns})


def _parse_url(name: str, text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
        url.get_dialect()
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError):
        raise SpecError(
            "SecretInvalid",
            f"source {name!r}: the Secret holds no SQLAlchemy URL that this image knows; "
            "write it like postgresql+psycopg://user:password@host:5432/database",
        ) from None
    if url.get_backend_name() == "postgresql" and "+" not in url.drivername:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_file():
        raise DataError("SourceNotFound", f"source {name!r}: there is no SQLite file {url.database}; correct the URL")
    return url


def _make_engine(name: str, url: sa.URL) -> sa.Engine:
    arguments = {"connect_timeout": _CONNECT_SECONDS} if url.get_backend_name() in {"postgresql", "mysql"} else {}
    if url.drivername == "postgresql+psycopg":
        arguments |= _POSTGRESQL
    try:
        engine = sa.create_engine(url, connect_args=arguments, poolclass=NullPool)
    except ImportError as error:
        raise SpecError(
            "SecretInvalid",
            f"source {name!r}: the driver {url.drivername} is not in this image ({error}); "
            "use postgresql+psycopg or sqlite",
        ) from None
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine


def _make_read_only(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")


def _columns(result: sa.CursorResult[Any], name: str) -> list[str]:
    if not result.returns_rows:
        raise SpecError("QueryRefused", f"source {name!r}: the query gives no rows; write one SELECT")
    columns = list(result.keys())
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise SpecError(
            "QueryRefused",
            f"source {name!r}: the query gives the column {twice[0]!r} twice; name the columns it selects",
        )
    return columns


@contextmanager
def _told(name: str, url: sa.URL, *, query: bool = False) -> Iterator[None]:
    try:
        yield
    except exc.DBAPIError as error:
        lost = error.connection_invalidated or (
            isinstance(error, exc.OperationalError) and url.get_backend_name() != "sqlite"
        )
        if not query or lost:
            raise SourceUnavailableError(
                "SourceUnreachable",
                f"source {name!r}: the database at {_place(url)} cannot be reached: {_reason(error.orig, url)}; "
                "check the address and the credentials in the Secret, and that the database runs",
            ) from None
        raise _refused(name, _reason(error.orig, url)) from None
    except exc.SQLAlchemyError as error:
        detail = error.orig if isinstance(error, exc.StatementError) and error.orig else error
        raise _refused(name, f"{_reason(detail, url)} (only :asOf is bound)") from None


def _refused(name: str, reason: str) -> SpecError:
    return SpecError(
        "QueryRefused", f"source {name!r}: the database refuses the query: {reason}; correct data.sources.sql.query"
    )


def _place(url: sa.URL) -> str:
    return url.host + (f":{url.port}" if url.port else "") if url.host else url.drivername


def _reason(error: BaseException | None, url: sa.URL) -> str:
    """The driver's own words on one line, without the password."""
    text = " ".join(str(error).split())[:500]
    return text.replace(str(url.password), "***") if url.password else text
