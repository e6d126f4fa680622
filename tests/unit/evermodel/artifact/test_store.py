"""An artifact whose bytes are not those that were recorded is refused, whatever was changed."""

import json
from pathlib import Path

import pytest

from evermodel.artifact.documents import describe_artifact, read_served
from evermodel.artifact.manifest import COMPILED, CONFORMAL, MANIFEST, File, Manifest
from evermodel.artifact.model import load_artifact
from evermodel.artifact.store import (
    absolute_uri,
    list_names,
    make_manifest,
    read_artifact,
    read_bytes,
    write_artifact,
    write_bytes,
)
from evermodel.errors import DataError, RunError
from evermodel_api.digest import digest_bytes
from evermodel_api.training import Task
from tests.unit.evermodel.bench import classes, save, spec_of, stored, train

DOCUMENTS = ["baseline.json", "conformal.json", "environment.json", "evaluation.json", "golden.json", "signature.json"]
FILES = [*DOCUMENTS, "model.skops"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The files of a real artifact, and its digest."""
    folder = tmp_path_factory.mktemp("made")
    ran = train(folder, spec_of(save(classes(), folder / "rows.csv"), "DecisionTreeClassifier"))
    directory = folder / "store" / "artifacts" / ran.document["digest"].removeprefix("sha256:")
    return {path.name: path.read_bytes() for path in directory.iterdir()}, ran.document["digest"]


@pytest.fixture
def artifact(made, tmp_path):
    """A copy of the artifact that may be spoilt: its directory and its digest."""
    files, digest = made
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path, digest


def refused(directory: Path, digest: str | None):
    with pytest.raises(DataError) as error:
        load_artifact(str(directory), digest)
    assert "\n" not in str(error.value)
    assert str(directory) in str(error.value)
    return error.value


def test_an_artifact_has_the_files_of_the_layout(made):
    files, digest = made
    assert sorted(files) == sorted([*FILES, COMPILED, MANIFEST])
    assert digest_bytes(files[MANIFEST]) == digest
    document = json.loads(files[MANIFEST])
    assert set(document) == {"format", "task", "estimator", "files"}
    assert files[MANIFEST] == json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("where", [0, 0.5, -1], ids=["first byte", "middle byte", "last byte"])
@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_changed_byte_in_any_file_is_found(artifact, name, where):
    # given one byte that was changed
    directory, digest = artifact
    content = bytearray((directory / name).read_bytes())
    content[int(where * len(content)) if where > 0 else where] ^= 1
    (directory / name).write_bytes(content)
    # when the model is loaded
    error = refused(directory, digest)
    # then it is refused with the file's name
    assert error.reason == "ArtifactDigestMismatch"
    assert str(error).startswith(f"{name} of the artifact {directory} was changed after it was made")


@pytest.mark.parametrize("name", [*FILES, COMPILED, MANIFEST])
@pytest.mark.parametrize("damage", ["changed", "longer", "missing"])
def test_a_server_verifies_every_file_also_those_it_does_not_load(artifact, name, damage):
    # given an artifact with one file that is damaged
    directory, digest = artifact
    content = (directory / name).read_bytes()
    if damage == "missing":
        (directory / name).unlink()
    else:
        changed = content[:-1] + bytes([content[-1] ^ 1])
        (directory / name).write_bytes(changed if damage == "changed" else content + b" ")
    # when a server reads it, then it is refused by the file's name
    with pytest.raises(DataError, match=name) as caught:
        read_served(str(directory), digest)
    assert caught.value.reason == ("ArtifactMissing" if damage == "missing" else "ArtifactDigestMismatch")


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_size_is_found(artifact, name):
    directory, digest = artifact
    with (directory / name).open("ab") as file:
        file.write(b" ")
    assert "bytes and should have" in str(refused(directory, digest))


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_told(artifact, name):
    directory, digest = artifact
    (directory / name).unlink()
    error = refused(directory, digest)
    assert error.reason == "ArtifactMissing"
    assert f"the artifact {directory} has no {name}" in str(error)


def leave_out(directory: Path, name: str) -> None:
    """A manifest, right by itself, in which a file is left out."""
    manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
    files = {key: file for key, file in manifest.files.items() if key != name}
    (directory / MANIFEST).write_bytes(manifest.model_copy(update={"files": files}).encode())


@pytest.mark.parametrize("name", [name for name in FILES if name != CONFORMAL])
def test_a_file_that_the_manifest_does_not_name_is_told(artifact, name):
    directory, _ = artifact
    leave_out(directory, name)
    assert refused(directory, None).reason == "ArtifactInvalid"


def test_an_artifact_of_an_older_image_has_no_distances_and_is_read(artifact):
    directory, _ = artifact
    assert load_artifact(str(directory), None).conformal is not None
    leave_out(directory, CONFORMAL)
    assert load_artifact(str(directory), None).conformal is None
    assert read_served(str(directory), None).documents.conformal is None


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "a/b", ".hidden", "", "a\n", "x" * 200])
def test_a_path_in_the_manifest_reads_nothing_outside(artifact, path):
    # given a manifest that names a path where a file's name belongs
    directory, _ = artifact
    document = json.loads((directory / MANIFEST).read_bytes())
    document["files"][path] = {"sha256": "0" * 64, "size": 0}
    (directory / MANIFEST).write_text(json.dumps(document))
    # then it is no manifest, even when nobody knows its digest
    assert refused(directory, None).reason == "ArtifactInvalid"
    encoded = (directory / MANIFEST).read_bytes()
    assert refused(directory, digest_bytes(encoded)).reason == "ArtifactInvalid"


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff\xfe", b'{"format":"evermodel/2","task":"Regression","estimator":"x","files":{}}'],
)
def test_what_is_no_manifest_is_told(artifact, content):
    directory, _ = artifact
    (directory / MANIFEST).write_bytes(content)
    error = refused(directory, None)
    assert (error.reason, "is no manifest of the format evermodel/1" in str(error)) == ("ArtifactInvalid", True)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".json")])
@pytest.mark.parametrize("content", [b"not JSON", b'{"columns": 3}'])
def test_a_document_of_another_format_is_told(artifact, name, content):
    # given an artifact of another kind of image: whole by its digests, with a document that cannot be read
    directory, _ = artifact
    if name in {"evaluation.json", "environment.json"} and content.startswith(b"{"):
        content = b"{"
    manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
    (directory / name).write_bytes(content)
    entry = File(sha256=digest_bytes(content).removeprefix("sha256:"), size=len(content))
    changed = manifest.model_copy(update={"files": {**manifest.files, name: entry}})
    (directory / MANIFEST).write_bytes(changed.encode())
    # then loading it and describing it say so
    assert refused(directory, changed.digest).reason == "ArtifactInvalid"
    with pytest.raises(DataError, match="train the model again"):
        describe_artifact(str(directory), changed.digest)


def test_describing_reads_no_model(artifact):
    directory, digest = artifact
    (directory / "model.skops").unlink()
    described = describe_artifact(str(directory), digest)
    assert (described.digest, described.signature.classes) == (digest, ["ill", "well"])


def test_a_damaged_artifact_is_written_anew(made, tmp_path):
    # given an artifact in a store, then one of its files damaged and another one gone
    files, digest = made
    contents = {name: content for name, content in files.items() if name != MANIFEST}
    manifest = make_manifest(Task.CLASSIFICATION, "DecisionTreeClassifier", contents)
    artifact = write_artifact(str(tmp_path / "store"), manifest, contents)
    directory = Path(artifact.uri.removeprefix("file://"))
    (directory / "golden.json").write_bytes(b"")
    (directory / MANIFEST).unlink()
    # when it is written again
    again = write_artifact(str(tmp_path / "store"), manifest, contents)
    # then it is whole
    assert again == artifact
    assert artifact.digest == digest
    assert artifact.size_bytes == sum(map(len, files.values()))
    assert dict(read_artifact(artifact.uri, digest).contents) == contents


def test_an_artifact_that_is_whole_is_not_touched(made, tmp_path):
    files, _ = made
    contents = {name: content for name, content in files.items() if name != MANIFEST}
    manifest = make_manifest(Task.CLASSIFICATION, "DecisionTreeClassifier", contents)
    write_artifact(str(tmp_path / "store"), manifest, contents)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    write_artifact(str(tmp_path / "store"), manifest, contents)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_file_is_written_whole_and_readable_by_others(tmp_path):
    write_bytes(str(tmp_path / "store" / "a" / "b.json"), b"{}")
    assert stored(tmp_path) == ["a/b.json"]
    assert (tmp_path / "store" / "a" / "b.json").stat().st_mode & 0o777 == 0o644


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path, monkeypatch):
    # given a disk that is full when the file is made durable
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evermodel.artifact.store.os.fsync", full)
    # when something is written
    with pytest.raises(RunError, match="No space left on device"):
        write_bytes(str(tmp_path / "store" / "a.json"), b"{}")
    # then no part of it stays
    assert stored(tmp_path) == []


def test_a_store_in_memory_is_one_too(made):
    # given a store that is no directory
    files, digest = made
    contents = {name: content for name, content in files.items() if name != MANIFEST}
    manifest = make_manifest(Task.CLASSIFICATION, "DecisionTreeClassifier", contents)
    # when an artifact is written to it
    artifact = write_artifact("memory://store-of-this-test", manifest, contents)
    # then it is found there
    assert load_artifact(artifact.uri, digest).digest == digest
    assert list_names(artifact.uri) == sorted(files)
    assert read_bytes(f"{artifact.uri}/golden.json") == files["golden.json"]


@pytest.mark.parametrize(
    ("uri", "absolute"),
    [("s3://bucket/store/", "s3://bucket/store"), ("/var/a b/", "file:///var/a b"), ("file:///x", "file:///x")],
)
def test_uris_are_absolute(uri, absolute):
    assert absolute_uri(uri) == absolute


def test_a_store_below_a_folder_with_spaces_and_signs_works(tmp_path):
    # given a folder whose name an URL would write otherwise
    folder = tmp_path / "my models 100% ü#1"
    folder.mkdir()
    # when a run writes to it and the next one reads from it
    spec = spec_of(save(classes(), folder / "rows.csv"), "DecisionTreeClassifier")
    first = train(folder, spec)
    second = train(folder, spec)
    # then both use one folder
    assert (first.code, second.code, second.document["version"]) == (0, 0, "m-2")
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert load_artifact(second.document["artifact"], second.document["digest"]).digest == first.document["digest"]
