"""What each component may do to the store, and which Secrets a run sees."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from evermodel.artifact import layout
from evermodel_api.base import Reference, SecretKey
from evermodel_operator.children.volumes import (
    WRITABLE,
    Component,
    secret_files,
    store_environment,
    store_files,
    store_root,
)
from evermodel_operator.plan import Object
from evermodel_operator.settings import STORE_MOUNT, Settings
from tests.unit.evermodel_operator.children.manifests import S3_SETTINGS, SETTINGS

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def writes_of(mounts: Iterable[Object], path: str) -> bool:
    """Whether a container with these mounts may write there: the deepest mount above a path decides."""
    above = [mount for mount in mounts if PurePosixPath(path).is_relative_to(mount["mountPath"])]
    deepest = max(above, key=lambda mount: len(mount["mountPath"]))
    return not deepest.get("readOnly", False)


@pytest.mark.parametrize("uri", [f"file://{STORE_MOUNT}", f"file://{STORE_MOUNT}/", f"file://{STORE_MOUNT}/below//it/"])
@pytest.mark.parametrize("component", Component)
def test_each_component_writes_where_its_files_go_and_nowhere_else(component: Component, uri: str):
    # given a store on a volume, and the places that the data plane writes to
    settings = SETTINGS.model_copy(update={"store": SETTINGS.store.model_copy(update={"uri": uri})})
    store = store_root(settings, "clinic")
    places = {
        layout.artifact_directory(store, "aa"): {Component.TRAINING},
        layout.record_file(store, "heart", 1): {Component.TRAINING},
        layout.snapshot_file(store, "aa"): {Component.TRAINING},
        layout.log_file(store, "heart", "heart-1", NOW, "a.parquet"): {Component.TRAINING, Component.SERVING},
        layout.feedback_file(store, "heart", NOW, "a.parquet"): {Component.TRAINING, Component.SERVING},
        layout.report_file(store, "heart", "1"): {Component.TRAINING, Component.MONITORING},
    }
    # when a pod of the component mounts it
    mounts = store_files(settings, "clinic", component).mounts
    # then the kernel lets it write there and nowhere else
    for place, writers in places.items():
        path = str(PurePosixPath(place.removeprefix("file://")))
        assert writes_of(mounts, path) == (component in writers), place


@pytest.mark.parametrize("component", WRITABLE)
def test_a_part_of_the_volume_is_mounted_at_its_own_place(component: Component):
    # a mount below a mount that cannot be written needs a place that is there: the folder itself, in the same volume
    for mount in store_files(SETTINGS, "clinic", component).mounts:
        if "subPath" in mount:
            assert mount["mountPath"] == f"{STORE_MOUNT}/{mount['subPath']}"


@pytest.mark.parametrize(
    ("component", "secret"),
    [(Component.TRAINING, "trainer"), (Component.SERVING, "server"), (Component.MONITORING, "monitor")],
)
def test_an_object_store_is_used_with_the_components_own_credentials(component: Component, secret: str):
    files = store_files(S3_SETTINGS, "clinic", component)
    environment = {item["name"]: item["value"] for item in store_environment(S3_SETTINGS, component)}

    assert [volume["secret"]["secretName"] for volume in files.volumes] == [secret]
    (mount,) = files.mounts
    assert mount["readOnly"] is True
    assert environment == {
        "AWS_ENDPOINT_URL": "http://minio.minio:9000",
        "AWS_REGION": "eu-1",
        "AWS_SHARED_CREDENTIALS_FILE": f"{mount['mountPath']}/credentials",
    }


def test_without_credentials_the_node_or_the_service_account_gives_them():
    settings = Settings.model_validate({"runtimeImage": "evermodel:1", "store": {"uri": "s3://models"}})

    for component in Component:
        assert store_files(settings, "clinic", component).volumes == ()
        assert store_environment(settings, component) == []


def test_a_secret_is_mounted_once_and_whole_where_any_source_needs_it_whole():
    # given a Secret that is named by two keys, and one that is named by a key and as a whole
    secrets = [
        SecretKey(name="db", key="dsn"),
        SecretKey(name="db", key="other"),
        SecretKey(name="lake", key="key"),
        Reference(name="lake"),
        SecretKey(name="db", key="dsn"),
    ]
    # when they are mounted
    files = secret_files(secrets)
    # then each has one folder, with the keys that are needed
    assert [volume["secret"] for volume in files.volumes] == [
        {
            "secretName": "db",
            "optional": True,
            "items": [{"key": "dsn", "path": "dsn"}, {"key": "other", "path": "other"}],
        },
        {"secretName": "lake", "optional": True},
    ]
    assert [mount["mountPath"] for mount in files.mounts] == [
        "/run/secrets/evermodel/db",
        "/run/secrets/evermodel/lake",
    ]
