"""Digests of specs: one spec has one digest, whatever the order of its keys and whether defaults are written."""

import hashlib
import json

from evermodel_api.training import TrainingSpec


def digest_bytes(content: bytes | memoryview) -> str:
    """sha256 of bytes, as `sha256:<hex>`.

    >>> digest_bytes(b"")[:14]
    'sha256:e3b0c44'
    """
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def spec_digest(spec: TrainingSpec) -> str:
    """Digest of what decides the model.

    When and where a run is executed, by how many workers, and what becomes of the model have no part in it. Neither
    have fields that say what they would say anyway: a release with new fields must not train every model anew.
    """
    document = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    document.pop("triggers", None)
    document["run"] = {"seed": spec.run.seed}
    document["register"] = {"formats": sorted(spec.register_.formats)}
    document.get("tuning", {}).pop("workers", None)
    return digest_bytes(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
