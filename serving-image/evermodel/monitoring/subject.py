"""What is known of a version without loading its model: the signature and the baseline, each byte verified."""

from pydantic import ValidationError

from evermodel.artifact.baseline import Baseline
from evermodel.artifact.manifest import BASELINE, SIGNATURE
from evermodel.artifact.signature import Signature
from evermodel.artifact.store import read_artifact
from evermodel.errors import DataError
from evermodel.monitoring.findings import Subject
from evermodel_api.monitor import MonitorSpec


def read_signature(uri: str, digest: str | None) -> Signature:
    """What a version takes and answers.

    Raises:
        DataError: `ArtifactMissing`, `ArtifactDigestMismatch`, `ArtifactInvalid`.
        RunError: `StoreUnavailable`.
    """
    files = read_artifact(uri, digest, only=[SIGNATURE])
    try:
        return Signature.model_validate_json(files.contents[SIGNATURE])
    except ValidationError as error:
        cause = str(error).splitlines()[0]
        message = f"the artifact {uri} has a signature of another format ({cause}); train the model again"
        raise DataError("ArtifactInvalid", message) from error


def read_subject(spec: MonitorSpec, version: str, uri: str, digest: str | None) -> Subject:
    """Read what a window of this version is compared with.

    Raises:
        DataError: `ArtifactMissing`, `ArtifactDigestMismatch`, `ArtifactInvalid`.
        RunError: `StoreUnavailable`.
    """
    files = read_artifact(uri, digest, only=[SIGNATURE, BASELINE])
    try:
        signature = Signature.model_validate_json(files.contents[SIGNATURE])
        baseline = Baseline.model_validate_json(files.contents[BASELINE])
    except ValidationError as error:
        cause = str(error).splitlines()[0]
        message = f"the artifact {uri} has a signature or baseline of another format ({cause}); train the model again"
        raise DataError("ArtifactInvalid", message) from error
    return Subject(spec, version, files.manifest.digest, signature, baseline)
