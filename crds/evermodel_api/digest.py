"""Digests of specs: one spec has one digest, whatever the order of its keys and whether defaults are written."""

import hashlib
import json

from evermodel_api.training import TrainingSpec


def digest_bytes(content: bytes) -> str:
    """sha256 of bytes, as `sha256:<hex>`.

    >>> digest_bytes(b"")[:14]
    'sha256:e3b0c44'
    """
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def spec_digest(spec: TrainingSpec) -> str:
    """Digest of what decides the model: all but when and where a run is executed (`triggers`, `run` but its seed)."""
    document = spec.dump()
    document.pop("triggers", None)
    document["run"] = {"seed": spec.run.seed}
    return digest_bytes(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
