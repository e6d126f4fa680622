"""The v1 protocol: `{"instances": [...]}` -> `{"predictions": [...]}`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from evermodel.artifact.signature import Signature
from evermodel.serving.check import Columns, columns_from_objects, columns_from_rows, rows_of_numbers, show
from evermodel.serving.faults import BadRequestError
from evermodel.serving.limits import STANDARD
from evermodel.serving.protocol.answers import Answers, Question


def parse(document: dict[str, Any], signature: Signature, limit: int = STANDARD.rows) -> Question:
    """Read the body of a :predict request: `instances` (or `inputs`) as lists in the signature's order, or as objects.

    `limit` is how many rows there may be.

    Raises:
        BadRequestError: what is wrong and where.
        TooLargeError: too many rows.
    """
    if "instances" in document and "inputs" in document:
        raise BadRequestError('the body has "instances" and "inputs"; send the rows in one of them')
    key = "instances" if "instances" in document else "inputs"
    if key not in document:
        raise BadRequestError('the body has no "instances"; send {"instances": [row, ...]}')
    rows = document[key]
    if not isinstance(rows, list):
        raise BadRequestError(f"{key}: expected a list of rows, got {show(rows)}")
    return Question(_columns(signature, rows, limit))


def _columns(signature: Signature, rows: Sequence[object], limit: int) -> Columns | NDArray[np.float64]:
    if (numbers := rows_of_numbers(signature, rows, limit)) is not None:
        return numbers
    if rows and isinstance(rows[0], dict):
        return columns_from_objects(signature, rows, limit=limit)
    return columns_from_rows(signature, rows, limit=limit)


def format_answers(answers: Answers) -> bytes:
    """The body of an answer; probabilities, where there are any, one list for each row in the order of the classes."""
    document: dict[str, object] = {
        "predictions": answers.labels,
        "model_name": answers.model,
        "model_version": answers.version,
        "id": answers.id,
    }
    if answers.probabilities is not None:
        document["probabilities"] = answers.probabilities
    for name, reason in answers.reasons.items():
        document[name] = reason.values
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
