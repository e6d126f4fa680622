"""The settings file: what it may say, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from evermodel_operator.main import main
from evermodel_operator.settings import SettingsError, read_settings

LEAST = 'runtimeImage: "evermodel:1"\nstore: {uri: "s3://models"}\n'
FULL = """
runtimeImage: registry.example.org/evermodel@sha256:1
imagePullPolicy: Never
imagePullSecrets: [pull]
store:
  uri: file:///var/lib/evermodel/store
  claim: {name: models, size: 20Gi, storageClass: fast, accessModes: [ReadWriteMany]}
watchNamespaces: [clinic, lab]
leaderElection: {enabled: true, namespace: evermodel, name: operator}
log: {level: debug, format: text}
ports: {health: 9001, metrics: 9002}
clusterDomain: example.local
artifacts: {allowPickle: true}
"""
S3 = """
runtimeImage: evermodel:1
store:
  uri: s3://models
  endpoint: http://minio.minio:9000
  region: eu-1
  credentials: {training: trainer, serving: server, monitoring: monitor}
"""


def written(path: Path, text: str) -> Path:
    file = path / "settings.yaml"
    file.write_text(text)
    return file


def test_the_least_that_has_to_be_said(tmp_path: Path):
    settings = read_settings(written(tmp_path, LEAST))

    assert settings.runtime_image == "evermodel:1"
    assert settings.watch_namespaces == ()
    assert settings.leader_election.enabled
    assert (settings.ports.health, settings.ports.metrics) == (8081, 8080)
    assert settings.cluster_domain == "cluster.local"


def test_everything_that_can_be_said(tmp_path: Path):
    settings = read_settings(written(tmp_path, FULL))

    assert settings.store.claim is not None
    assert settings.store.claim.storage_class == "fast"
    assert settings.image_pull_secrets == ("pull",)
    assert settings.artifacts.allow_pickle
    assert settings.watch_namespaces == ("clinic", "lab")


def test_an_object_store_has_credentials_for_each_component(tmp_path: Path):
    store = read_settings(written(tmp_path, S3)).store

    assert (store.endpoint, store.region) == ("http://minio.minio:9000", "eu-1")
    assert store.credentials.dump() == {"training": "trainer", "serving": "server", "monitoring": "monitor"}


def test_pickles_are_off_until_somebody_turns_them_on(tmp_path: Path):
    assert read_settings(written(tmp_path, LEAST)).artifacts.allow_pickle is False


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("store: {uri: s3://m}", "runtimeImage: Field required"),
        ("", "runtimeImage: Field required; store: Field required"),
        ("[1, 2]", "the whole file: "),
        ("runtimeImage: [", "are no YAML: "),
        (LEAST + "replicas: 2", "replicas: Extra inputs are not permitted (it says 2)"),
        (LEAST + "ports: {health: 0}", "ports.health: Input should be greater than or equal to 1 (it says 0)"),
        (
            LEAST + "log: {level: loud}",
            "log.level: Input should be 'debug', 'info', 'warning' or 'error' (it says 'loud')",
        ),
        ("runtimeImage: x\nstore: {uri: models}", "store.uri: "),
        ("runtimeImage: x\nstore: {uri: 'file:///data'}", "store: a file:// store is lost with each pod"),
        (
            "runtimeImage: x\nstore: {uri: 's3://m', claim: {}}",
            "store: with claim, uri must be file:///var/lib/evermodel",
        ),
        (
            "runtimeImage: x\nstore: {uri: 'file:///var/lib/evermodel/store', claim: {}, credentials: {serving: a}}",
            "store: endpoint, region and credentials belong to an s3:// store",
        ),
        ("runtimeImage: x\nstore: {uri: 'gs://m', region: eu-1}", "store: endpoint, region and credentials belong"),
        ("runtimeImage: x\nstore: {uri: 's3://m', endpoint: minio}", "store.endpoint: String should match"),
        ("runtimeImage: x\nstore: {uri: 's3://m', credentials: {training: A_b}}", "store.credentials.training: "),
        (LEAST + "artifacts: {allowPickle: perhaps}", "artifacts.allowPickle: Input should be a valid boolean"),
        (
            "runtimeImage: x\nstore: {uri: 'file:///var/lib/evermodel/storeroom', claim: {}}",
            "store: with claim, uri must",
        ),
    ],
)
def test_a_wrong_file_is_told_with_the_place_and_what_it_says(tmp_path: Path, text: str, says: str):
    file = written(tmp_path, text)

    with pytest.raises(SettingsError) as raised:
        read_settings(file)

    assert says in str(raised.value)
    assert str(raised.value).startswith(f"the settings {file} ")
    assert "\n" not in str(raised.value)


def test_the_process_ends_with_one_sentence_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    missing = tmp_path / "nowhere.yaml"

    code = main(["--config", str(missing)])

    assert code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"evermodel-operator: the settings {missing} cannot be read")
    assert "--config FILE" in error
