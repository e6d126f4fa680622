"""A served model: loaded from verified bytes, warmed, and trusted only after it has reproduced its golden rows.

Which engine answers is fixed and not timed: the compiled model where the artifact has one that reproduces
scikit-learn's answers here, ONNX Runtime where the model exists only as ONNX, else scikit-learn.
"""

import math
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact import manifest as names
from evermodel.artifact.decision import class_numbers, labels_of
from evermodel.artifact.documents import ArtifactDocuments, read_served
from evermodel.artifact.signature import ClassLabel, Signature
from evermodel.compiled.file import decode
from evermodel.compiled.model import KernelMissingError
from evermodel.compiled.program import Program
from evermodel.compiled.rows import rows_of_columns
from evermodel.errors import DataError
from evermodel.serving.batch import Batch
from evermodel.serving.reasons import Reasons
from evermodel_api.training import Task

QUICK_SECONDS = 200e-6
"""An engine that answers one row in less may be asked on the event loop: a switch of threads costs about as much."""


class Engine(Protocol):
    """What turns rows into numbers. Called from several threads at once."""

    @property
    def name(self) -> str:
        """What the metadata says of it: compiled, onnxruntime or scikit-learn."""

    @property
    def quick(self) -> bool:
        """Whether a few rows may be asked on the event loop."""

    def predict(self, batch: Batch) -> NDArray[np.float64]:
        """Answers to at least one row.

        Returns:
            Shape (rows,) for a regression, (rows, classes) probabilities for a classifier.

        Raises:
            ValueError: the model refuses such a row; the words are the library's.
        """


@dataclass(frozen=True)
class CompiledEngine:
    """The program that was made of the pipeline."""

    program: Program
    quick: bool = True
    name: str = "compiled"

    def predict(self, batch: Batch) -> NDArray[np.float64]:
        """Answers to at least one row."""
        return self.program.predict(batch.values, batch.texts)


class _FrameEngine:
    """What is asked with a frame of pandas, as the libraries take it."""

    quick = False

    def __init__(self, model: Any, signature: Signature) -> None:
        self._model = model
        self._signature = signature

    def predict(self, batch: Batch) -> NDArray[np.float64]:
        """Answers to at least one row."""
        from evermodel.artifact.model import answer  # noqa: PLC0415  pandas is slow to import

        values, probabilities = answer(self._model, self._signature, self._frame(batch))
        return values if probabilities is None else probabilities

    def _frame(self, batch: Batch) -> Any:
        import pandas as pd  # noqa: PLC0415

        columns: dict[str, Any] = {}
        for place, column in enumerate(self._signature.columns):
            if column.kind == "number":
                columns[column.name] = batch.values[:, place]  # noqa: PD011  no frame of pandas
                continue
            cells = np.empty(batch.rows, dtype=object)
            cells[:] = batch.texts[place]
            columns[column.name] = cells
        return pd.DataFrame(columns)


class ScikitLearnEngine(_FrameEngine):
    """The fitted pipeline itself."""

    name = "scikit-learn"


class OnnxEngine(_FrameEngine):
    """A model that exists only as ONNX: what a container left."""

    name = "onnxruntime"


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
    program: Program | None = None
    """The compiled model where that is what answers: reasons are computed from it."""
    note: str = ""
    """Why it is not the compiled model that answers; empty where it does."""

    @property
    def signature(self) -> Signature:
        """What it takes and what it answers."""
        return self.documents.signature

    @cached_property
    def reasons(self) -> Reasons:
        """What it tells of its answers on request."""
        return Reasons(self.version, self.documents, self.program, self.engine.name)

    @cached_property
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
    files = read_served(uri, digest)
    engine, note = _compiled_engine(files.documents, files.compiled)
    if engine is not None:
        return ServedModel(model, version, files.documents, engine, engine.program)
    slower = _library_engine(files.documents, allow_pickle=allow_pickle)
    check_golden_rows(slower, files.documents)
    if files.compiled is not None:
        print(f"evermodel serve: {version} is served by {slower.name}: {note}", file=sys.stderr)  # noqa: T201
    return ServedModel(model, version, files.documents, slower, note=note)


