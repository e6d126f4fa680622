"""Writes OCI archives: of one static program, or of an image in a layout folder.

The format is small enough to need no tool: a tar file with JSON documents and blobs named by their digests.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

_NAME = "io.containerd.image.name"
_LAYOUT = b'{"imageLayoutVersion": "1.0.0"}'


def _tar(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    """A tar file with the same bytes for the same content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def single_program(reference: str, name: str, program: bytes, architecture: str) -> bytes:
    """An OCI archive of an image that holds one static program and runs it as nobody.

    Args:
        reference: the name that the image gets when it is imported, with its tag.
        name: file name of the program.
        program: its content.
        architecture: in Go's words: amd64, arm64.

    """
    blobs: dict[str, bytes] = {}

    def blob(media_type: str, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def document(media_type: str, value: dict[str, Any]) -> dict[str, Any]:
        return blob(media_type, json.dumps(value, sort_keys=True).encode())

    layer = blob("application/vnd.oci.image.layer.v1.tar", _tar({name: program}, 0o755))
    config = document(
        "application/vnd.oci.image.config.v1+json",
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": [f"/{name}"], "User": "65535:65535"},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        },
    )
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = document(
        manifest_type, {"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": [layer]}
    )
    manifest["annotations"] = {_NAME: reference}
    index = json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode()
    return _tar({"oci-layout": _LAYOUT, "index.json": index, **blobs})


def write_layout(layout: Path, reference: str, output: IO[bytes], present: AbstractSet[str]) -> None:
    """Write the image in a layout folder as an archive that can be imported under a name.

    Args:
        layout: a folder in the OCI image layout that holds one image.
        reference: the name that the image gets, with its tag.
        output: where the archive is written.
        present: digests that the reader of the archive has already, which are left out of it.

    """
    index = json.loads((layout / "index.json").read_text())
    manifest = index["manifests"][0]
    manifest["annotations"] = {_NAME: reference}
    documents = {"oci-layout": _LAYOUT, "index.json": json.dumps(index).encode()}
    content = json.loads(_blob(layout, manifest["digest"]).read_text())
    digests = [manifest["digest"], content["config"]["digest"], *(layer["digest"] for layer in content["layers"])]
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name, data in documents.items():
            _add(archive, name, len(data), io.BytesIO(data))
        for digest in dict.fromkeys(digests):
            # The manifest and its configuration are always sent: the importer reads them from the archive.
            if digest in present and digest not in digests[:2]:
                continue
            path = _blob(layout, digest)
            with path.open("rb") as data_file:
                _add(archive, f"blobs/{digest.replace(':', '/')}", path.stat().st_size, data_file)


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def _add(archive: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    archive.addfile(entry, content)
