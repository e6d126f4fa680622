"""Places for the conformance suite of sources: one for each kind, over real files, servers and databases."""

import json
import socket
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import fsspec
import pandas as pd
import sqlalchemy as sa

from evermodel.conformance.sources import Row
from evermodel.data.files import Files
from evermodel.data.http import HttpApi
from evermodel.data.source import Source
from evermodel.data.sql import Database
from evermodel_api.training import FileSource, HttpSource
from tests.integration.data.postgres import PASSWORD, Postgres
from tests.integration.data.web import Reply, Web

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
COLUMNS = "id"


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def content_of(rows: Sequence[Row], suffix: str) -> bytes:
    """A file with these rows."""
    if suffix.startswith("jsonl"):
        return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    names = list(rows[0]) if rows else [COLUMNS]
    # whole numbers stay whole, and a column without values has no type
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in names})
    frame = frame.convert_dtypes() if suffix == "parquet" else frame
    content: bytes = frame.to_parquet() if suffix == "parquet" else frame.to_csv(index=False).encode()
    return content


@dataclass(frozen=True)
class FilePlace:
    """Files below an URL."""

    root: str
    suffix: str
    options: dict[str, str]
    away: tuple[str, dict[str, str]]
    """An URL that cannot be reached, and its options."""
    secret: str | None = None

    def holding(self, rows: Sequence[Row]) -> Source:
        uri = f"{self.root}/rows.{self.suffix}"
        with fsspec.open(uri, "wb", compression="infer", **self.options) as file:
            file.write(content_of(rows, self.suffix))
        return self._source(uri, self.options)

    def absent(self) -> Source:
        return self._source(f"{self.root}/none-*.{self.suffix}", self.options)

    def unreachable(self) -> Source:
        return self._source(f"{self.away[0]}.{self.suffix}", self.away[1])

    def _source(self, uri: str, options: dict[str, str]) -> Source:
        return Files("rows", FileSource(uri=uri), options)


@dataclass(frozen=True)
class SqlitePlace:
    """An SQLite file. There is no way in which it could be out of reach: a port where nobody listens stands for it."""

    folder: Path
    secret: str | None = "open-sesame"

    def holding(self, rows: Sequence[Row]) -> Source:
        path = self.folder / "rows.db"
        with sqlite3.connect(path) as connection:
            _fill(connection, rows)
        connection.close()
        return Database("rows", f"sqlite:///{path}", "select * from rows", NOW)

    def absent(self) -> Source:
        self.holding([])
        return Database("rows", f"sqlite:///{self.folder}/rows.db", "select * from none", NOW)

    def unreachable(self) -> Source:
        return Database("rows", f"postgresql://u:{self.secret}@127.0.0.1:{closed_port()}/db", "select 1", NOW)


@dataclass(frozen=True)
class PostgresPlace:
    """A table of a PostgreSQL server."""

    server: Postgres
    secret: str | None = PASSWORD

    def holding(self, rows: Sequence[Row]) -> Source:
        engine = sa.create_engine(self.server.url)
        types = {"id": "bigint", "name": "text", "note": "text", "late": "text"}
        names = list(rows[0]) if rows else ["id"]
        with engine.begin() as connection:
            connection.exec_driver_sql("drop table if exists rows")
            columns = ", ".join(f"{name} {types.get(name, 'double precision')}" for name in names)
            connection.exec_driver_sql(f"create table rows (place serial, {columns})")
            if rows:
                values = ", ".join(f"%({name})s" for name in names)
                statement = f"insert into rows ({', '.join(names)}) values ({values})"
                connection.exec_driver_sql(statement, [dict(row) for row in rows])
        engine.dispose()
        return self._source(f"select {', '.join(names)} from rows order by place")

    def absent(self) -> Source:
        return self._source("select * from nowhere")

    def unreachable(self) -> Source:
        url = self.server.url.replace(f":{self.server.port}/", f":{closed_port()}/")
        return Database("rows", url, "select 1", NOW)

    def _source(self, query: str) -> Source:
        return Database("rows", self.server.url, query, NOW)


@dataclass(frozen=True)
class WebPlace:
    """An API with pages of a thousand rows, that wants to know who asks."""

    web: Web
    paging: str
    """link, next or page."""
    secret: str | None = "open-sesame"

    def holding(self, rows: Sequence[Row]) -> Source:
        self.web.answer = lambda request: self._page(request.target, request.headers, rows)
        fields = {"link": {}, "next": {"next": "next"}, "page": {"page_parameter": "page", "first_page": 0}}
        return self._source(f"{self.web.url}/rows", **fields[self.paging])

    def _page(self, target: str, headers: dict[str, str], rows: Sequence[Row]) -> Reply:
        if headers.get("x-token") != self.secret:
            return Reply(401)
        page = int(parse_qs(urlsplit(target).query).get("page", ["0"])[0])
        following = f"?page={page + 1}" if (page + 1) * 1000 < len(rows) else None
        body = {"rows": list(rows[page * 1000 : (page + 1) * 1000]), "next": following}
        link = {"Link": f'<{following}>; rel="next"'} if following and self.paging == "link" else {}
        return Reply(200, json.dumps(body).encode(), link)

    def absent(self) -> Source:
        self.web.answer = lambda _: Reply(404)
        return self._source(f"{self.web.url}/none")

    def unreachable(self) -> Source:
        return self._source(f"http://127.0.0.1:{closed_port()}/rows")

    def _source(self, uri: str, **fields: object) -> Source:
        spec = HttpSource(uri=uri, records="rows", retries=0, **fields)
        return HttpApi("rows", spec, NOW, {"X-Token": str(self.secret)})


def _fill(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    names = list(rows[0]) if rows else [COLUMNS]
    connection.execute("drop table if exists rows")
    connection.execute(f"create table rows ({', '.join(names)})")
    connection.executemany(
        f"insert into rows values ({', '.join('?' * len(names))})", [tuple(row.values()) for row in rows]
    )
