"""Puts the three sources of the full sample into a namespace, and fills them."""

from __future__ import annotations

import io
import json
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hack.demo.stage import CLINIC, copy_statement, database_secret, namespace, with_images
from hack.s3 import binary
from hack.sample.rows import SITES, labs, patients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hack.demo.kubectl import Kubectl, Object

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "manifests" / "examples" / "clinic" / "training.yaml"
HERE = Path(__file__).resolve().parent
LAB_FILES = 3
_PSQL = 'PGPASSWORD="$POSTGRES_PASSWORD" exec psql -h 127.0.0.1 -U postgres -d "$POSTGRES_DB" -qtA -v ON_ERROR_STOP=1'


def s3_image() -> str:
    """Build the S3 server's image and bring it into the cluster; its reference."""
    shutil.copy2(binary(), ROOT / "hack" / "images" / "s3" / "versitygw")
    command = [sys.executable, "-m", "hack.cluster", "images", "s3"]
    done = subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout.split()[1]


def secret(name: str, values: Mapping[str, str]) -> Object:
    """A Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(values)}


class Sample:
    """The world behind the full sample."""

    def __init__(self, kubectl: Kubectl, images: Mapping[str, str]) -> None:
        """`images` are references by name: evermodel, postgres and s3."""
        self.kubectl = kubectl
        self._images = images
        self._reader, self._lake = secrets.token_hex(16), secrets.token_hex(16)
        self._registry = secrets.token_hex(16)

    def set_up(self) -> None:
        """Make the sources and fill them."""
        kubectl = self.kubectl
        kubectl.apply([namespace(kubectl.namespace)])
        files = {"registry.py": (HERE / "registry.py").read_text(encoding="utf-8"), "sites.json": json.dumps(SITES)}
        programs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "registry"}, "data": files}
        kubectl.apply([database_secret(secrets.token_hex(16), self._reader), *self._secrets("http://lake"), programs])
        manifests = [*kubectl.read(CLINIC / "database.yaml"), *kubectl.read(HERE / "services.yaml")]
        kubectl.apply(with_images(manifests, self._images))
        for name in ("clinic-db", "lake", "registry"):
            kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s", timeout=130)
        self._fill_database()
        self._fill_lake()

    def local_secrets(self, directory: Path) -> None:
        """The same Secrets as files, with addresses that this machine reaches: what `evermodel train` reads."""
        dsn = f"postgresql+psycopg://trainer:{self._reader}@{self.address('clinic-db')}:5432/clinic"
        documents = [secret("clinic-db", {"dsn": dsn}), *self._secrets(f"http://{self.address('lake')}")]
        for document in documents:
            folder = directory / document["metadata"]["name"]
            folder.mkdir(parents=True)
            for key, value in document["stringData"].items():
                (folder / key).write_text(value, encoding="utf-8")

    def address(self, service: str) -> str:
        """The address of a Service inside the cluster."""
        return self.kubectl("get", "service", service, "--output", "jsonpath={.spec.clusterIP}")

    def _secrets(self, lake: str) -> list[Object]:
        options = {"key": "evermodel", "secret": self._lake, "endpoint_url": lake, "region": "us-east-1"}
        return [secret("lake", options), secret("registry", {"X-Registry-Key": self._registry})]

    def _fill_database(self) -> None:
        schema = (HERE / "patients.sql").read_text(encoding="utf-8")
        statements = f"\\set reader_password '{self._reader}'\n{schema}\n{copy_statement(patients())}"
        self.kubectl("exec", "-i", "deployment/clinic-db", "--", "sh", "-c", _PSQL, text=statements)

    def _fill_lake(self) -> None:
        """Several files, as lakes have them; put there through the S3 server's own door."""
        import pyarrow as pa  # noqa: PLC0415  the demo runs without it
        import pyarrow.parquet as pq  # noqa: PLC0415
        from pyarrow import fs  # noqa: PLC0415

        address = self.address("lake")
        lake = fs.S3FileSystem(
            access_key="evermodel", secret_key=self._lake, endpoint_override=f"http://{address}", region="us-east-1"
        )
        rows: list[dict[str, Any]] = labs()
        for number in range(LAB_FILES):
            content = io.BytesIO()
            pq.write_table(pa.Table.from_pylist(rows[number::LAB_FILES]), content)
            with lake.open_output_stream(f"lake/labs/part-{number}.parquet") as stream:
                stream.write(content.getvalue())
