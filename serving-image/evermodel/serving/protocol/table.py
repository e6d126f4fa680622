"""What rows and answers as tables share: columns by name in any order, and which columns an answer has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.cells import category_text
from evermodel.artifact.signature import Signature
from evermodel.serving.check import name_difference, show
from evermodel.serving.faults import BadRequestError
from evermodel.serving.protocol.answers import Answers
from evermodel.serving.protocol.v2 import PREDICT, PREDICT_PROBA, label_datatype

PREDICTION = "prediction"
"""Column with the answers."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an answer."""

    name: str
    datatype: str
    """FP64, INT64, BOOL or BYTES."""
    values: Sequence[Any] | NDArray[np.float64]


def check_names(signature: Signature, names: Sequence[str]) -> None:
    """Hold the columns of a table against the signature.

    Raises:
        BadRequestError: one is there twice, is unknown, or is not there.
    """
    if len(set(names)) != len(names):
        raise BadRequestError(f"column {show(next(name for name in names if names.count(name) > 1))} is there twice")
    if set(names) != set(signature.names):
        raise BadRequestError(f"columns: {name_difference(signature.names, names)}")


def answer_columns(answers: Answers, signature: Signature, outputs: tuple[str, ...] | None) -> list[Column]:
    """The columns of an answer: `prediction`, and `probability_<class>` for each class; of `outputs` the named ones.

    Raises:
        BadRequestError: an output that is no column was asked for.
    """
    columns: list[Column] = []
    for output in outputs or (PREDICT, PREDICT_PROBA):
        if output == PREDICT:
            datatype = label_datatype(signature.classes)
            values = [_text(label) for label in answers.labels] if datatype == "BYTES" else answers.labels
            columns.append(Column(PREDICTION, datatype, values))
        elif output != PREDICT_PROBA:
            raise BadRequestError(f"the output {output} is no column of a table; accept application/json for it")
        elif answers.probabilities is not None:
            columns += [
                Column(f"probability_{_text(label)}", "FP64", np.ascontiguousarray(answers.probabilities[:, place]))
                for place, label in enumerate(signature.classes)
            ]
    return columns


def _text(label: object) -> str:
    return category_text(label) or ""
