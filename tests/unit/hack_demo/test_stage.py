import csv
import io

import pytest

from hack.demo.stage import CLINIC, EXAMPLE, MANIFESTS, copy_statement, database_secret, namespace, with_images


def test_images_of_pods_and_deployments_are_replaced():
    pod = {"kind": "Pod", "spec": {"containers": [{"image": "evermodel"}]}}
    deployment = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"image": "postgres"}]}}}}
    service = {"kind": "Service", "spec": {"ports": []}}
    with_images([pod, deployment, service], {"evermodel": "e@sha256:1", "postgres": "p@sha256:2"})
    assert pod["spec"]["containers"][0]["image"] == "e@sha256:1"
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "p@sha256:2"


def test_an_image_that_was_not_built_is_an_error():
    with pytest.raises(KeyError):
        with_images([{"kind": "Pod", "spec": {"containers": [{"image": "unknown"}]}}], {})


def test_rows_reach_the_database_as_they_are():
    rows = [{"age": "63", "thal": ""}, {"age": "67", "thal": "normal"}]
    statement = copy_statement(rows).splitlines()
    assert statement[0] == "copy patients (age, thal) from stdin with (format csv);"
    assert list(csv.reader(io.StringIO("\n".join(statement[1:-1])))) == [["63", ""], ["67", "normal"]]
    assert statement[-1] == "\\."


def test_the_training_connects_as_the_role_that_only_reads():
    secret = database_secret("owner-password", "reader-password")["stringData"]
    assert secret["dsn"] == "postgresql+psycopg://trainer:reader-password@clinic-db:5432/clinic"
    assert "owner-password" not in secret["dsn"]


def test_the_namespace_refuses_pods_that_are_not_restricted():
    assert namespace("clinic")["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_the_table_has_exactly_the_columns_of_the_data():
    with (EXAMPLE / "heart.csv").open() as file:
        columns = next(csv.reader(file))
    table = (CLINIC / "patients.sql").read_text().split("create table patients (")[1].split(");")[0]
    assert [line.split()[0] for line in table.strip().splitlines()] == ["patient_id", "recorded_at", *columns]


def test_a_user_writes_three_files_and_the_folder_has_no_other_manifest():
    assert sorted(path.name for path in EXAMPLE.glob("*.y*ml")) == sorted(MANIFESTS)
