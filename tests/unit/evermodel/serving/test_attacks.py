"""Artifacts that somebody made to do harm, right by their own digests: each is refused with a reason, and nothing runs."""

import io
import json
import os
import pickle
import resource
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from evermodel.artifact.manifest import COMPILED, MANIFEST, MODEL, Manifest
from evermodel.artifact.store import make_manifest
from evermodel.errors import DataError, RunError
from evermodel.serving.engine import load_served_model
from tests.unit.evermodel.serving.test_process import fails, own_store, write_order

SECONDS = 10
BYTES = 2**28
"""What a refusal may take."""


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def directory(patients, tmp_path) -> Path:
    """A copy of an artifact without a compiled model, so that the model file is what is loaded."""
    copy = tmp_path / "artifact"
    shutil.copytree(patients.artifact.uri.removeprefix("file://"), copy)
    (copy / COMPILED).unlink()
    write_manifest(copy)
    return copy


def write_manifest(directory: Path) -> str:
    """A manifest that is right for the files that are there; its digest."""
    old = json.loads((directory / MANIFEST).read_bytes())
    contents = {path.name: path.read_bytes() for path in directory.iterdir() if path.name != MANIFEST}
    manifest = make_manifest(old["task"], old["estimator"], contents)
    manifest = Manifest.model_validate(manifest.dump())
    (directory / MANIFEST).write_bytes(manifest.encode())
    return manifest.digest


def refusal(directory: Path, digest: str | None = None) -> RunError:
    """Why it is not served; told in bounded time and memory."""
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError) as caught:
        load_served_model("patients", "patients-1", str(directory), digest)
    assert time.monotonic() - begun < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < BYTES
    assert len(str(caught.value)) > 30
    assert "\n" not in str(caught.value)
    return caught.value


