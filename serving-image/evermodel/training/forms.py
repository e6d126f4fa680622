"""The forms in which a model is kept: skops, or a pickle where it cannot; compiled and ONNX where they answer alike."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from evermodel.artifact.manifest import COMPILED, MODEL, ONNX, PICKLE
from evermodel.artifact.model_parts import parts_of
from evermodel.artifact.signature import Signature
from evermodel.artifact.threads import one_thread
from evermodel.errors import SpecError
from evermodel.training.fitting import LIBRARY_ERRORS, Fitted

_RANDOM = 200
_MEAN_OF = 10_000
"""Training rows whose mean is what a linear model's contributions are measured from: they are in no order of theirs."""
_SEED = 20240229


@dataclass(frozen=True)
class Forms:
    """A model after its way through its file."""

    model: Any
    """What is measured is what will be loaded."""
    files: dict[str, bytes]
    """The model in each form, by the file's name; the form that is loaded first."""
    notes: tuple[str, ...] = field(default=())
    """What the library warned of, and why there is no compiled or no ONNX form."""
    onnx_difference: float | None = None
    """Largest difference of the ONNX form's answers to golden and random rows; None where it cannot be made."""


def make_forms(
    fitted: Fitted,
    formats: Sequence[str],
    signature: Signature,
    frame: pd.DataFrame,
    training: pd.DataFrame | None = None,
) -> Forms:
    """Write the model in the forms that are asked for, and load it again.

    Args:
        fitted: the model.
        formats: skops, onnx, pickle. A pickle is made only when skops cannot hold the model.
        signature: its signature.
        frame: rows that the forms must answer alike.
        training: as `with_compiled`.

    Raises:
        SpecError: `ModelTypeRefused` when skops cannot hold the model and pickle is not asked for.
    """
    model, files = _written(fitted.model, formats)
    forms = with_compiled(Forms(model, files, fitted.notes), signature, frame, training)
    return _with_onnx(forms, signature, frame) if "onnx" in formats else forms


def with_compiled(
    forms: Forms, signature: Signature, frame: pd.DataFrame, training: pd.DataFrame | None = None
) -> Forms:
    """The forms, and the compiled one where it answers as the model does.

    Only what skops holds is compiled: a model that is kept as a pickle must not be served where pickles are refused,
    and one of ONNX is quick as it is.

    Args:
        forms: with the model.
        signature: its signature.
        frame: rows that the compiled form must answer alike, not empty.
        training: rows whose mean contributions are measured from; None takes those of `frame`.
    """
    if MODEL not in forms.files:
        return forms
    from evermodel.artifact.build import try_missing  # noqa: PLC0415  only who makes a model needs them
    from evermodel.artifact.random_rows import random_rows  # noqa: PLC0415
    from evermodel.compiled.compile import compile_pipeline  # noqa: PLC0415
    from evermodel.compiled.file import encode  # noqa: PLC0415
    from evermodel.compiled.model import KernelMissingError, NotCompilableError  # noqa: PLC0415
    from evermodel.compiled.parity import checked, outcome_of, rows_of_frame  # noqa: PLC0415

    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore")  # such as levels that training never saw
        try:
            mean_of = (frame if training is None else training).head(_MEAN_OF)
            program = compile_pipeline(forms.model, signature, rows_of_frame(signature, mean_of))
            chance = random_rows(try_missing(forms.model, signature, frame), _RANDOM, _SEED)
            single = any(type(part).__name__.startswith("XGB") for part in parts_of(forms.model))
            ask = outcome_of(forms.model, signature)
            check = checked(program, ask, signature, frame, chance, single=single)
            return replace(forms, files={**forms.files, COMPILED: encode(program, check)})
        except (NotCompilableError, KernelMissingError, *LIBRARY_ERRORS) as error:
            return replace(
                forms, notes=(*forms.notes, f"the model is not compiled, and scikit-learn serves it: {error}")
            )


def _with_onnx(forms: Forms, signature: Signature, frame: pd.DataFrame) -> Forms:
    from evermodel.artifact.onnx_file import PARITY, export_onnx, parity  # noqa: PLC0415  slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # steps are tried one by one, on arrays without names
        exported = export_onnx(forms.model, signature, frame)
        if exported.content is None:
            return replace(forms, notes=(*forms.notes, f"there is no ONNX form: {exported.refusal}"))
        difference = parity(exported.content, forms.model, signature, frame)
    if not difference <= PARITY:
        note = f"the ONNX form is not kept: its answers differ by up to {difference:.3g}, and {PARITY:g} is allowed"
        return replace(forms, notes=(*forms.notes, note), onnx_difference=difference)
    return replace(forms, files={**forms.files, ONNX: exported.content}, onnx_difference=difference)


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
