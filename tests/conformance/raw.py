"""Tensors as bytes: little-endian, row by row; BOOL is one byte, an element of BYTES its length in four and its bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conformance.requirement import demand

_NUMPY = {
    "BOOL": "?",
    **{f"{sign}INT{bits}": f"<{kind}{bits // 8}" for sign, kind in (("", "i"), ("U", "u")) for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
}


def encode(datatype: str, values: list[Any]) -> bytes:
    """The bytes of a tensor."""
    if datatype == "BYTES":
        texts = [str(value).encode() for value in values]
        return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    return np.asarray(values, _NUMPY[datatype]).tobytes()


def decode(datatype: str, content: bytes) -> list[Any]:
    """The elements in the bytes of a tensor.

    Raises:
        ViolationError: the bytes are not those of whole elements.
    """
    if datatype == "BYTES":
        found, place = [], 0
        while place < len(content):
            size = int.from_bytes(content[place : place + 4], "little")
            found.append(content[place + 4 : place + 4 + size].decode())
            place += 4 + size
        demand(place == len(content), f"the last element of BYTES ends {place - len(content)} bytes behind the data")
        return found
    kind = np.dtype(_NUMPY[datatype])
    demand(len(content) % kind.itemsize == 0, f"{len(content)} bytes are no whole number of {datatype}")
    return list(np.frombuffer(content, kind).tolist())
