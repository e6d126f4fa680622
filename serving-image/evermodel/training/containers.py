"""Models that a user's own image fits: one directory for each fit, a model file in each (docs/containers.md)."""

import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.signature import Signature
from evermodel.errors import DataError
from evermodel.training.fitting import Rows, described
from evermodel_api.training import Algorithm

FINAL = "final"
"""Name of the fit on all training rows; the fits of cross-validation are called 0, 1, 2, ..."""
_FORMS = ("model.skops", "model.onnx")

Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def fits_directory(exchange: Path, algorithm: Algorithm) -> Path:
    """Where the fits of an algorithm lie."""
    return exchange / "fits" / algorithm.name


def write_fits(
    exchange: Path, algorithm: Algorithm, signature: Signature, rows: Rows, folds: Sequence[Masks], seed: int
) -> None:
    """Write the rows of each fit, and what is to be done with them."""
    fits = {str(number): rows.where(training) for number, (training, _) in enumerate(folds)}
    for name, taken in {**fits, FINAL: rows}.items():
        directory = fits_directory(exchange, algorithm) / name
        directory.mkdir(parents=True, exist_ok=True)
        # The container's user is another one; what they have in common is the pod's group.
        directory.chmod(directory.stat().st_mode | stat.S_IWGRP)
        frame = taken.frame.reset_index(drop=True)
        frame[signature.target] = taken.truth
        frame.to_parquet(directory / "rows.parquet")
        document = {
            "task": str(signature.task),
            "target": signature.target,
            "classes": signature.classes,
            "columns": [column.dump() for column in signature.columns],
            "params": algorithm.params,
            "seed": seed,
        }
        (directory / "fit.json").write_text(json.dumps(document, indent=1))


def read_model(exchange: Path | None, algorithm: Algorithm, fit: str) -> tuple[Any, dict[str, bytes]]:
    """The model that the container left for a fit, and its file by name.

    Raises:
        DataError: `ContainerModelMissing`, or `ArtifactInvalid` and `ModelTypeRefused` for a file that cannot be used.
    """
    from evermodel.artifact.onnx_file import load_onnx  # noqa: PLC0415  slow to import
    from evermodel.artifact.skops_file import load_model  # noqa: PLC0415

    directory = None if exchange is None else fits_directory(exchange, algorithm) / fit
    found = [directory / form for form in _FORMS if (directory / form).is_file()] if directory else []
    if not found:
        raise DataError(
            "ContainerModelMissing",
            f"{described(algorithm)} left no {' or '.join(_FORMS)} for the fit {fit!r}; it has to write one into each "
            "directory below $EVERMODEL_FITS (docs/containers.md)",
        )
    content = found[0].read_bytes()
    model = load_model(content) if found[0].name == _FORMS[0] else load_onnx(content)
    return model, {found[0].name: content}
