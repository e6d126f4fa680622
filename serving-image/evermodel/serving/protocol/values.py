"""One row in a path: `84,23,53,43`, in the signature's column order. A comma inside a value is written `%2C`."""

from urllib.parse import unquote

import orjson

from evermodel.artifact.signature import Signature
from evermodel.serving.check import columns_from_rows
from evermodel.serving.protocol.answers import Answers, Question


def parse(values: str, signature: Signature) -> Question:
    """Read a row from the raw (percent-encoded) path segment; an empty value is missing.

    Raises:
        BadRequestError: which column, what was expected and what came.
    """
    row = [unquote(value) for value in values.split(",")]
    return Question(columns_from_rows(signature, [row], text=True))


def format_answers(answers: Answers) -> bytes:
    """The body of an answer to one row."""
    document: dict[str, object] = {
        "prediction": answers.labels[0],
        "model_name": answers.model,
        "model_version": answers.version,
        "id": answers.id,
    }
    if answers.probabilities is not None:
        document["probabilities"] = answers.probabilities[0]
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
