"""What the story plays on: a namespace with the clinic's database and its clients, all of it the demo's own."""

from __future__ import annotations

import csv
import io
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from hack.demo.clinic.ward import Clinic, Row, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hack.demo.kubectl import Kubectl, Object

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "manifests" / "examples" / "heart"
CLINIC = Path(__file__).resolve().parent / "clinic"
NAMESPACE = "clinic"
MANIFESTS = ("training.yaml", "deployment.yaml", "monitor.yaml")
"""What a user writes."""
STUDY_PUBLISHED = "1988-06-30"
"""The day on which the study's rows became public stands for the one on which each was recorded, which nobody knows."""
WARD_PATIENTS = 600
WARD_SEED = 7
CLIENT_PROGRAMS = ("__init__.py", "ward.py", "client.py", "tally.py", "traffic.py")
_COUNT = "select count(*) from patients;\n"
_PSQL = 'PGPASSWORD="$POSTGRES_PASSWORD" exec psql -h 127.0.0.1 -U postgres -d "$POSTGRES_DB" -qtA -v ON_ERROR_STOP=1'


def namespace(name: str) -> Object:
    """A namespace that refuses every pod that is not restricted."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def database_secret(password: str, reader_password: str) -> Object:
    """The Secret that the database starts with and that the training reads."""
    dsn = f"postgresql+psycopg://trainer:{reader_password}@clinic-db:5432/clinic"
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "clinic-db"},
        "stringData": {"password": password, "dsn": dsn},
    }


def programs(files: Mapping[str, str]) -> Object:
    """The ConfigMap that the clients' pod runs from."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "clients"}, "data": dict(files)}


def with_images(objects: Iterable[Object], images: Mapping[str, str]) -> list[Object]:
    """The objects, with the names of images in pods replaced by references to those that were built.

    Raises:
        KeyError: an image that was not built.
    """
    replaced = list(objects)
    for thing in replaced:
        pod = thing["spec"].get("template", thing)["spec"] if thing["kind"] in {"Pod", "Deployment"} else {}
        for container in pod.get("containers", []):
            container["image"] = images[container["image"]]
    return replaced


def copy_statement(rows: Sequence[Row]) -> str:
    """What psql reads to insert the rows."""
    columns = list(rows[0])
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writerows(rows)
    return f"copy patients ({', '.join(columns)}) from stdin with (format csv);\n{text.getvalue()}\\.\n"


class Stage:
    """The namespace of the story."""

    def __init__(self, kubectl: Kubectl, images: Mapping[str, str]) -> None:
        """`images` are references by name: evermodel and postgres."""
        self._kubectl = kubectl
        self._images = images
        self.patients = read_rows((EXAMPLE / "heart.csv").read_text(encoding="utf-8").splitlines())

    def clear(self) -> None:
        """Remove what an earlier story left."""
        name = self._kubectl.namespace
        if not self._kubectl("get", "namespace", name, "--ignore-not-found"):
            return
        # In this order nothing is made again, and nobody waits for pods to take their leave: there is nobody to serve.
        for kinds in ("modeltrainings,modeldeployments,driftmonitors", "deployments,jobs"):
            self._kubectl("delete", kinds, "--all", "--timeout=60s", timeout=70)
        self._kubectl("delete", "pods", "--all", "--grace-period=1", "--timeout=60s", timeout=70)
        self._kubectl("delete", "namespace", name, "--ignore-not-found", "--timeout=120s", timeout=130)

    def set_up(self) -> int:
        """Make the namespace and the database, and fill it with the real rows; how many there are."""
        reader = secrets.token_hex(16)
        self._kubectl.apply([namespace(self._kubectl.namespace)])
        self._kubectl.apply([database_secret(secrets.token_hex(16), reader)])
        self._kubectl.apply(with_images(self._kubectl.read(CLINIC / "database.yaml"), self._images))
        self._kubectl("rollout", "status", "deployment/clinic-db", "--timeout=120s", timeout=130)
        self._sql(f"\\set reader_password '{reader}'\n" + (CLINIC / "patients.sql").read_text(encoding="utf-8"))
        return self.add_patients([{**row, "recorded_at": STUDY_PUBLISHED} for row in self.patients])

    def add_patients(self, rows: Sequence[Row]) -> int:
        """Insert patients with their diagnoses; how many the table has then."""
        return int(self._sql(copy_statement(rows) + _COUNT))

    def ward_patients(self) -> list[Row]:
        """The ward's patients whose records reach the database."""
        return list(Clinic(self.patients, WARD_SEED).ward(WARD_PATIENTS))

    def start_clients(self) -> None:
        """Start the pod whose clients ask as soon as there is somebody to answer."""
        files = {name: (CLINIC / name).read_text(encoding="utf-8") for name in CLIENT_PROGRAMS}
        files["heart.csv"] = (EXAMPLE / "heart.csv").read_text(encoding="utf-8")
        pod = with_images(self._kubectl.read(CLINIC / "clients.yaml"), self._images)
        self._kubectl.apply([programs(files), *pod])
        self._kubectl("wait", "pod/clients", "--for=condition=Ready", "--timeout=120s", timeout=130)

    def apply_manifests(self) -> None:
        """What a user does: apply the three files."""
        self._kubectl("apply", *(f"--filename={EXAMPLE / name}" for name in MANIFESTS))

    def _sql(self, statements: str) -> str:
        return self._kubectl("exec", "-i", "deployment/clinic-db", "--", "sh", "-c", _PSQL, text=statements).strip()
