"""Archives of images, as importers read them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from hack.cluster import oci

NAME = "docker.io/library/it:1"


def read(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def blob(files: dict[str, bytes], digest: str) -> Any:
    return json.loads(files[f"blobs/{digest.replace(':', '/')}"])


def test_an_image_of_one_program_is_named_and_every_blob_has_its_digest():
    files = read(oci.single_program(NAME, "pause", b"program", "amd64"))
    (manifest,) = json.loads(files["index.json"])["manifests"]
    assert manifest["annotations"] == {"io.containerd.image.name": NAME}
    content = blob(files, manifest["digest"])
    config = blob(files, content["config"]["digest"])
    assert config["config"] == {"Entrypoint": ["/pause"], "User": "65535:65535"}
    assert config["rootfs"]["diff_ids"] == [content["layers"][0]["digest"]]
    for name, data in files.items():
        if name.startswith("blobs/"):
            assert name.rpartition("/")[2] == hashlib.sha256(data).hexdigest()


def test_the_same_program_makes_the_same_archive():
    assert oci.single_program(NAME, "it", b"1", "amd64") == oci.single_program(NAME, "it", b"1", "amd64")


def test_layers_that_the_reader_has_are_left_out_of_a_layout_s_archive(tmp_path: Path):
    # given an image in a layout folder
    whole = read(oci.single_program("other:name", "it", b"program", "amd64"))
    for name, data in whole.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    digest = json.loads(whole["index.json"])["manifests"][0]["digest"]
    layer = blob(whole, digest)["layers"][0]["digest"]
    # when it is written for a reader who has its layer and its manifest
    sent = io.BytesIO()
    oci.write_layout(tmp_path, NAME, sent, {layer, digest})
    # then only the layer is left out, and the image has the new name
    files = read(sent.getvalue())
    assert set(whole) - set(files) == {f"blobs/{layer.replace(':', '/')}"}
    assert json.loads(files["index.json"])["manifests"][0]["annotations"] == {"io.containerd.image.name": NAME}
