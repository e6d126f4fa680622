"""What is known of a model without loading it: the documents of its artifact, verified and read.

Light: imports neither pandas nor scikit-learn nor Arrow. A server and the operator's commands begin here.
"""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from evermodel.artifact import manifest as names
from evermodel.artifact.baseline import Baseline
from evermodel.artifact.conformal import Conformal
from evermodel.artifact.golden import Golden
from evermodel.artifact.manifest import Manifest
from evermodel.artifact.signature import Signature
from evermodel.artifact.store import ArtifactFiles, read_artifact
from evermodel.errors import DataError

DOCUMENTS = (names.SIGNATURE, names.GOLDEN, names.BASELINE, names.EVALUATION, names.ENVIRONMENT)
"""Files that every artifact has beside the model."""
OPTIONAL = (names.CONFORMAL,)
"""A file that artifacts of older images lack."""


@dataclass(frozen=True)
class ArtifactDocuments:
    """What is known of a model."""

    uri: str
    """Directory of the artifact."""
    digest: str
    """`sha256:<hex>` of its manifest."""
    manifest: Manifest
    signature: Signature
    golden: Golden
    baseline: Baseline
    evaluation: dict[str, Any]
    """How it was chosen and what it scored (`training.report`)."""
    environment: dict[str, Any]
    """Versions of Python and of the libraries that made it."""
    conformal: Conformal | None
    """How far it was from the truth on its test rows; None where the artifact does not tell."""


@dataclass(frozen=True)
class ServedFiles:
    """What a server reads first."""

    documents: ArtifactDocuments
    compiled: bytes | None
    """The compiled model; None where the artifact has none."""


def read_documents(uri: str, files: ArtifactFiles) -> dict[str, Any]:
    """The fields of `ArtifactDocuments` from an artifact's verified bytes.

    Raises:
        DataError: `ArtifactInvalid` naming what one of them is not.
    """
    content, conformal = files.contents, files.contents.get(names.CONFORMAL)
    try:
        return {
            "uri": uri,
            "digest": files.manifest.digest,
            "manifest": files.manifest,
            "signature": Signature.model_validate_json(content[names.SIGNATURE]),
            "golden": Golden.model_validate_json(content[names.GOLDEN]),
            "baseline": Baseline.model_validate_json(content[names.BASELINE]),
            "evaluation": json.loads(content[names.EVALUATION]),
            "environment": json.loads(content[names.ENVIRONMENT]),
            "conformal": None if conformal is None else Conformal.model_validate_json(conformal),
        }
    except (ValidationError, ValueError, RecursionError) as error:
        cause = " ".join(str(error).split())[:200]
        raise DataError(
            "ArtifactInvalid",
            f"a document of the artifact {uri} is not one that this image reads ({cause}); train the model again",
        ) from error


def describe_artifact(uri: str, digest: str | None) -> ArtifactDocuments:
    """Read and verify everything but the model file. Cheap: imports neither scikit-learn nor skops.

    Raises:
        DataError: as `read_artifact`.
        RunError: `StoreUnavailable`, as `read_artifact`.
    """
    return ArtifactDocuments(**read_documents(uri, read_artifact(uri, digest, only=DOCUMENTS, first_of=(OPTIONAL,))))


def read_served(uri: str, digest: str | None) -> ServedFiles:
    """Verify every file of an artifact, and read what a server needs: the documents and the compiled model.

    Raises:
        DataError: as `read_artifact`.
        RunError: `StoreUnavailable`, as `read_artifact`.
    """
    files = read_artifact(uri, digest, only=DOCUMENTS, first_of=(OPTIONAL, (names.COMPILED,)), whole=True)
    documents = ArtifactDocuments(**read_documents(uri, files))
    return ServedFiles(documents, files.contents.get(names.COMPILED))
