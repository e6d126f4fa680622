"""The sources of the full sample on this machine: PostgreSQL, an S3 server and the registry."""

import io
import threading
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from hack.s3.server import S3Server, start_s3
from hack.sample import stage
from hack.sample.registry import handler
from hack.sample.rows import SITES, labs, patients
from tests.integration.data.postgres import Postgres, start_postgres

KEY = "registry-key"


@dataclass
class World:
    """The three sources, filled."""

    directory: Path
    postgres: Postgres
    s3: S3Server
    registry: ThreadingHTTPServer

    @classmethod
    def begin(cls, directory: Path) -> Self:
        """Start and fill them."""
        registry = ThreadingHTTPServer(("127.0.0.1", 0), handler(SITES, KEY))
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        world = cls(directory, start_postgres(), start_s3(), registry)
        world._fill_database()
        world._fill_lake()
        world._write_secrets()
        return world

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.registry.shutdown()
        self.registry.server_close()
        self.s3.stop()
        self.postgres.stop()

    @property
    def secrets(self) -> Path:
        """Directory of the Secrets."""
        return self.directory / "secrets"

    def training(self, **parts: Any) -> Path:
        """The sample's file with this machine's addresses; `parts` replace fields of the spec."""
        document = yaml.safe_load(stage.EXAMPLE.read_text(encoding="utf-8"))
        document["spec"]["data"]["sources"][2]["http"]["uri"] = f"http://127.0.0.1:{self.registry.server_port}/sites"
        document["spec"] |= parts
        file = self.directory / "training.yaml"
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        return file

    def _fill_database(self) -> None:
        rows = patients()
        schema = (stage.HERE / "patients.sql").read_text(encoding="utf-8").split("create role")[0]
        with psycopg.connect(self.postgres.dsn) as connection, connection.cursor() as cursor:
            cursor.execute(schema)
            names = ", ".join(rows[0])
            marks = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(
                f"insert into patients ({names}) values ({marks})", [tuple(row.values()) for row in rows]
            )

    def _fill_lake(self) -> None:
        from pyarrow import fs

        self.s3.make_bucket("lake")
        options = self.s3.options
        lake = fs.S3FileSystem(
            access_key=options["key"],
            secret_key=options["secret"],
            endpoint_override=options["endpoint_url"],
            region=options["region"],
        )
        rows = labs()
        for number in range(3):
            content = io.BytesIO()
            pq.write_table(pa.Table.from_pylist(rows[number::3]), content)
            with lake.open_output_stream(f"lake/labs/part-{number}.parquet") as stream:
                stream.write(content.getvalue())

    def _write_secrets(self) -> None:
        values = {
            "clinic-db": {"dsn": self.postgres.url},
            "lake": self.s3.options,
            "registry": {"X-Registry-Key": KEY},
        }
        for name, keys in values.items():
            folder = self.secrets / name
            folder.mkdir(parents=True)
            for key, value in keys.items():
                (folder / key).write_text(value, encoding="utf-8")
