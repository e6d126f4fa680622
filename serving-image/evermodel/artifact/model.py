"""A model that can answer: loaded from its artifact after every byte was verified, and the one way to ask it.

Training (golden rows, test), serving and monitoring all ask through `predict`, so that they cannot differ.
What is known of a model without loading it is in `documents`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact import manifest as names
from evermodel.artifact.decision import class_numbers, labels_of
from evermodel.artifact.documents import DOCUMENTS, OPTIONAL, ArtifactDocuments, describe_artifact, read_documents
from evermodel.artifact.frame import estimator_frame, frame_from_rows, model_frame
from evermodel.artifact.signature import ClassLabel, Signature
from evermodel.artifact.store import read_artifact
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
    files = read_artifact(uri, digest, only=DOCUMENTS, first_of=(OPTIONAL, forms), verify=verify)
    form = next((form for form in forms if form in files.contents), None)
    if form is None:
        raise DataError("ArtifactInvalid", f"the artifact {uri} has no {' or '.join(forms)}; train the model again")
    return LoadedArtifact(
        **read_documents(uri, files), model=_load(form, files.contents[form], allow_pickle=allow_pickle)
    )


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
    return class_numbers(probabilities, signature.threshold).astype(np.float64), probabilities


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
    return Predictions(labels_of(signature, values), probabilities)
