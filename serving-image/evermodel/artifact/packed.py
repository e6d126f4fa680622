"""Arrays of numbers inside JSON documents: little-endian float64 in base64, quicker and smaller than digits."""

import base64
import binascii
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

_LITTLE = np.dtype("<f8")


def pack(values: NDArray[np.float64]) -> str:
    """Numbers as text.

    >>> pack(np.array([1.0]))
    'AAAAAAAA8D8='
    """
    return base64.b64encode(np.ascontiguousarray(values, dtype=_LITTLE).tobytes()).decode("ascii")


def unpack(given: Any) -> NDArray[np.float64]:
    """Numbers from text, or from what numpy takes; shape (values,), not to be written to.

    Raises:
        ValueError: when the text is no base64 of such numbers.
    """
    if not isinstance(given, str):
        return np.asarray(given, dtype=np.float64).reshape(-1)
    try:
        content = base64.b64decode(given, validate=True)
    except binascii.Error as error:
        raise ValueError(f"is no base64: {error}") from error
    if len(content) % _LITTLE.itemsize:
        raise ValueError(f"holds {len(content)} bytes, and a number has {_LITTLE.itemsize}")
    return np.frombuffer(content, dtype=_LITTLE).astype(np.float64, copy=False)


PackedFloats = Annotated[
    NDArray[np.float64],
    PlainValidator(unpack),
    PlainSerializer(pack, return_type=str),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""A field that is an array here, and text in the document."""
