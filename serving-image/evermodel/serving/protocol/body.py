"""What all JSON bodies share: how they are read, and which request ids are taken."""

import re
from typing import Any

import orjson

from evermodel.serving.check import show
from evermodel.serving.faults import BadRequestError

_ID = re.compile(r"[\x21-\x7e]{1,128}")
ID_RULE = "an id is 1 to 128 printable ASCII characters without spaces"


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        BadRequestError: where the JSON breaks off, or that it is no object.
    """
    document = read_json(body)
    if not isinstance(document, dict):
        raise BadRequestError(f"the body must be a JSON object, got {show(document)}")
    return document


def read_json(body: bytes) -> object:
    """The JSON value in a body.

    Raises:
        BadRequestError: where the JSON breaks off.
    """
    if not body:
        raise BadRequestError("the body is empty; send a JSON object")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from None


def is_request_id(value: object) -> bool:
    """Whether a value may be a request id: it must fit into a header and into a column of the log."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def read_id(document: dict[str, Any]) -> str | None:
    """The request id in a body; None where there is none, null or an empty one.

    Raises:
        BadRequestError: when it cannot be echoed.
    """
    value = document.get("id")
    if value is None or value == "":
        return None
    if not is_request_id(value):
        raise BadRequestError(f"id: {ID_RULE}, got {show(value)}")
    return str(value)
