"""The forms in which a model is kept: skops always, ONNX when it answers alike, a pickle where nothing else can."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evermodel.artifact.manifest import MODEL, ONNX, PICKLE
from evermodel.artifact.signature import Signature
from evermodel.errors import SpecError
from evermodel.training.fitting import Fitted


@dataclass(frozen=True)
class Forms:
    """A model after its way through its file."""

    model: Any
    """What is measured is what will be loaded."""
    files: dict[str, bytes]
    """The model in each form, by the file's name; the form that is loaded first."""
    notes: tuple[str, ...] = field(default=())
    """What the library warned of, and why there is no ONNX form."""
    onnx_difference: float | None = None
    """Largest difference of the ONNX form's answers to golden and random rows; None where it cannot be made."""


def make_forms(fitted: Fitted, formats: Sequence[str], signature: Signature, frame: pd.DataFrame) -> Forms:
    """Write the model in the forms that are asked for, and load it again.

    Args:
        fitted: the model.
        formats: skops, onnx, pickle. A pickle is made only when skops cannot hold the model.
        signature: its signature.
        frame: rows that the forms must answer alike.

    Raises:
        SpecError: `ModelTypeRefused` when skops cannot hold the model and pickle is not asked for.
    """
    model, files = _written(fitted.model, formats)
    if "onnx" not in formats:
        return Forms(model, files, fitted.notes)
    from evermodel.artifact.onnx_file import PARITY, export_onnx, parity  # noqa: PLC0415  slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # steps are tried one by one, on arrays without names
        exported = export_onnx(model, signature, frame)
        if exported.content is None:
            return Forms(model, files, (*fitted.notes, f"there is no ONNX form: {exported.refusal}"))
        difference = parity(exported.content, model, signature, frame)
    if not difference <= PARITY:
        note = f"the ONNX form is not kept: its answers differ by up to {difference:.3g}, and {PARITY:g} is allowed"
        return Forms(model, files, (*fitted.notes, note), difference)
    return Forms(model, {**files, ONNX: exported.content}, fitted.notes, difference)


def _written(model: Any, formats: Sequence[str]) -> tuple[Any, dict[str, bytes]]:
    from evermodel.artifact.skops_file import dump_model, load_model  # noqa: PLC0415  slow to import

    try:
        content = dump_model(model)
        return load_model(content), {MODEL: content}
    except SpecError:
        if "pickle" not in formats:
            raise
    from evermodel.artifact.pickle_file import dump_pickle, load_pickle  # noqa: PLC0415

    content = dump_pickle(model, allowed=True)  # the run refuses the format at its start where it is not allowed
    return load_pickle(content, allowed=True), {PICKLE: content}
