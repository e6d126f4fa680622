"""A model that can answer: loaded from its artifact after every byte was verified, and the one way to ask it.

Training (golden rows, test), serving and monitoring all ask through `predict`, so that they cannot differ.
`describe_artifact` reads what is known of a model without loading the model itself (and without scikit-learn).
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from evermodel.artifact import manifest as names
from evermodel.artifact.baseline import Baseline
from evermodel.artifact.frame import estimator_frame, frame_from_rows, model_frame
from evermodel.artifact.golden import Golden
from evermodel.artifact.manifest import Manifest
from evermodel.artifact.signature import ClassLabel, Signature
from evermodel.artifact.store import ArtifactFiles, read_artifact
from evermodel.artifact.threads import one_thread
from evermodel.errors import DataError
from evermodel_api.training import Task

__all__ = [
    "ArtifactDocuments",
    "LoadedArtifact",
    "Predictions",
    "answer",
    "answers_of",
    "describe_artifact",
    "frame_from_rows",
    "in_words",
    "load_artifact",
    "model_frame",
    "predict",
]

_DOCUMENTS = [names.SIGNATURE, names.GOLDEN, names.BASELINE, names.EVALUATION, names.ENVIRONMENT]


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


@dataclass(frozen=True)
class LoadedArtifact(ArtifactDocuments):
    """A model that can answer."""

    model: Any
    """The fitted scikit-learn Pipeline; a classifier answers class numbers 0..k-1."""


@dataclass(frozen=True)
class Predictions:
    """Answers, one for each row."""

    labels: list[ClassLabel]
    """Classification: the class as it is in the data. Regression: a float."""
    probabilities: NDArray[np.float64] | None
    """Classification: shape (rows, classes), in the order of `signature.classes`. Regression: None."""


def _documents(uri: str, files: ArtifactFiles) -> dict[str, Any]:
    content = files.contents
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
        }
    except (ValidationError, ValueError) as error:
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
    return ArtifactDocuments(**_documents(uri, read_artifact(uri, digest, only=_DOCUMENTS)))


def load_artifact(uri: str, digest: str | None, *, verify: bool = True, allow_pickle: bool = False) -> LoadedArtifact:
    """Read, verify and load a model.

    Args:
        uri: directory of the artifact, an fsspec URL or a path.
        digest: `sha256:<hex>` of its manifest; None takes the manifest that is there as it is.
        allow_pickle: whether the cluster's admin allows models that are kept as pickles.
        verify: check every file's size and sha256 before anything is loaded. False only for bytes verified just before.

    Raises:
        DataError: `ArtifactMissing`, `ArtifactDigestMismatch`, `ArtifactInvalid`, or `ModelTypeRefused` for a model
            file that names a type outside the allow-list, `PickleRefused`.
        RunError: `StoreUnavailable` when the store cannot be read; it may come back.
    """
    forms = (names.MODEL, names.ONNX, names.PICKLE)
    files = read_artifact(uri, digest, only=_DOCUMENTS, first_of=forms, verify=verify)
    form = next((form for form in forms if form in files.contents), None)
    if form is None:
        raise DataError("ArtifactInvalid", f"the artifact {uri} has no {' or '.join(forms)}; train the model again")
    return LoadedArtifact(**_documents(uri, files), model=_load(form, files.contents[form], allow_pickle=allow_pickle))


def _load(form: str, content: bytes, *, allow_pickle: bool) -> Any:
    """Each form is heavy to import: only who loads such a model pays for it."""
    if form == names.MODEL:
        from evermodel.artifact.skops_file import load_model  # noqa: PLC0415

        return load_model(content)
    if form == names.ONNX:
        from evermodel.artifact.onnx_file import load_onnx  # noqa: PLC0415

        return load_onnx(content)
    from evermodel.artifact.pickle_file import load_pickle  # noqa: PLC0415

    return load_pickle(content, allowed=allow_pickle)


def answer(
    model: Any, signature: Signature, frame: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Ask a fitted pipeline: class numbers and probabilities, or numbers and None.

    The class is the most probable one, or, where the signature has a threshold, the second at or above it.

    Args:
        model: the fitted pipeline.
        signature: its signature.
        frame: the signature's columns, as `frame_from_rows` or `model_frame` make them.

    Returns:
        Values of shape (rows,), and probabilities of shape (rows, classes) for a classifier.
    """
    taken = estimator_frame(signature, frame)
    if signature.task is Task.REGRESSION:
        with one_thread():
            return np.asarray(model.predict(taken), dtype=np.float64).reshape(len(frame)), None
    with one_thread():
        probabilities = np.asarray(model.predict_proba(taken), dtype=np.float64)
    if signature.threshold is not None:
        return (probabilities[:, 1] >= signature.threshold).astype(np.float64), probabilities
    return probabilities.argmax(axis=1).astype(np.float64), probabilities


def predict(loaded: LoadedArtifact, frame: pd.DataFrame) -> Predictions:
    """Answers of a loaded model to rows.

    Args:
        loaded: the model.
        frame: the signature's columns, as `frame_from_rows` or `model_frame` make them; not empty.
    """
    return answers_of(loaded.model, loaded.signature, frame)


def answers_of(model: Any, signature: Signature, frame: pd.DataFrame) -> Predictions:
    """As `predict`, of a fitted pipeline that is in no artifact yet."""
    return in_words(signature, *answer(model, signature, frame))


def in_words(
    signature: Signature, values: NDArray[np.float64], probabilities: NDArray[np.float64] | None
) -> Predictions:
    """Class numbers as the classes that they stand for; the numbers of a regression as they are."""
    classes = signature.classes
    labels: list[ClassLabel] = [classes[int(v)] for v in values] if classes else values.tolist()
    return Predictions(labels, probabilities)
