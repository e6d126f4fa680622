"""A served model: loaded from verified bytes, warmed, and trusted only after it has reproduced its golden rows."""

import math
from dataclasses import dataclass
from typing import Protocol

from evermodel.artifact.frame import frame_from_rows
from evermodel.artifact.model import ArtifactDocuments, LoadedArtifact, Predictions, load_artifact, predict
from evermodel.artifact.signature import ClassLabel, Signature
from evermodel.errors import DataError
from evermodel.serving.check import Columns


class Engine(Protocol):
    """What turns clean columns into answers. Called from worker threads, several at a time."""

    @property
    def name(self) -> str:
        """What the metadata says of it."""

    def predict(self, columns: Columns) -> Predictions:
        """Answers to the rows of these columns, at least one."""


@dataclass(frozen=True)
class ScikitLearnEngine:
    """The fitted pipeline itself."""

    loaded: LoadedArtifact
    name: str = "scikit-learn"

    def predict(self, columns: Columns) -> Predictions:
        """Answers to the rows of these columns, at least one."""
        rows = list(zip(*columns, strict=True))
        return predict(self.loaded, frame_from_rows(self.loaded.signature, rows))


@dataclass(frozen=True)
class ServedModel:
    """One version of one model, ready to answer."""

    model: str
    """Name that clients use."""
    version: str
    """Name of the version, as in `heart-3`."""
    documents: ArtifactDocuments
    """What its artifact says of it."""
    engine: Engine

    @property
    def signature(self) -> Signature:
        """What it takes and what it answers."""
        return self.documents.signature

    @property
    def number(self) -> str:
        """The part of the version's name behind the last dash: `3` of `heart-3`; the whole name where there is none."""
        return self.version.rpartition("-")[2]


def load_served_model(
    model: str, version: str, uri: str, digest: str | None, *, allow_pickle: bool = False
) -> ServedModel:
    """Load a model from verified bytes and let it reproduce its golden rows, which warms it too.

    `allow_pickle` says whether the cluster's admin allows models that are kept as pickles.

    Raises:
        DataError: as `load_artifact`, and `GoldenRowsDiffer` when it answers otherwise than when it was made.
        RunError: `StoreUnavailable`.
    """
    loaded = load_artifact(uri, digest, allow_pickle=allow_pickle)
    engine = ScikitLearnEngine(loaded)
    check_golden_rows(engine, loaded)
    documents = ArtifactDocuments(**{field: getattr(loaded, field) for field in ArtifactDocuments.__dataclass_fields__})
    return ServedModel(model, version, documents, engine)


def check_golden_rows(engine: Engine, documents: ArtifactDocuments) -> None:
    """Hold the engine's answers against the golden rows, all at once and the first one alone.

    Raises:
        DataError: `GoldenRowsDiffer`: which row, expected what, got what.
    """
    golden = documents.golden
    if not golden.rows:
        return
    columns: Columns = [list(values) for values in zip(*golden.rows, strict=True)]
    found = engine.predict(columns)
    single = engine.predict([values[:1] for values in columns])
    for row, expected in enumerate(golden.predictions):
        _hold(documents, row, expected, found.labels[row])
    _hold(documents, 0, golden.predictions[0], single.labels[0])
    if found.probabilities is None:
        return
    for row, shares in enumerate(golden.probabilities):
        for expected_share, share in zip(shares, found.probabilities[row].tolist(), strict=True):
            _hold(documents, row, expected_share, share)


def _hold(documents: ArtifactDocuments, row: int, expected: ClassLabel, found: ClassLabel) -> None:
    if not is_same_answer(expected, found, documents.golden.tolerance):
        raise DataError(
            "GoldenRowsDiffer",
            f"the model {documents.uri} does not reproduce golden row {row}: expected {expected!r}, got {found!r};"
            " serve it with the image that trained it, or train it again",
        )


def is_same_answer(expected: ClassLabel, found: ClassLabel, tolerance: float) -> bool:
    """Whether two answers are equal: numbers within the tolerance (relative above 1), everything else exactly."""
    if isinstance(expected, float) and isinstance(found, int | float) and not isinstance(found, bool):
        if math.isnan(expected) or math.isnan(found):
            return math.isnan(expected) and math.isnan(found)
        return abs(expected - found) <= tolerance * max(1.0, abs(expected))
    return type(expected) is type(found) and expected == found
