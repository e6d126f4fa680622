"""The artifact store over fsspec: content-addressed, files first and manifest last, verified before it is used."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evermodel.artifact.layout import artifact_directory
from evermodel.artifact.manifest import MANIFEST, File, Manifest
from evermodel.errors import DataError, RunError
from evermodel_api.digest import digest_bytes
from evermodel_api.training import Task
from evermodel_api.version import Artifact


@dataclass(frozen=True)
class ArtifactFiles:
    """The verified bytes of an artifact."""

    manifest: Manifest
    contents: Mapping[str, bytes]
    """Bytes of each file that was read, by name."""


@contextmanager
def _told(uri: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, ImportError, ValueError) as error:
        raise _unavailable(uri, error) from error


def _unavailable(uri: str, error: Exception) -> RunError:
    is_full = any(words in str(error) for words in ("No space left", "Disk quota exceeded"))  # servers say it too
    remedy = "make room in it" if is_full else "check that it is reachable and that this run may use it"
    return RunError("StoreUnavailable", f"the store {uri} cannot be used: {error}; {remedy}")


def absolute_uri(uri: str) -> str:
    """A path as a `file://` URL as fsspec reads it, nothing escaped; an URL as it is, without a slash at its end."""
    return uri.rstrip("/") if "://" in uri else f"file://{Path(uri).absolute().as_posix()}"


def _local_path(uri: str) -> Path | None:
    """The path of a file or directory of this machine; None for what only fsspec knows."""
    if "://" not in uri:
        return Path(uri)
    return Path(uri.removeprefix("file://")) if uri.startswith("file://") and "::" not in uri else None


def _remote(uri: str) -> tuple[Any, str]:
    """The file system of fsspec and the path there. It is slow to import, and a store on a volume does without."""
    import fsspec  # noqa: PLC0415

    from evermodel.artifact.s3 import register  # noqa: PLC0415

    register()
    filesystem, path = fsspec.core.url_to_fs(uri)
    return filesystem, path


def read_bytes(uri: str) -> bytes:
    """Bytes of one file.

    Raises:
        FileNotFoundError: when it is not there.
        RunError: `StoreUnavailable` when the store cannot be read.
    """
    with _told(uri):
        if (local := _local_path(uri)) is not None:
            return local.read_bytes()
        filesystem, path = _remote(uri)
        content: bytes = filesystem.cat_file(path)
        return content


def write_bytes(uri: str, content: bytes | memoryview) -> None:
    """Write one file whole or not at all: a reader never sees a part of it.

    Raises:
        RunError: `StoreUnavailable` when the store cannot be written.
    """
    try:
        with _told(uri):
            if (local := _local_path(uri)) is not None:
                _replace_file(local, content)
            else:
                filesystem, path = _remote(uri)
                filesystem.makedirs(filesystem._parent(path), exist_ok=True)  # noqa: SLF001  fsspec's name for it
                filesystem.pipe_file(path, bytes(content))
    except FileNotFoundError as error:  # a place where no directory can be made
        raise _unavailable(uri, error) from error


def list_names(uri: str) -> list[str]:
    """Sorted names of what lies directly in a directory; empty when it is not there.

    Raises:
        RunError: `StoreUnavailable` when the store cannot be read.
    """
    try:
        with _told(uri):
            if (local := _local_path(uri)) is not None:
                return sorted(entry.name for entry in local.iterdir())
            filesystem, path = _remote(uri)
            filesystem.invalidate_cache()  # some remember a listing, which other pods have added to meanwhile
            return sorted(entry.rstrip("/").rsplit("/", 1)[-1] for entry in filesystem.ls(path, detail=False))
    except FileNotFoundError:
        return []


def _replace_file(path: Path, content: bytes | memoryview) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)  # a serving pod may run as another user than the training pod
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_manifest(task: Task, estimator: str, contents: Mapping[str, bytes]) -> Manifest:
    """The manifest of these files."""
    files = {name: File(sha256=sha256(data).hexdigest(), size=len(data)) for name, data in sorted(contents.items())}
    return Manifest(task=task, estimator=estimator, files=files)


def write_artifact(store: str, manifest: Manifest, contents: Mapping[str, bytes]) -> Artifact:
    """Write an artifact below the store's root: files first, manifest last. Writing it again changes nothing.

    Raises:
        RunError: `StoreUnavailable` when the store cannot be written.
    """
    uri = artifact_directory(absolute_uri(store), manifest.digest)
    artifact = Artifact(
        uri=uri, digest=manifest.digest, size_bytes=sum(map(len, contents.values())) + len(manifest.encode())
    )
    try:
        read_artifact(uri, manifest.digest)
    except DataError:  # not there yet, begun by a run that was killed, or damaged: these bytes are the right ones
        for name, content in contents.items():
            write_bytes(f"{uri}/{name}", content)
        write_bytes(f"{uri}/{MANIFEST}", manifest.encode())
    return artifact


def read_artifact(
    uri: str,
    digest: str | None,
    *,
    only: Sequence[str] | None = None,
    first_of: Sequence[Sequence[str]] = (),
    verify: bool = True,
    whole: bool = False,
) -> ArtifactFiles:
    """Read an artifact's files and verify them against the manifest, and the manifest against `digest`.

    Args:
        uri: directory of the artifact, an fsspec URL or a path.
        digest: `sha256:<hex>` of its manifest; None takes the manifest that is there as it is.
        only: names of the files to read; all when None.
        first_of: groups of names, of each of which the first that the manifest has is read too.
        verify: False leaves the checks out.
        whole: verify the files too that are not read.

    Raises:
        DataError: `ArtifactMissing` when a file is not there, `ArtifactDigestMismatch` when bytes were changed,
            `ArtifactInvalid` when the manifest is none.
        RunError: `StoreUnavailable` when the store cannot be read.
    """
    manifest = _read_manifest(uri, digest if verify else None)
    contents: dict[str, bytes] = {}
    wanted = [*(only if only is not None else sorted(manifest.files))]
    for group in first_of:
        wanted += [name for name in group if name in manifest.files][:1]
    for name in wanted:
        if name not in manifest.files:
            raise DataError("ArtifactInvalid", f"the artifact {uri} has no {name}; train the model again")
        contents[name] = _artifact_bytes(uri, name)
        if verify:
            _verify(uri, name, manifest.files[name], contents[name])
    if whole:
        for name in sorted(manifest.files.keys() - contents.keys()):
            _verify_unread(uri, name, manifest.files[name])
    return ArtifactFiles(manifest, contents)


def _artifact_bytes(uri: str, name: str) -> bytes:
    try:
        return read_bytes(f"{uri.rstrip('/')}/{name}")
    except FileNotFoundError:
        raise _missing(uri, name) from None


def _read_manifest(uri: str, digest: str | None) -> Manifest:
    encoded = _artifact_bytes(uri, MANIFEST)
    if digest is not None and digest_bytes(encoded) != digest:
        raise _changed(uri, MANIFEST, f"its sha256 is {digest_bytes(encoded)} and should be {digest}")
    try:
        document: Any = json.loads(encoded)
        return Manifest.model_validate(document)
    except (ValueError, ValidationError, RecursionError) as error:
        raise DataError(
            "ArtifactInvalid",
            f"{uri}/{MANIFEST} is no manifest of the format evermodel/1 ({str(error).splitlines()[0]}); "
            "train the model again",
        ) from error


def _verify(uri: str, name: str, expected: File, content: bytes) -> None:
    if len(content) != expected.size:
        raise _changed(uri, name, f"it has {len(content)} bytes and should have {expected.size}")
    if (actual := sha256(content).hexdigest()) != expected.sha256:
        raise _changed(uri, name, f"its sha256 is {actual} and should be {expected.sha256}")


def _verify_unread(uri: str, name: str, expected: File) -> None:
    """Verify a file that nobody needs in memory."""
    local = _local_path(uri)
    if local is None:
        _verify(uri, name, expected, _artifact_bytes(uri, name))
        return
    try:
        with _told(uri), (local / name).open("rb") as file:
            size, actual = os.fstat(file.fileno()).st_size, file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise _missing(uri, name) from None
    if size != expected.size:
        raise _changed(uri, name, f"it has {size} bytes and should have {expected.size}")
    if actual != expected.sha256:
        raise _changed(uri, name, f"its sha256 is {actual} and should be {expected.sha256}")


def _missing(uri: str, name: str) -> DataError:
    return DataError(
        "ArtifactMissing",
        f"the artifact {uri} has no {name}; restore the file from a backup or train the model again",
    )


def _changed(uri: str, name: str, finding: str) -> DataError:
    return DataError(
        "ArtifactDigestMismatch",
        f"{name} of the artifact {uri} was changed after it was made: {finding}; "
        "restore it from a backup or train again",
    )