def _compiled_engine(documents: ArtifactDocuments, content: bytes | None) -> tuple[CompiledEngine | None, str]:
    """The compiled engine, or None and why not."""
    if content is None:
        return None, "the artifact has no compiled model"
    try:
        program, check = decode(content)
        if program.columns != len(documents.signature.columns):
            raise DataError(
                "ArtifactInvalid",
                f"the compiled model of {documents.uri} takes {program.columns} columns and its signature has "
                f"{len(documents.signature.columns)}; train the model again",
            )
        difference = check.difference(program)
    except KernelMissingError as error:
        return None, str(error)
    if not difference <= check.tolerance:
        return None, f"here the compiled model's answers to its check rows differ by {difference:.3g}"
    engine = CompiledEngine(program)
    try:
        check_golden_rows(engine, documents)
    except DataError as error:
        return None, f"the compiled model does not answer as it did when it was made ({error})"
    return CompiledEngine(program, quick=_row_seconds(engine, documents) < QUICK_SECONDS), ""


def _row_seconds(engine: Engine, documents: ArtifactDocuments) -> float:
    """The shortest of a few measured times for one row; 0 where there is no row to ask."""
    golden = documents.golden
    if not golden.rows:
        return 0.0
    batch = batch_of_rows(documents.signature, golden.rows[:1])
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        engine.predict(batch)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def _library_engine(documents: ArtifactDocuments, *, allow_pickle: bool) -> Engine:
    from evermodel.artifact.model import load_artifact  # noqa: PLC0415  pandas and scikit-learn are slow to import

    # Verified again: it is read again, and a pickle could do anything.
    loaded = load_artifact(documents.uri, documents.digest, allow_pickle=allow_pickle)
    files = documents.manifest.files
    only_onnx = names.ONNX in files and names.MODEL not in files
    return (OnnxEngine if only_onnx else ScikitLearnEngine)(loaded.model, loaded.signature)


def batch_of_rows(signature: Signature, rows: list[list[Any]]) -> Batch:
    """Rows of JSON cells in the signature's order, as golden rows are kept, as a batch."""
    columns = list(zip(*rows, strict=True))
    made = rows_of_columns(signature, columns)
    return Batch(made.values, made.texts)


def check_golden_rows(engine: Engine, documents: ArtifactDocuments) -> None:
    """Hold the engine's answers against the golden rows, all at once and the first one alone.

    Raises:
        DataError: `GoldenRowsDiffer`: which row, expected what, got what.
    """
    golden, signature = documents.golden, documents.signature
    if not golden.rows:
        return
    found = _asked(engine, documents, golden.rows)
    single = _asked(engine, documents, golden.rows[:1])
    labels = _labels(signature, found)
    for row, expected in enumerate(golden.predictions):
        _hold(documents, row, expected, labels[row])
    _hold(documents, 0, golden.predictions[0], _labels(signature, single)[0])
    for row, shares in enumerate(golden.probabilities):
        for expected_share, share in zip(shares, found[row].tolist(), strict=True):
            _hold(documents, row, expected_share, share)


def _asked(engine: Engine, documents: ArtifactDocuments, rows: list[list[Any]]) -> NDArray[np.float64]:
    try:
        answers = engine.predict(batch_of_rows(documents.signature, rows))
    except ValueError as error:
        words = " ".join(str(error).split())[:200]
        raise DataError(
            "GoldenRowsDiffer",
            f"the model {documents.uri} refuses its golden rows ({words}); serve it with the image that trained it, or"
            " train it again",
        ) from error
    classes = len(documents.signature.classes)
    if answers.shape != ((len(rows), classes) if classes else (len(rows),)):
        raise DataError(
            "ArtifactInvalid",
            f"the model {documents.uri} gives {list(answers.shape[1:])} numbers for a row and its signature has "
            f"{classes} classes; train the model again",
        )
    return answers


def _labels(signature: Signature, answers: NDArray[np.float64]) -> list[ClassLabel]:
    if signature.task is Task.REGRESSION:
        return labels_of(signature, answers)
    return labels_of(signature, class_numbers(answers, signature.threshold))


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
