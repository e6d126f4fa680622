"""The manifest: which files a model consists of. Its sha256 is the model's identity."""

import json
from typing import Annotated, Literal

from pydantic import Field

from evermodel_api.base import Schema
from evermodel_api.digest import digest_bytes
from evermodel_api.training import Task

FORMAT: Literal["evermodel/1"] = "evermodel/1"
MANIFEST = "manifest.json"
MODEL = "model.skops"
ONNX = "model.onnx"
PICKLE = "model.pkl"
COMPILED = "compiled.bin"
SIGNATURE = "signature.json"
GOLDEN = "golden.json"
BASELINE = "baseline.json"
CONFORMAL = "conformal.json"
EVALUATION = "evaluation.json"
ENVIRONMENT = "environment.json"

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""A plain file name: no folders, so that a manifest cannot point outside its artifact."""


class File(Schema):
    """One file of an artifact."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """sha256 of its bytes, in hex."""
    size: Annotated[int, Field(ge=0)]
    """Size in bytes."""


class Manifest(Schema):
    """Which files a model consists of. Names no time, run or machine: equal models have equal identities."""

    format: Literal["evermodel/1"] = FORMAT
    """Version of this layout."""
    task: Task
    """What the model answers."""
    estimator: str
    """Class name of the final estimator."""
    files: dict[FileName, File]
    """All files but the manifest itself."""

    def encode(self) -> bytes:
        """The canonical bytes: sorted keys, no spaces, one newline at the end."""
        return (json.dumps(self.dump(), sort_keys=True, separators=(",", ":")) + "\n").encode()

    @property
    def digest(self) -> str:
        """The model's identity: sha256 of the canonical bytes."""
        return digest_bytes(self.encode())
