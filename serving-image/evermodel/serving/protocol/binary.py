"""Tensors as bytes: the binary tensor data extension of the Open Inference Protocol, and gRPC's raw contents.

Elements are little-endian and row-major, without gaps; BOOL is a byte of 0 or 1; an element of BYTES is its length as
four bytes and then its bytes. NaN, which JSON does not have, is a missing value.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.serving.check import show
from evermodel.serving.faults import BadRequestError

HEADER = b"inference-header-content-length"
"""Says how many bytes of a body are its JSON; the tensors' bytes follow."""
Data = list[Any] | NDArray[Any]
"""The elements of a tensor, flat: numbers that came as bytes are an array, all else is a list with None for missing."""

_NUMBERS = {
    **{
        f"{sign}INT{bits}": np.dtype(f"<{kind}{bits // 8}")
        for sign, kind in (("", "i"), ("U", "u"))
        for bits in (8, 16, 32, 64)
    },
    **{f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
}
_LENGTH = 4


def split_body(body: bytes, header: bytes) -> tuple[bytes, memoryview]:
    """The JSON of a body and the bytes behind it.

    Args:
        body: the whole of it.
        header: value of the header that says how long the JSON is.

    Raises:
        BadRequestError: it says no length that the body has.
    """
    text = header.strip()
    size = int(text) if text.isdigit() and len(text) < 20 else 0
    if not 0 < size <= len(body):
        raise BadRequestError(
            f"Inference-Header-Content-Length: expected the length of the JSON, 1 to {len(body)} as the body has,"
            f" got {show(text.decode('latin-1'))}"
        )
    return body[:size], memoryview(body)[size:]


class Rest:
    """The bytes behind the JSON of a body, which its tensors take one after the other."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._taken = 0

    def take(self, where: str, size: object) -> memoryview:
        """The bytes of the next tensor.

        Raises:
            BadRequestError: it wants more than there are, or no number of bytes.
        """
        if type(size) is not int or size < 0:
            raise BadRequestError(f"{where}: binary_data_size must be a number of bytes, got {show(size)}")
        left = len(self._content) - self._taken
        if size > left:
            raise BadRequestError(f"{where}: binary_data_size is {size}, and {left} bytes are left in the body")
        self._taken += size
        return self._content[self._taken - size : self._taken]

    def end(self) -> None:
        """See that nothing is left.

        Raises:
            BadRequestError: there is.
        """
        left = len(self._content) - self._taken
        if left:
            raise BadRequestError(f"{left} bytes are left in the body behind the last input with a binary_data_size")


def decode(where: str, datatype: str, count: int, content: bytes | memoryview) -> Data:
    """The elements of a tensor.

    Args:
        where: names the tensor in sentences.
        datatype: one of the protocol.
        count: how many elements its shape means.
        content: its bytes.

    Raises:
        BadRequestError: the bytes are not those of so many elements.
    """
    if datatype == "BYTES":
        return texts_of(where, _split_elements(where, count, content))
    kind = _NUMBERS.get(datatype)
    size = 1 if kind is None else kind.itemsize
    if len(content) != count * size:
        raise BadRequestError(
            f"{where}: {count} values of {datatype} are {count * size} bytes, and there are {len(content)}"
        )
    if kind is not None:
        return np.frombuffer(content, kind)
    truths = np.frombuffer(content, np.uint8)
    if truths.max(initial=0) > 1:
        raise BadRequestError(f"{where}: a BOOL is a byte of 0 or 1, got {truths.max()}")
    return [bool(truth) for truth in truths.tolist()]


def _split_elements(where: str, count: int, content: bytes | memoryview) -> list[bytes]:
    found: list[bytes] = []
    place, size = 0, len(content)
    while place < size and len(found) < count:
        start = place + _LENGTH
        end = start + int.from_bytes(content[place:start], "little")
        if end > size:
            raise BadRequestError(
                f"{where}, value {len(found)}: it ends {end - size} bytes behind the data; an element of BYTES is its"
                " length as four bytes (little-endian) and then its bytes"
            )
        found.append(bytes(content[start:end]))
        place = end
    if len(found) != count or place != size:
        more = f"{len(found)}" if place == size else f"{count} and {size - place} bytes more"
        raise BadRequestError(f"{where}: the shape means {count} values of BYTES, and there are {more}")
    return found


def texts_of(where: str, elements: Sequence[bytes]) -> list[str]:
    """The texts that elements of BYTES are.

    Raises:
        BadRequestError: one is not UTF-8.
    """
    try:
        return [element.decode() for element in elements]
    except UnicodeDecodeError:
        value = next(value for value, element in enumerate(elements) if not _is_text(element))
        raise BadRequestError(f"{where}, value {value}: expected a text in UTF-8") from None


def _is_text(element: bytes) -> bool:
    try:
        element.decode()
    except UnicodeDecodeError:
        return False
    return True


def from_base64(where: str, texts: Sequence[str | None]) -> list[str | None]:
    """The texts that are written in base64.

    Raises:
        BadRequestError: one is not base64 of a text in UTF-8.
    """
    found: list[str | None] = []
    for value, text in enumerate(texts):
        try:
            found.append(None if text is None else b64decode(text, validate=True).decode())
        except (Base64Error, ValueError):
            sentence = f"{where}, value {value}: expected base64 of a text in UTF-8, got {show(text)}"
            raise BadRequestError(sentence) from None
    return found


def encode(datatype: str, data: Sequence[Any] | NDArray[Any]) -> bytes:
    r"""The bytes of a tensor's elements, of which none is missing.

    >>> encode("BYTES", ["ill"]), encode("INT64", [1]), encode("BOOL", [True])
    (b'\x03\x00\x00\x00ill', b'\x01\x00\x00\x00\x00\x00\x00\x00', b'\x01')
    """
    if datatype == "BYTES":
        elements = [str(text).encode() for text in data]
        return b"".join(len(element).to_bytes(_LENGTH, "little") + element for element in elements)
    return np.asarray(data, _NUMBERS.get(datatype, np.dtype(np.bool_))).tobytes()