def archive(compression: int, entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return buffer.getvalue()


def entries_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_artifact_of_these_tests_is_served(directory):
    assert load_served_model("patients", "patients-1", str(directory), write_manifest(directory)).engine.name


def test_a_bomb_in_the_model_file_is_not_unpacked(directory):
    # given a model file that is small and unpacks to much: in its schema, in an array, in an archive within it
    whole = entries_of((directory / MODEL).read_bytes())
    bomb = archive(zipfile.ZIP_DEFLATED, {"0.npy": bytes(2**26)})
    for entries in ({"schema.json": b"[" * 2**26}, {**whole, "0.npy": bytes(2**26)}):
        (directory / MODEL).write_bytes(archive(zipfile.ZIP_DEFLATED, entries))
        error = refusal(directory, write_manifest(directory))
        assert (error.reason, "it is compressed" in str(error)) == ("ArtifactInvalid", True)
    (directory / MODEL).write_bytes(archive(zipfile.ZIP_STORED, {**whole, "0.npz": bomb}))
    assert "it is compressed" in str(refusal(directory, write_manifest(directory)))


def test_an_array_that_says_that_it_is_large_is_not_believed(directory):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": (2**50,)})
    whole = entries_of((directory / MODEL).read_bytes())
    name = next(name for name in whole if name.endswith(".npy"))
    (directory / MODEL).write_bytes(archive(zipfile.ZIP_STORED, {**whole, name: buffer.getvalue()}))
    assert refusal(directory, write_manifest(directory)).reason == "ArtifactInvalid"


@pytest.mark.parametrize("kind", ["alone", "array", "object array"])
def test_a_pickle_in_disguise_is_never_run(directory, tmp_path, kind):
    # given a pickle under the model's name, in place of an array, or within an array
    done = tmp_path / "done"
    evil = pickle.dumps(Evil(done))
    whole = entries_of((directory / MODEL).read_bytes())
    name = next(name for name in whole if name.endswith(".npy"))
    if kind == "object array":
        buffer = io.BytesIO()
        np.save(buffer, np.array([Evil(done)], dtype=object), allow_pickle=True)
        evil = buffer.getvalue()
    content = evil if kind == "alone" else archive(zipfile.ZIP_STORED, {**whole, name: evil})
    (directory / MODEL).write_bytes(content)
    # then it is refused, and nothing has run
    assert refusal(directory, write_manifest(directory)).reason == "ArtifactInvalid"
    assert not done.exists()


def test_a_type_that_nobody_allowed_is_named(directory):
    (directory / MODEL).write_bytes(skops.io.dumps(FunctionTransformer(os.system)))
    error = refusal(directory, write_manifest(directory))
    assert (error.reason, "posix.system" in str(error)) == ("ModelTypeRefused", True)


def test_a_pickle_is_not_loaded_unless_an_admin_allows_it(directory, tmp_path):
    done = tmp_path / "done"
    (directory / MODEL).unlink()
    (directory / "model.pkl").write_bytes(pickle.dumps(Evil(done)))
    refusal(directory, write_manifest(directory))
    assert not done.exists()


def test_a_link_leads_to_bytes_that_have_to_be_the_right_ones(directory, tmp_path):
    # given a file that is a link to another one
    digest = write_manifest(directory)
    (tmp_path / "secret").write_bytes(b"x" * (directory / MODEL).stat().st_size)
    (directory / MODEL).unlink()
    (directory / MODEL).symlink_to(tmp_path / "secret")
    # then its bytes are held against the manifest like any, and not shown
    error = refusal(directory, digest)
    assert error.reason == "ArtifactDigestMismatch"
    assert "xxx" not in str(error)


@pytest.mark.parametrize("content", ["[" * 10**6, '{"a":' * 10**5, '{"columns": [' + "{}," * 10**6, "0" * 10**7])
@pytest.mark.parametrize("name", ["signature.json", "golden.json", "evaluation.json", MANIFEST])
def test_a_huge_or_deep_document_is_refused(directory, name, content):
    (directory / name).write_text(content)
    digest = write_manifest(directory) if name != MANIFEST else None
    assert refusal(directory, digest).reason == "ArtifactInvalid"


def change(directory: Path, name: str, alter) -> None:
    document = json.loads((directory / name).read_bytes())
    alter(document)
    (directory / name).write_text(json.dumps(document))


DISAGREEMENTS = {
    "a column less": lambda signature: signature["columns"].pop(),
    "a column of another name": lambda signature: signature["columns"][0].update(name="weight"),
    "a class more": lambda signature: signature["classes"].append("dead"),
    "no classes": lambda signature: signature.update(classes=[]),
    "another task": lambda signature: signature.update(task="Regression", classes=[]),
    "classes in another order": lambda signature: signature["classes"].reverse(),
    "another kind": lambda signature: signature["columns"][1].update(kind="number", datatype="FP64", levels=[]),
}


# (A compiled model knows its columns by their places only: the signature is what names them.)
@pytest.mark.parametrize(
    ("kind", "compiled"),
    [(kind, compiled) for kind in DISAGREEMENTS for compiled in (True, False) if not (compiled and "name" in kind)],
)
def test_a_signature_that_is_not_the_models_is_refused(patients, directory, kind, compiled):
    if compiled:
        shutil.copy(Path(patients.artifact.uri.removeprefix("file://")) / COMPILED, directory)
    change(directory, "signature.json", DISAGREEMENTS[kind])
    assert refusal(directory, write_manifest(directory)).reason in ("ArtifactInvalid", "GoldenRowsDiffer")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_of_a_bad_artifact_is_never_ready_and_says_why(patients, tmp_path, workers):
    # given a store in which a model file is a pickle in disguise
    store, done = own_store(patients, tmp_path), tmp_path / "done"
    folder = store / "artifacts" / patients.artifact.digest.removeprefix("sha256:")
    (folder / MODEL).write_bytes(pickle.dumps(Evil(done)))
    order = write_order(patients, store, tmp_path / "order.json")
    # when a pod is to serve it
    message = tmp_path / "message"
    arguments = ("--order", str(order), "--port", "0", "--termination-log", str(message), "--workers", workers)
    code, err = fails(*arguments)
    # then it ends, says so where Kubernetes looks, and has run nothing
    assert code == 3
    assert "Traceback" not in err
    assert MODEL in message.read_text()
    assert message.read_text() in err
    assert not done.exists()
